#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation differentiates one row; no shared memory, no barrier.
// Invocation i of the dispatch owns row i.
// Numerics: fp32; taken about the row's first dy; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#include "softmax/bwd.glsl"
