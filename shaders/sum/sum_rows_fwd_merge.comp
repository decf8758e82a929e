#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: column sums of pairs [blocks,D], the second of two stages.
// An invocation owns one column of one block of rows.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#define TERM vec2
#define RESULT float
#define ADD pair_add_pair
#define ROUND(s) (s.x + s.y)
#include "sum/rows.glsl"
