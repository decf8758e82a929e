#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[b,n,m] = x[b,m,n], read down columns, written along rows; by squares of 4 x 4 where both sides divide by 4.
// Each workgroup owns a run of elements, or squares, of y (lib/cells.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "lib/quads.glsl"
#include "args/transpose.h"

layout(constant_id = 8) const uint QUADS = 0; // strides, skips and sizes divide by 4

READ_ELEMENTS(0, x);  // [B,M,N]
WRITE_ELEMENTS(1, y); // [B,N,M]
PUSH(transpose_args, p);

void move_square(uint batch, uint n, uint m) // in quads
{
    uint from = (p.in_skip + batch * p.in_stride * p.out_stride) / 4 + m * p.in_stride + n;
    uint to = (p.out_skip + batch * p.in_stride * p.out_stride) / 4 + n * p.out_stride + m;
    uint down = p.in_stride / 4, across = p.out_stride / 4;
    mat4 square = mat4(x4[from], x4[from + down], x4[from + 2 * down], x4[from + 3 * down]);
    square = transpose(square);
    y4[to] = square[0];
    y4[to + across] = square[1];
    y4[to + 2 * across] = square[2];
    y4[to + 3 * across] = square[3];
}

void main()
{
    uint size = p.in_stride * p.out_stride, unit = QUADS != 0 ? 4 : 1, n_count = p.n / unit, m_count = p.m / unit;
    EACH_CELL(i, row, m, p.count / (unit * unit), 0, m_count) { // row = n of sequence row / n_count
        uint batch = row / n_count, n = row % n_count;
        if (QUADS != 0)
            move_square(batch, n, m);
        else
            y1[p.out_skip + batch * size + n * p.out_stride + m] = x1[p.in_skip + batch * size + m * p.in_stride + n];
    }
}
