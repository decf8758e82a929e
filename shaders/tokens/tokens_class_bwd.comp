#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dpatches[b,g] = dy[b,g+1]: drops the class token's rows.
// Row (b, g) of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

READ_BUFFER(0, float, dy);  // whole batches of [B,T,D]
WRITE_BUFFER(1, float, dx); // whole batches of [B,T-1,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint patches = p.tokens - 1;
    uint from = p.in_skip + (row / patches * p.tokens + row % patches + 1) * p.width, to = p.out_skip + row * p.width;
    SPAN_SET(c, p.width, dx[to + c], dy[from + c])
}
