#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b,n,m] = x[b,m,n], read down columns, written along rows.
// Each workgroup owns a run of elements of y (lib/cells.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "args/transpose.h"

READ_BUFFER(0, float, x);  // [B,M,N]
WRITE_BUFFER(1, float, y); // [B,N,M]
PUSH(transpose_args, p);

void main()
{
    uint size = p.in_stride * p.out_stride;
    EACH_CELL(i, row, m, p.count, 0, p.m) { // row = n of sequence row / p.n
        uint batch = row / p.n, n = row % p.n;
        y[p.out_skip + batch * size + n * p.out_stride + m] = x[p.in_skip + batch * size + m * p.in_stride + n];
    }
}
