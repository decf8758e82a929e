#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dq from the partial sums of infonce_bwd, by one workgroup. Lane l owns elements l, l + lanes, ...
// Numerics: fp32, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/round.glsl"
#include "lib/row.glsl"
#include "args/contrast.h"

READ_BUFFER(0, float, part); // [count]
WRITE_BUFFER(1, float, dq);  // [1]
PUSH(contrast_args, p);

void main()
{
    float sum = 0;
    for (uint i = row_lane(); i < p.count; i += ROUND * row_lanes()) {
        float of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(i + t * row_lanes(), p.count)];
        ROUND_EACH(t) sum += round_counts(i + t * row_lanes(), p.count) ? of[t] : 0;
    }
    sum = row_sum(vec2(sum, 0)).x;
    if (row_lane() == 0)
        dq[0] = sum;
}
