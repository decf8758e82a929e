#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx[b, index[b]] = dy[b], zeros elsewhere; every row is written.
// Row (b, t) of the dispatch belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: exact; an index outside 0..T-1 is clamped as in the forward pass.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/rows.h"

READ_BUFFER(0, float, dy);  // [B,D]
READ_BUFFER(1, int, index); // [B]
WRITE_BUFFER(2, float, dx); // [rows,D] of [B*T,D]
PUSH(rows_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.rows)
        return;
    uint batch = (p.first + row) / p.tokens, token = (p.first + row) % p.tokens;
    bool taken = token == uint(clamp(index[batch], 0, int(p.tokens) - 1));
    uint from = batch * p.width, to = p.out_skip + row * p.width;
    if (taken) {
        SPAN_SET(c, p.width, dx[to + c], dy[from + c])
    } else {
        SPAN_SET(c, p.width, dx[to + c], 0.0)
    }
}
