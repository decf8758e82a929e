#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup adds up the squares of one run of elements; sums by a tree in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the run.
// Numerics: sums carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#define PARTIAL float
#define TERM(v) (v) * (v)
#define RESULT(s) (s.x + s.y)
#include "sum/partial.glsl"
