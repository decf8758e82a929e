#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b] = x[b, index[b]].
// Row b of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: exact; an index outside 0..T-1 is clamped.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

READ_BUFFER(0, float, x);   // [rows,T,D] of [B,T,D]
READ_BUFFER(1, int, index); // [B]
WRITE_BUFFER(2, float, y);  // [rows,D] of [B,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint token = uint(clamp(index[p.first + row], 0, int(p.tokens) - 1));
    uint from = p.in_skip + (row * p.tokens + token) * p.width, to = p.out_skip + row * p.width;
    SPAN_SET(c, p.width, y[to + c], x[from + c])
}
