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
    for (uint row = row_lane(); row < p.rows; row += row_lanes()) {
        pair_add(value, lost, nll[row]);
        counted += SOFT != 0 || target[row] >= 0 ? 1 : 0;
    }
    vec2 sum = pair_row_sum(vec2(value, lost));
    float part = 1 / max(pair_row_sum(vec2(counted, 0)).x, 1);
    if (row_lane() == 0) {
        loss[0] = (sum.x + sum.y) * part;
        share[0] = part;
    }
}
