#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: infonce_bwd with targets given for each element, and weights of the pairs: bwd.glsl.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of Pr - Qr sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

layout(constant_id = 8) const uint ROW_TARGETS = 0; // 1: row_share is there
layout(constant_id = 9) const uint COL_TARGETS = 0; // 1: col_share is there

READ_BUFFER(0, float, a);         // [N,N]
READ_BUFFER(1, vec4, lines);      // [N] own score, weight, lse of the row, of the column
READ_BUFFER(2, float, scale);     // [2] exp(q), dloss / (2 sum of weights)
READ_BUFFER(3, float, row_share); // [N,N] Qr
READ_BUFFER(4, float, col_share); // [N,N] Qc
WRITE_BUFFER(5, float, da);       // [N,N]
WRITE_BUFFER(6, float, part);     // [slices,N] of dq

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
    return vec2(scale[0], scale[1]);
}

line row_line(uint row)
{
    vec4 v = lines[row];
    return line(v.x, v.y, v.z, ROW_TARGETS != 0 ? row_share[row * p.n + row] - 1 : 0);
}

line col_line(uint column)
{
    vec4 v = lines[column];
    return line(v.x, v.y, v.w, COL_TARGETS != 0 ? col_share[column * p.n + column] - 1 : 0);
}

// A pair of weight 0 is no candidate of any other.
vec2 targets(line of_row, line of_column, uint row, uint column, uint at)
{
    return vec2(of_column.weight <= 0 ? -1 : ROW_TARGETS != 0 ? row_share[at] : 0,
                of_row.weight <= 0 ? -1 : COL_TARGETS != 0 ? col_share[at] : 0);
}

void keep(uint at, float gradient)
{
    da[at] = gradient;
}

void keep_part(uint i, float sum)
{
    part[i] = sum;
}
