#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: column sums of pairs [blocks,D], the second of two stages.
// An invocation owns one column, or four, of one block of rows.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#define PAIRS_IN true
#define PAIRS_OUT false
#include "sum/rows.glsl"
