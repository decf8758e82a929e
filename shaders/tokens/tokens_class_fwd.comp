#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b,0] = class + pos[0]; y[b,t] = patches[b,t-1] + pos[t].
// Row (b, t) of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: one rounding.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

READ_BUFFER(0, float, patches); // whole batches of [B,T-1,D]
READ_BUFFER(1, float, token);   // [D] the class token
READ_BUFFER(2, float, pos);     // [T,D]
WRITE_BUFFER(3, float, y);      // whole batches of [B,T,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint t = row % p.tokens, at = p.out_skip + row * p.width, at_pos = t * p.width;
    if (t == 0) {
        SPAN_SET(c, p.width, y[at + c], token[c] + pos[c])
        return;
    }
    uint from = p.in_skip + (row / p.tokens * (p.tokens - 1) + t - 1) * p.width;
    SPAN_SET(c, p.width, y[at + c], patches[from + c] + pos[at_pos + c])
}
