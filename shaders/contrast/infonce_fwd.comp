#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss = sum of w (the row's + the column's loss) / (2 sum of w). One workgroup.
// Lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order. Without a pair the loss is 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/contrast.h"

READ_BUFFER(0, float, line_loss); // [2,N] of rows, of columns
READ_BUFFER(1, float, w);         // [N,STRIDE]
WRITE_BUFFER(2, float, loss);     // [1]
PUSH(contrast_args, p);

#include "contrast/weight.glsl"

void main()
{
    vec2 sum = vec2(0);
    for (uint i = row_lane(); i < p.n; i += row_lanes()) {
        float own = weight(i), both = line_loss[i] + line_loss[p.n + i];
        sum += own > 0 ? vec2(both * own, own) : vec2(0);
    }
    sum = row_sum(sum);
    if (row_lane() == 0)
        loss[0] = sum.y > 0 ? sum.x / (2.0 * sum.y) : 0;
}
