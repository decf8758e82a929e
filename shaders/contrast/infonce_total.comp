#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss and dloss/dq = sums over all anchors of w (the row's + the column's) / (2 sum of w). One workgroup.
// Lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order, whatever blocks the anchors were made in. Without a pair both are 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/contrast.h"

READ_BUFFER(0, vec4, lines);  // [2,N,2]
READ_BUFFER(1, vec4, sums);   // [2,N] lse, loss, slope
WRITE_BUFFER(2, float, loss); // [1]
WRITE_BUFFER(3, float, slope); // [1]
PUSH(contrast_args, p);

void main()
{
    vec2 sum = vec2(0);
    float all = 0;
    for (uint i = row_lane(); i < p.n; i += row_lanes()) {
        float own = lines[2 * i].y;
        vec2 both = sums[i].yz + sums[p.n + i].yz;
        sum += own > 0 ? both * own : vec2(0);
        all += own;
    }
    sum = row_sum(sum);
    all = row_sum(vec2(all, 0)).x;
    if (row_lane() == 0) {
        loss[0] = all > 0 ? sum.x / (2.0 * all) : 0;
        slope[0] = all > 0 ? sum.y / (2.0 * all) : 0;
    }
}
