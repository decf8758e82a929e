#version 450
//! tech: group row
//! target: vulkan1.1
// Idea: adds up the squares of runs of elements.
// The run's owner is a workgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: sums carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#define PARTIAL float
#define TERM(v) (v) * (v)
#define RESULT(s) (s.x + s.y)
#include "sum/partial.glsl"
