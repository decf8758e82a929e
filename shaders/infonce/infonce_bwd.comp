#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dA = exp(q) G, G = (row softmax + column softmax - 2 I) dloss / 2N, and partial sums of dq: bwd.glsl.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of G sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, a);       // [N,N]
READ_BUFFER(1, float, q);       // [1]
READ_BUFFER(2, float, row_lse); // [N]
READ_BUFFER(3, float, col_lse); // [N]
READ_BUFFER(4, float, dloss);   // [1]
WRITE_BUFFER(5, float, da);     // [N,N]
WRITE_BUFFER(6, float, part);   // [slices,N] of dq

struct line {
    float own, weight, lse, rest;
};

vec2 scales();
line row_line(uint row);
line col_line(uint column);
vec2 targets(line of_row, line of_column, uint row, uint column, uint at);
void keep(uint at, float gradient);
void keep_part(uint i, float sum);
#include "infonce/bwd.glsl"

vec2 scales()
{
    return vec2(exp_close(q[0]), dloss[0] / (2.0 * float(p.n)));
}

line row_line(uint row)
{
    return line(a[row * p.n + row], 1, row_lse[row], 0);
}

line col_line(uint column)
{
    return line(a[column * p.n + column], 1, col_lse[column], 0);
}

vec2 targets(line of_row, line of_column, uint row, uint column, uint at)
{
    return vec2(0);
}

void keep(uint at, float gradient)
{
    da[at] = gradient;
}

void keep_part(uint i, float sum)
{
    part[i] = sum;
}
