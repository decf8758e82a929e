#version 450
//! tech: given stream block
//! target: vulkan1.1
// Idea: the scores' gradient exp(q) G, G_ij = scale (w_i (Pr_ij - Qr_ij) + w_j (Pc_ij - Qc_ij)), and partial sums of
// dq = sum of G Z: walk.glsl. Targets Q are given, or mined (stream): there the gradient takes the scores' place. Rows
// of a block (block) are anchors of whichever side; their lines and the others' begin where the arguments say.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of Pr - Qr sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

UPDATE_BUFFER(5, float, part); // [slices,N] of dq
#ifdef TECH_BLOCK
READ_BUFFER(6, vec4, sums); // [2,N] lse and more
#else
READ_BUFFER(6, float, lse); // [2,N]
#endif
PUSH(contrast_args, p);
#define SUM float

struct anchor {
    float own, weight, lse;
};
anchor of_column;
vec2 scales; // exp(q), dloss / (2 sum of weights)

#ifdef TECH_BLOCK
#define TECH_STREAM 1
uint row_place(uint i)
{
    return p.line + i;
}
uint column_place(uint i)
{
    return p.line2 + i;
}
float lse_at(uint place)
{
    return sums[place].x;
}
#else
uint row_place(uint i)
{
    return i;
}
uint column_place(uint i)
{
    return p.n + i;
}
float lse_at(uint place)
{
    return lse[place];
}
#endif

/* meet_column: sets of_column. targets: Qr and Qc off the diagonal; below 0: left out. rests: those on it, less 1. */
#ifdef TECH_STREAM

UPDATE_BUFFER(0, float, a);   // [rows,N]
READ_BUFFER(1, float, scale); // [3]
#include "contrast/mined.glsl"

mine_line mined_column;

struct seen {
    float score, lse;
    mine_line row;
    vec2 value;
};

anchor anchor_of(mine_line line, float line_lse)
{
    return anchor(line.own, line.weight, line_lse);
}

void meet_column(uint column)
{
    mined_column = line_at(column_place(column));
    of_column = anchor_of(mined_column, lse_at(column_place(column)));
    scales = vec2(scale[0], scale[1]);
}

seen see(uint row, uint column, uint at)
{
    return seen(a[at], lse_at(row_place(row)), line_at(row_place(row)), similarities(at));
}

anchor anchor_of_row(seen s)
{
    return anchor_of(s.row, s.lse);
}

vec2 targets(seen s, uint row, uint column)
{
    return vec2(mine_target(s.row, mine_as_candidate(mined_column), column, s.value.x, p.tau),
                mine_target(mined_column, mine_as_candidate(s.row), row, s.value.y, p.tau));
}

vec2 rests(uint own)
{
    return vec2(line_at(row_place(own)).rest, mined_column.rest);
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

anchor anchor_of(uint i, float line_lse)
{
    return anchor(a[i * p.n + i], WEIGHTS != 0 ? max(w[i], 0) : 1, line_lse);
}

struct seen {
    float score;
    anchor row;
    vec2 share;
};

void meet_column(uint column)
{
    of_column = anchor_of(column, lse_at(column_place(column)));
    scales = WEIGHTS != 0 ? vec2(scale[0], scale[1]) : vec2(exp_close(scale[0]), w[0] / (2.0 * float(p.n)));
}

seen see(uint row, uint column, uint at)
{
    return seen(a[at], anchor_of(row, lse_at(row_place(row))),
                vec2(ROW_TARGETS != 0 ? row_share[at] : 0, COL_TARGETS != 0 ? col_share[at] : 0));
}

anchor anchor_of_row(seen s)
{
    return s.row;
}

// A pair of weight 0 is no candidate of any other.
vec2 targets(seen s, uint row, uint column)
{
    return vec2(of_column.weight <= 0 ? -1 : s.share.x, s.row.weight <= 0 ? -1 : s.share.y);
}

vec2 rests(uint own)
{
    uint at = own * p.n + own;
    return vec2(ROW_TARGETS != 0 ? row_share[at] - 1 : 0, COL_TARGETS != 0 ? col_share[at] - 1 : 0);
}

void keep(uint at, float gradient)
{
    da[at] = gradient;
}

#endif

float visit(seen s, uint row, uint column, uint at)
{
    anchor of_row = anchor_of_row(s);
    precise float z_row = scales.x * (s.score - of_row.own), z_column = scales.x * (s.score - of_column.own);
    vec2 q = targets(s, row, column);
    precise float g_row = exp(z_row - of_row.lse) - q.x, g_column = exp(z_column - of_column.lse) - q.y;
    g_row = q.x < 0 ? 0 : g_row * of_row.weight;
    g_column = q.y < 0 ? 0 : g_column * of_column.weight;
    precise float g = g_row + g_column, sum = g_row * z_row + g_column * z_column;
    keep(at, scales.x * scales.y * g);
    return row == column ? 0 : sum;
}

// On the diagonal P - 1, without loss where P is next to 1; z is 0.
void finish(uint own)
{
    vec2 rest = rests(own);
    precise float g_row = of_column.weight * (expm1_minus(lse_at(row_place(own))) - rest.x);
    precise float g_column = of_column.weight * (expm1_minus(of_column.lse) - rest.y);
    precise float g = g_row + g_column;
    keep((own - p.first) * p.n + own, scales.x * scales.y * g);
}

float whole(float sum)
{
    return scales.y * sum;
}

#include "contrast/walk.glsl"
