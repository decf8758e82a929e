#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: embedding_bwd, added to what is there: the later parts of a dy that exceeds one range.
// Table row r belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: fp32; sums of blocks, then what is left before and after: one order, deterministic.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define ACCUMULATE
#include "embedding/rows.glsl"
