#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation searches one row; no shared memory, no barrier.
// Invocation i of the dispatch owns row i.
// Numerics: exact; the first of equals; a NaN is above everything.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#include "max/fwd.glsl"
