#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx[b,t] = dy[b] / T.
// Each workgroup owns a run of elements of dx (lib/cells.glsl).
// Numerics: one division.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "args/mean.h"

READ_BUFFER(0, float, dy);  // [B,D]
WRITE_BUFFER(1, float, dx); // [B*T,D]
PUSH(mean_tokens_bwd_args, p);

void main()
{
    EACH_CELL(i, row, col, p.count, p.first, p.width)
        dx[i] = dy[row / p.tokens * p.width + col] / p.divisor;
}
