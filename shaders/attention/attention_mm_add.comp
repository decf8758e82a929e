#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a strided matmul per (batch, head), added to what is there: the plain attention's later row chunks.
// Invocation i owns a 4 x 4 tile of one pair's C.
// Numerics: fp32, runs of 32 terms summed first, in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define ACCUMULATE
#include "attention/mm.glsl"
