#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: f32, f16 and bf16 from one another; 16-bit elements stand two in a word, the unused half of the last word is 0.
// Each workgroup owns a run of pairs of elements; its invocations stride through it side by side.
// Numerics: to nearest, ties to even, by integer operations (lib/half.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/half.glsl"
#include "lib/round.glsl"
#include "args/cast.h"

layout(constant_id = 3) const uint ITEMS = 4; // a multiple of ROUND
layout(constant_id = 8) const uint FROM = 0;
layout(constant_id = 9) const uint TO = 0;

READ_BUFFER(0, uint, x);
READ_BUFFER(0, uvec2, x2);
WRITE_BUFFER(1, uint, y);
WRITE_BUFFER(1, uvec2, y2);
PUSH(cast_args, p);

uint widened_half(uint bits)
{
    return FROM == CAST_F16 ? f32_of_f16(bits) : f32_of_bf16(bits);
}

uvec2 widened(uint word)
{
    return uvec2(widened_half(word & 0xffffu), widened_half(word >> 16));
}

uint narrowed(uvec2 v)
{
    return TO == CAST_F16 ? f16_of_f32(v.x) | f16_of_f32(v.y) << 16 : bf16_of_f32(v.x) | bf16_of_f32(v.y) << 16;
}

/* The element that has no neighbour. */
void cast_last(uint i)
{
    uint v = FROM == CAST_F32 ? x[i] : widened_half(x[i / 2] & 0xffffu);
    if (TO == CAST_F32)
        y[i] = v;
    else
        y[i / 2] = narrowed(uvec2(v, 0));
}

uvec2 loaded(uint pair)
{
    return FROM == CAST_F32 ? x2[pair] : widened(x[pair]);
}

void main()
{
    uint pair = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x, pairs = p.count / 2;
    if (pair == 0 && p.count % 2 != 0)
        cast_last(p.count - 1);
    uint end = min(pairs, pair + ITEMS * gl_WorkGroupSize.x);
    if (TO == CAST_F32) {
        ROUNDS_SET(uvec2, pair, gl_WorkGroupSize.x, i, end, y2[i], loaded(i))
    } else {
        ROUNDS_SET(uint, pair, gl_WorkGroupSize.x, i, end, y[i], narrowed(loaded(i)))
    }
}
