#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the partial sums of siglip's walk into one or two numbers, by one workgroup. Lane l owns elements l, l + lanes,
// ...
// Numerics: fp32, a lane's sums as two floats, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/contrast.h"
#include "lib/pair.glsl"

layout(constant_id = 8) const uint SECOND = 0; // 1: y is wanted

READ_BUFFER(0, vec2, part); // [count]
WRITE_BUFFER(1, float, x);  // [1]
WRITE_BUFFER(2, float, y);  // [1]
PUSH(contrast_args, p);

void main()
{
    vec2 first = vec2(0), second = vec2(0);
    for (uint i = row_lane(); i < p.count; i += row_lanes()) {
        first = pair_add(first, part[i].x);
        second = pair_add(second, part[i].y);
    }
    vec2 sum = row_sum(vec2(first.x + first.y, second.x + second.y));
    if (row_lane() == 0) {
        x[0] = sum.x;
        if (SECOND != 0)
            y[0] = sum.y;
    }
}
