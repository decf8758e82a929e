#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: means over the tokens (or frames) of each sequence; where there are many, first sums of blocks of them.
// An invocation owns one element of y: column d of one block of one sequence; neighbours own neighbouring columns.
// Numerics: sums carried as two floats (lib/pair.glsl): means that cancel keep their digits.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "lib/round.glsl"
#include "args/mean.h"

READ_BUFFER(0, float, x);  // [B,T,D]
WRITE_BUFFER(1, float, y); // [B,blocks,D]
PUSH(mean_tokens_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.count)
        return;
    uint d = i % p.width, unit = i / p.width, begin = unit % p.blocks * p.block;
    uint at = p.x_skip + unit / p.blocks * p.tokens * p.width + d;
    float value = 0, lost = 0;
    uint end = min(begin + p.block, p.tokens);
    for (uint token = begin; token < end; token += ROUND) {
        float term[ROUND];
        ROUND_EACH(t)
            term[t] = x[at + round_place(token + t, end) * p.width];
        ROUND_EACH(t)
            pair_add(value, lost, round_value(round_counts(token + t, end), term[t]));
    }
    y[p.y_skip + i] = (value + lost) / p.divisor;
}
