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

seen see(uint row, uint column, uint at)
{
    return seen(a[at], pair_at(row, at));
}

vec2 visit(seen s, uint row, uint column, uint at)
{
    vec2 pair = sign_and_weight(s.pair, row, column);
    float x = -pair.x * (scales.x * s.score + scales.z);
    float loss = scales.y * pair.y * (max(x, 0) + log1p_close(exp(-abs(x))));
    return vec2(pair.y > 0 ? loss : 0, 0);
}

#include "contrast/walk.glsl"
