#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx[b,t] = dy[b] / T.
// An invocation owns column d of one block of tokens of one sequence; neighbours own neighbouring columns.
// Numerics: one division.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/mean.h"

READ_BUFFER(0, float, dy);  // [B,D]
WRITE_BUFFER(1, float, dx); // [B,T,D]
PUSH(mean_tokens_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.count)
        return;
    uint d = i % p.width, unit = i / p.width, batch = unit / p.blocks, begin = unit % p.blocks * p.block;
    uint at = p.x_skip + batch * p.tokens * p.width + d;
    float share = dy[p.y_skip + batch * p.width + d] / p.divisor;
    for (uint t = begin; t < min(begin + p.block, p.tokens); t++)
        dx[at + t * p.width] = share;
}
