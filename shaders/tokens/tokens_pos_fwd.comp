#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b,t] = x[b,t] + pos[t].
// Row (b, t) of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: one rounding.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

READ_BUFFER(0, float, x);   // whole batches of [B,T,D]
READ_BUFFER(1, float, pos); // [P,D], P >= T
WRITE_BUFFER(2, float, y);  // whole batches of [B,T,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint at = p.out_skip + row * p.width, at_pos = row % p.tokens * p.width;
    SPAN_SET(c, p.width, y[at + c], x[at + c] + pos[at_pos + c])
}
