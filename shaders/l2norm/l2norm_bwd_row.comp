#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation differentiates one row; no shared memory, no barrier.
// Invocation i of the dispatch owns row i.
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#include "l2norm/bwd.glsl"
