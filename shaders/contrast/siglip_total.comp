#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss, dloss/dq and dloss/db from the sums of all anchors. One workgroup. Lane l owns anchors l, l + lanes, ...
// Numerics: fp32, a lane's sums as two floats, a fixed order, whatever blocks the anchors were made in.
#extension GL_GOOGLE_include_directive : require
#include "lib/pair.glsl"
#include "lib/round.glsl"
#include "lib/row.glsl"
#include "args/contrast.h"

READ_BUFFER(0, vec4, sums);    // [N]
WRITE_BUFFER(1, float, loss);  // [1]
WRITE_BUFFER(2, float, slope); // [1]
WRITE_BUFFER(3, float, rise);  // [1]
PUSH(contrast_args, p);

void main()
{
    vec4 sum = vec4(0), lost = vec4(0);
    for (uint i = row_lane(); i < p.n; i += ROUND * row_lanes()) {
        vec4 of[ROUND];
        ROUND_EACH(t) of[t] = sums[round_place(i + t * row_lanes(), p.n)];
        ROUND_EACH(t) pair_add(sum, lost, round_counts(i + t * row_lanes(), p.n) ? of[t] : vec4(0));
    }
    sum += lost;
    vec2 first = row_sum(sum.xy), second = row_sum(vec2(sum.z, 0));
    if (row_lane() == 0) {
        loss[0] = first.x;
        slope[0] = first.y;
        rise[0] = second.x;
    }
}
