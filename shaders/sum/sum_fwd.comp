#version 450
//! tech: group row
//! target: vulkan1.1
// Idea: adds up runs of elements.
// The run's owner is a workgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: sums carried as two floats (lib/pair.glsl): as if in twice the precision.
#extension GL_GOOGLE_include_directive : require
#define PARTIAL vec2
#define TERM(v) (v)
#define RESULT(s) (s)
#include "sum/partial.glsl"
