#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation differentiates one row; no shared memory, no barrier.
// Invocation i of the dispatch owns row i.
// Numerics: fp32; x - mean is exact or nearly so; the two sums run over the whole row.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#include "layernorm/bwd_x.glsl"
