#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation adds up one run of elements; no shared memory, no barrier.
// Invocation i of the dispatch owns run i.
// Numerics: sums carried as two floats (lib/pair.glsl): as if in twice the precision.
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#define PARTIAL vec2
#define TERM(v) (v)
#define RESULT(s) (s)
#include "sum/partial.glsl"
