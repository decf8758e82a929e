#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation compares one row with its target; no shared memory, no barrier.
// Invocation i of the dispatch owns row i.
// Numerics: fp32; exponents relative to the maximum, whose own 1 is kept apart.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#include "cross_entropy/fwd.glsl"
