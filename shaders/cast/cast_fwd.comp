#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: f32, f16 and bf16 from one another; 16-bit elements stand two in a word, the unused half of the last word is 0.
// Each workgroup owns a run of pairs of elements; its invocations stride through it side by side.
// Numerics: to nearest, ties to even, by integer operations (lib/half.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/half.glsl"
#include "args/cast.h"

layout(constant_id = 3) const uint ITEMS = 4;
layout(constant_id = 8) const uint FROM = 0;
layout(constant_id = 9) const uint TO = 0;

READ_BUFFER(0, uint, x);
WRITE_BUFFER(1, uint, y);
PUSH(cast_args, p);

uvec2 load_pair(uint pair, bool both)
{
    if (FROM == CAST_F32)
        return uvec2(x[2 * pair], both ? x[2 * pair + 1] : 0);
    uint word = both ? x[pair] : x[pair] & 0xffffu;
    if (FROM == CAST_F16)
        return uvec2(f32_of_f16(word & 0xffffu), f32_of_f16(word >> 16));
    return uvec2(f32_of_bf16(word & 0xffffu), f32_of_bf16(word >> 16));
}

void store_pair(uint pair, bool both, uvec2 v)
{
    if (TO == CAST_F32) {
        y[2 * pair] = v.x;
        if (both)
            y[2 * pair + 1] = v.y;
    } else if (TO == CAST_F16) {
        y[pair] = f16_of_f32(v.x) | f16_of_f32(v.y) << 16;
    } else {
        y[pair] = bf16_of_f32(v.x) | bf16_of_f32(v.y) << 16;
    }
}

void main()
{
    uint pair = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x;
    for (uint item = 0; item < ITEMS && pair < (p.count + 1) / 2; item++, pair += gl_WorkGroupSize.x) {
        bool both = 2 * pair + 1 < p.count;
        store_pair(pair, both, load_pair(pair, both));
    }
}
