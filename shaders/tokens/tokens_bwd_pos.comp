#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dpos[t] = sum over b of dy[b,t]; zeros for positions that were not used.
// Invocation i owns element i of dpos [P,D] and walks the batch in order: deterministic.
// Numerics: fp32, runs of 16 summed first.
#extension GL_GOOGLE_include_directive : require
#include "tokens/sum.glsl"
