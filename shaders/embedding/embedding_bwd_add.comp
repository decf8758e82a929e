#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: embedding_bwd, added to what is there: the later parts of a dy that exceeds one range.
// Table row r belongs to one row of invocations (lib/span.glsl), which finds its run of the sorted ids by bisection.
// Numerics: fp32; sums of blocks, then what is left before and after: one order, deterministic.
#extension GL_GOOGLE_include_directive : require
#define ACCUMULATE
#include "embedding/rows.glsl"
