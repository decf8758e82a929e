#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss = (sum of the rows' + sum of the columns' -ln P) / 2N: mean.glsl.
// One workgroup; lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, row_lse); // [N]
READ_BUFFER(1, float, col_lse); // [N]
WRITE_BUFFER(2, float, loss);   // [1]

vec2 pair(uint i)
{
    return vec2(row_lse[i] + col_lse[i], 1);
}

#include "infonce/mean.glsl"
