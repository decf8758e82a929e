#version 450
//! tech: given stream
//! target: vulkan1.1
// Idea: the scores' gradient exp(q) G, G_ij = scale (w_i (Pr_ij - Qr_ij) + w_j (Pc_ij - Qc_ij)), and partial sums of
// dq = sum of G Z: walk.glsl. Targets Q are given, or mined (stream): there the gradient takes the scores' place.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of Pr - Qr sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

UPDATE_BUFFER(5, float, part); // [slices,N] of dq
READ_BUFFER(6, float, lse);    // [2,N]
PUSH(contrast_args, p);
#define SUM float

struct anchor {
    float own, weight, lse, rest; // rest = q of the diagonal - 1
};
anchor of_row, of_column;
vec2 scales; // exp(q), dloss / (2 sum of weights)

/* meet_row, meet_column: set of_row and of_column. targets: Qr and Qc off the diagonal; below 0: left out. */
#ifdef TECH_STREAM

UPDATE_BUFFER(0, float, a);   // [rows,N]
READ_BUFFER(1, float, scale); // [3]
#include "contrast/mined.glsl"

mine_line mined_row, mined_column;

anchor anchor_of(mine_line line, uint i)
{
    return anchor(line.own, line.weight, lse[i], line.rest);
}

void meet_row(uint row)
{
    mined_row = line_at(row);
    of_row = anchor_of(mined_row, row);
}

void meet_column(uint column)
{
    mined_column = line_at(p.n + column);
    of_column = anchor_of(mined_column, p.n + column);
    scales = vec2(scale[0], scale[1]);
}

vec2 targets(uint row, uint column, uint at)
{
    vec2 value = similarities(at);
    return vec2(mine_target(mined_row, mine_as_candidate(mined_column), column, value.x, p.tau),
                mine_target(mined_column, mine_as_candidate(mined_row), row, value.y, p.tau));
}

void keep(uint at, float gradient)
{
    a[at] = gradient;
}

#else

layout(constant_id = 8) const uint ROW_TARGETS = 0; // 1: row_share is there
layout(constant_id = 9) const uint COL_TARGETS = 0; // 1: col_share is there
layout(constant_id = 10) const uint WEIGHTS = 0;    // 1: pairs are weighted

READ_BUFFER(0, float, a);         // [N,N]
READ_BUFFER(1, float, scale);     // [3]; without weights q, and w is dloss: no kernel need go before this one
READ_BUFFER(2, float, row_share); // [N,N] Qr
READ_BUFFER(3, float, col_share); // [N,N] Qc
READ_BUFFER(4, float, w);         // [N]
WRITE_BUFFER(7, float, da);       // [N,N]

anchor anchor_of(uint i, float line_lse, float rest)
{
    return anchor(a[i * p.n + i], WEIGHTS != 0 ? max(w[i], 0) : 1, line_lse, rest);
}

void meet_row(uint row)
{
    of_row = anchor_of(row, lse[row], ROW_TARGETS != 0 ? row_share[row * p.n + row] - 1 : 0);
}

void meet_column(uint column)
{
    of_column =
        anchor_of(column, lse[p.n + column], COL_TARGETS != 0 ? col_share[column * p.n + column] - 1 : 0);
    scales = WEIGHTS != 0 ? vec2(scale[0], scale[1]) : vec2(exp_close(scale[0]), w[0] / (2.0 * float(p.n)));
}

// A pair of weight 0 is no candidate of any other.
vec2 targets(uint row, uint column, uint at)
{
    return vec2(of_column.weight <= 0 ? -1 : ROW_TARGETS != 0 ? row_share[at] : 0,
                of_row.weight <= 0 ? -1 : COL_TARGETS != 0 ? col_share[at] : 0);
}

void keep(uint at, float gradient)
{
    da[at] = gradient;
}

#endif

float visit(uint row, uint column, uint at)
{
    meet_row(row);
    float score = a[at];
    precise float z_row = scales.x * (score - of_row.own), z_column = scales.x * (score - of_column.own);
    precise float g, sum = 0;
    if (row == column) {
        g = of_row.weight * (expm1_minus(of_row.lse) - of_row.rest) +
            of_column.weight * (expm1_minus(of_column.lse) - of_column.rest);
    } else {
        vec2 q = targets(row, column, at);
        precise float g_row = q.x < 0 ? 0 : exp(z_row - of_row.lse) - q.x;
        precise float g_column = q.y < 0 ? 0 : exp(z_column - of_column.lse) - q.y;
        g_row *= of_row.weight;
        g_column *= of_column.weight;
        g = g_row + g_column;
        sum = g_row * z_row + g_column * z_column;
    }
    keep(at, scales.x * scales.y * g);
    return sum;
}

float whole(float sum)
{
    return scales.y * sum;
}

#include "contrast/walk.glsl"
