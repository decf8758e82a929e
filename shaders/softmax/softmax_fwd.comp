#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: exponentials of a row divided by their sum; causal rows end at their own place.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32, online: exponents relative to the maximum so far; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/pair.glsl"
#include "lib/row_max.glsl"
#include "softmax/seen.glsl"

const uint BLOCK = 8; // elements per rescaling

READ_BUFFER(0, float, x);  // [R,D]
WRITE_BUFFER(1, float, y); // [R,D]
PUSH(softmax_args, p);

/* Takes what is below `end` of BLOCK elements from j on; all: that they are below it is known. */
void take_block(bool all, uint base, uint j, uint end, inout float top, inout float value, inout float lost)
{
    float z[BLOCK], peak = top, block = 0;
    [[unroll]] for (uint t = 0; t < BLOCK; t++) {
        uint place = j + t * row_lanes();
        z[t] = x[base + (all ? place : min(place, end - 1))];
        peak = max(peak, z[t]); // the last one may be among them twice
    }
    [[unroll]] for (uint t = 0; t < BLOCK; t++) {
        float term = exp(z[t] - peak);
        block += all || j + t * row_lanes() < end ? term : 0;
    }
    float shrink = exp(top - peak);
    value *= shrink;
    lost *= shrink;
    pair_add(value, lost, block);
    top = peak;
}

/* A row that is one round: loaded once, exponentials taken once. */
void keep_row(uint base, uint width, uint seen)
{
    float top = -3.4e38;
    ROW_KEEP(float, z, j, seen, x[base + j])
    ROUND_EACH(t)
        top = max(top, z[t]);
    float peak = row_max(top);
    ROUND_EACH(t)
        z[t] = exp(z[t] - peak);
    ROW_SUM(sum, j, seen, z[t], 0);
    float scale = 1 / sum.x;
    ROW_SET(float, j, width, y[base + j], j < seen ? z[t] * scale : 0)
}

void walk_row(uint base, uint width, uint seen)
{
    uint lane = row_lane(), lanes = row_lanes(), j = lane;
    float top = -3.4e38, value = 0, lost = 0; // the maximum so far; the sum relative to it, and what rounding took
    for (; j + (BLOCK - 1) * lanes < seen; j += BLOCK * lanes)
        take_block(true, base, j, seen, top, value, lost);
    if (ROUND != 1 && j < seen)
        take_block(false, base, j, seen, top, value, lost);
    for (; ROUND == 1 && j < seen; j += lanes) {
        float z = x[base + j], peak = max(top, z);
        float shrink = exp(top - peak);
        value *= shrink;
        lost *= shrink;
        pair_add(value, lost, exp(z - peak));
        top = peak;
    }
    float peak = row_max(top);
    vec2 sum = row_sum(vec2(value, lost) * exp(top - peak));
    float scale = 1 / (sum.x + sum.y);

    ROW_SET(float, j, seen, y[base + j], exp(x[base + j] - peak) * scale)
    for (j = row_first(seen); j < width; j += lanes)
        y[base + j] = 0;
}

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    if (MANY == 0)
        keep_row(row * p.width, p.width, seen_by(p, row));
    else
        walk_row(row * p.width, p.width, seen_by(p, row));
}
