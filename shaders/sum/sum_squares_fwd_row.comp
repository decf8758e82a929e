#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one invocation adds up the squares of one run of elements; no shared memory, no barrier.
// Invocation i of the dispatch owns run i.
// Numerics: sums carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#define ROW_SERIAL
#define PARTIAL float
#define TERM(v) (v) * (v)
#define RESULT(s) (s.x + s.y)
#include "sum/partial.glsl"
