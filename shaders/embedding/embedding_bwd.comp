#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dtable[v] = sum of the rows of dy whose id is v, zeros where there is none: every table row is written.
// Table row r belongs to one row of invocations (lib/span.glsl), which finds its run of the sorted ids by bisection.
// Numerics: fp32; sums of blocks, then what is left before and after: one order, deterministic.
#extension GL_GOOGLE_include_directive : require
#include "embedding/rows.glsl"
