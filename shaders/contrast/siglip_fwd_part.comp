#version 450
//! tech: given stream
//! target: vulkan1.1
// Idea: partial sums of the pairs' losses, weight softplus(-sign Z), Z = exp(q) A + b: walk.glsl. Signs are given, or
// mined (stream).
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; softplus as max(x, 0) + log1p(exp(-|x|)).
#extension GL_GOOGLE_include_directive : require
#include "contrast/signs.glsl"

READ_BUFFER(0, float, a); // [rows,N]

vec2 visit(uint row, uint column, uint at)
{
    vec2 pair = sign_and_weight(row, column, at);
    if (pair.y <= 0)
        return vec2(0);
    float x = -pair.x * (scale[0] * a[at] + scale[2]);
    float loss = max(x, 0) + log1p_close(exp(-abs(x)));
    return vec2(scale[1] * pair.y * loss, 0);
}

#include "contrast/walk.glsl"
