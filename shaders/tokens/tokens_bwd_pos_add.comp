#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: tokens_bwd_pos, added to what is there: the later parts of a batch that exceeds one range.
// Invocation i owns element i of dpos [P,D] and walks the batch in order: deterministic.
// Numerics: fp32, runs of 16 summed first.
#extension GL_GOOGLE_include_directive : require
#define ACCUMULATE
#include "tokens/sum.glsl"
