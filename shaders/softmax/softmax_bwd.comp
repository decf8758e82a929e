#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: dx = y * (dy - sum(y * dy)); as y sums to 1, both are taken about the row's first dy: what dy has in
// common cancels before it is rounded.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/pair.glsl"
#include "lib/row.glsl"
#include "softmax/seen.glsl"

const uint BLOCK = 8; // terms per step of the long sum

READ_BUFFER(0, float, dy);  // [R,D]
READ_BUFFER(1, float, y);   // [R,D]
WRITE_BUFFER(2, float, dx); // [R,D]
PUSH(softmax_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes(), seen = seen_by(p, row), j = lane;
    float first = dy[base], value = 0, lost = 0;
    ROW_KEEP(float, kept_y, j, seen, y[base + j])
    ROW_KEEP(float, kept_dy, j, seen, dy[base + j] - first)
    if (MANY == 0) {
        ROUND_EACH(t)
            value += round_value(round_counts(lane + t * lanes, seen), kept_y[t] * kept_dy[t]);
    }
    for (; MANY != 0 && j + (BLOCK - 1) * lanes < seen; j += BLOCK * lanes) {
        float block = 0;
        [[unroll]] for (uint t = 0; t < BLOCK; t++)
            block += y[base + j + t * lanes] * (dy[base + j + t * lanes] - first);
        pair_add(value, lost, block);
    }
    for (; MANY != 0 && j < seen; j += ROUND * lanes) {
        ROUND_EACH(t)
        {
            uint place = round_place(j + t * lanes, seen);
            float term = y[base + place] * (dy[base + place] - first);
            pair_add(value, lost, round_value(round_counts(j + t * lanes, seen), term));
        }
    }
    vec2 sum = row_sum(vec2(value, lost));
    float along = sum.x + sum.y;

    ROW_SET(float, j, seen, dx[base + j], MANY == 0 ? kept_y[t] * (kept_dy[t] - along)
                                                    : y[base + j] * ((dy[base + j] - first) - along))
    for (j = row_first(seen); j < p.width; j += lanes)
        dx[base + j] = 0;
}
