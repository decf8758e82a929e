#version 450
//! tech: group row
//! target: vulkan1.1
// Idea: adds up the squares of runs of elements that a table names: of many tensors in one dispatch.
// The run's owner is a workgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: sums carried as two floats (lib/pair.glsl); to the bit as sum_squares_fwd.
#extension GL_GOOGLE_include_directive : require
#define PARTIAL float
#define TERM(v) (v) * (v)
#define RESULT(s) (s.x + s.y)
#define RUNS 2 // the slot of the table
#include "sum/partial.glsl"
