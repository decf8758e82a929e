#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss = sum of w (the row's + the column's loss) / (2 sum of w): mean.glsl.
// One workgroup; lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, line_loss); // [2,N] of rows, of columns
READ_BUFFER(1, vec4, lines);      // [2,N,2]
WRITE_BUFFER(2, float, loss);     // [1]

vec2 pair(uint i);
#include "infonce/mean.glsl"

vec2 pair(uint i)
{
    return vec2(line_loss[i] + line_loss[p.n + i], lines[2 * i].y);
}
