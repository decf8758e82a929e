#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dtable[v] = sum of the rows of dy whose id is v, zeros where there is none: every table row is written.
// Table row r belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: fp32; sums of blocks, then what is left before and after: one order, deterministic.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "embedding/rows.glsl"
