#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the slab's scores become their gradient, with mined targets: bwd.glsl. Partial sums of dq go on from slab to
// slab.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of Pr - Qr sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"
#include "mine/mine.glsl"

layout(constant_id = 11) const uint ONE_GUIDE = 0; // 1: row_similarity serves the columns too

UPDATE_BUFFER(0, float, a);            // [rows,N]
READ_BUFFER(1, float, scale);          // [2] exp(q), dloss / (2 sum of weights)
READ_BUFFER(2, vec4, lines);           // [2,N,2]
READ_BUFFER(3, float, lse);            // [2,N]
READ_BUFFER(4, float, row_similarity); // [rows,N]
READ_BUFFER(5, float, col_similarity); // [rows,N]
UPDATE_BUFFER(6, float, part);         // [slices,N] of dq

struct line {
    float own, weight, lse, rest;
    vec4 pair; // as a candidate
    mine_line anchor;
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

line line_of(uint i)
{
    vec4 pair = lines[2 * i];
    mine_line anchor = mine_line_of(pair, lines[2 * i + 1]);
    return line(anchor.own, anchor.weight, lse[i], anchor.rest, pair, anchor);
}

line row_line(uint row)
{
    return line_of(row);
}

line col_line(uint column)
{
    return line_of(p.n + column);
}

float target(mine_line anchor, vec4 candidate, uint index, float similarity)
{
    float share = mine_candidate(anchor, candidate, index, similarity, p.tau);
    return share > 0 ? share * anchor.factor : share;
}

vec2 targets(line of_row, line of_column, uint row, uint column, uint at)
{
    vec2 value = vec2(0);
    if (KIND != MINE_NONE) {
        value.x = row_similarity[at] * p.scale;
        value.y = ONE_GUIDE != 0 ? value.x : col_similarity[at] * p.scale;
    }
    return vec2(target(of_row.anchor, of_column.pair, column, value.x),
                target(of_column.anchor, of_row.pair, row, value.y));
}

void keep(uint at, float gradient)
{
    a[at] = gradient;
}

void keep_part(uint i, float sum)
{
    part[i] = p.first > 0 ? part[i] + sum : sum;
}
