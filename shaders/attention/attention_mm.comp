#version 450
//! tech: plain add
//! target: vulkan1.1
// Idea: a strided matmul per (batch, head), for the plain attention: any head dim, any T; registers only.
// Invocation i owns a 4 x 4 tile of one pair's C.
// Numerics: fp32, runs of 32 terms summed first, in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

READ_STORED(0, a)
READ_STORED(1, b)
#ifdef TECH_ADD
UPDATE_BUFFER(2, float, c);
#else
WRITE_STORED(2, c)
#endif
PUSH(attention_mm_args, p);

const uint RUN = 32; // terms summed before they join: the error grows with RUN + depth / RUN, not with depth

void main()
{
    uint index = invocation_1d(p.begin);
    if (index >= p.count)
        return;
    uint across = (p.cols + 3) / 4, down = (p.rows + 3) / 4;
    uint n = index % across * 4, m = index / across % down * 4, chunk = index / across / down;
    uint pair = p.pair0 + chunk, batch = pair / p.heads, head = pair % p.heads;
    uint a_at = p.a_first + batch * p.a_batch + head * p.a_head + chunk * p.a_chunk;
    uint b_at = p.b_first + batch * p.b_batch + head * p.b_head + chunk * p.b_chunk;
    uint c_at = p.c_first + batch * p.c_batch + head * p.c_head + chunk * p.c_chunk;
    // past the edge the last row or column is read again and not stored
    uvec4 a_row = a_at + min(m + uvec4(0, 1, 2, 3), p.rows - 1) * p.a_row;
    uvec4 b_col = b_at + min(n + uvec4(0, 1, 2, 3), p.cols - 1) * p.b_col;

    vec4 sum[4];
    [[unroll]] for (uint y = 0; y < 4; y++)
        sum[y] = vec4(0);
    for (uint begin = 0; begin < p.depth; begin += RUN) {
        vec4 run[4];
        [[unroll]] for (uint y = 0; y < 4; y++)
            run[y] = vec4(0);
        uint end = min(begin + RUN, p.depth);
        for (uint d = begin; d < end; d++) {
            uvec4 i = a_row + d * p.a_col, j = b_col + d * p.b_row;
            vec4 x = vec4(b1(j.x), b1(j.y), b1(j.z), b1(j.w));
            [[unroll]] for (uint y = 0; y < 4; y++)
                run[y] += a1(i[y]) * x;
        }
        [[unroll]] for (uint y = 0; y < 4; y++)
            sum[y] += run[y];
    }
    [[unroll]] for (uint y = 0; y < 4; y++) {
#ifndef TECH_ADD
        if (STORED_AS(2) != FORMAT_F32) { // columns come in fours
            if (m + y < p.rows)
                c_four[(c_at + (m + y) * p.c_row + n) / 4] = halves(STORED_AS(2), sum[y]);
            continue;
        }
#endif
        [[unroll]] for (uint x = 0; x < 4; x++) {
            if (m + y < p.rows && n + x < p.cols) {
                uint at = c_at + (m + y) * p.c_row + n + x;
#ifdef TECH_ADD
                c[at] += sum[y][x];
#else
                c1[at] = sum[y][x];
#endif
            }
        }
    }
}
