#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the partial sums of siglip's walk into one or two numbers, by one workgroup. Lane l owns elements l, l + lanes,
// ...
// Numerics: fp32, a lane's sums as two floats, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/round.glsl"
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
    for (uint i = row_lane(); i < p.count; i += ROUND * row_lanes()) {
        vec2 of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(i + t * row_lanes(), p.count)];
        ROUND_EACH(t)
        {
            vec2 term = round_counts(i + t * row_lanes(), p.count) ? of[t] : vec2(0);
            first = pair_add(first, term.x);
            second = pair_add(second, term.y);
        }
    }
    vec2 sum = row_sum(vec2(first.x + first.y, second.x + second.y));
    if (row_lane() == 0) {
        x[0] = sum.x;
        if (SECOND != 0)
            y[0] = sum.y;
    }
}
