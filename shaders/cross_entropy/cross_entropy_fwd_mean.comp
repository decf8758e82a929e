#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the mean of the rows' losses over the rows that count.
// One workgroup owns all; lane l owns rows l, l + local size, ...
// Numerics: the sum is carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/pair_row.glsl"
#include "args/cross_entropy.h"

layout(constant_id = 8) const uint SOFT = 0; // every row counts

READ_BUFFER(0, float, nll);    // [N]
READ_BUFFER(1, int, target);   // [N]; another tensor with SOFT
WRITE_BUFFER(2, float, loss);  // [1]
WRITE_BUFFER(3, float, share); // [1]: of one row in the mean
PUSH(cross_entropy_args, p);

void main()
{
    float value = 0, lost = 0, counted = 0;
    for (uint first = row_lane(); first < p.rows; first += ROUND * row_lanes()) {
        ROUND_EACH(t)
        {
            uint place = first + t * row_lanes(), row = round_place(place, p.rows);
            float loss_of = nll[row];
            bool counts = round_counts(place, p.rows), hard = SOFT != 0 || target[row] >= 0;
            pair_add(value, lost, round_value(counts, loss_of));
            counted += round_value(counts, hard ? 1 : 0);
        }
    }
    vec2 sum = pair_row_sum(vec2(value, lost));
    float part = 1 / max(pair_row_sum(vec2(counted, 0)).x, 1);
    if (row_lane() == 0) {
        loss[0] = (sum.x + sum.y) * part;
        share[0] = part;
    }
}
