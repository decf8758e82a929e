#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: column sums of x[R,D] in one stage.
// An invocation owns one column of one block of rows.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#define TERM float
#define RESULT float
#define ADD pair_add
#define ROUND(s) (s.x + s.y)
#include "sum/rows.glsl"
