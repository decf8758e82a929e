#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: exp(q) and dloss / (2 sum of weights): scale.glsl. One workgroup; lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order; with weights of 1 the sum is exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, q);      // [1]
READ_BUFFER(1, float, dloss);  // [1]
READ_BUFFER(2, vec4, lines);   // [2,N,2]
WRITE_BUFFER(3, float, scale); // [2]

float weight(uint i)
{
    return lines[2 * i].y;
}

#include "infonce/scale.glsl"
