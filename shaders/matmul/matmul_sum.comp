#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: C = epilogue(sum of the parts of a split matmul), one column per element.
// An invocation owns every local-size-th element of its run.
// Numerics: fp32, parts added in their order, so that the bits do not depend on timing.
#extension GL_GOOGLE_include_directive : require
#define T float
#define WIDTH 1
#include "matmul/sum.glsl"
