#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: exp(q), dloss / (2 sum of weights) and b, which the kernels over the scores begin with. One workgroup.
// Lane l owns pairs l, l + lanes, ...
// Numerics: fp32, a fixed order; with weights of 1 the sum is exact. Without a pair there is no gradient.
#extension GL_GOOGLE_include_directive : require
#include "lib/round.glsl"
#include "lib/row.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

layout(constant_id = 9) const uint DLOSS = 0; // 1: dloss is there, else 1

READ_BUFFER(0, float, q);      // [1]
READ_BUFFER(1, float, b);      // [1]
READ_BUFFER(2, float, dloss);  // [1]
READ_BUFFER(3, float, w);      // [N,STRIDE]
WRITE_BUFFER(4, float, scale); // [3]
PUSH(contrast_args, p);

#include "contrast/weight.glsl"

void main()
{
    float sum = 0;
    for (uint i = row_lane(); i < p.n; i += ROUND * row_lanes()) {
        float own[ROUND];
        ROUND_EACH(t) own[t] = weight(round_place(i + t * row_lanes(), p.n));
        ROUND_EACH(t) sum += round_counts(i + t * row_lanes(), p.n) ? own[t] : 0;
    }
    sum = row_sum(vec2(sum, 0)).x;
    if (row_lane() == 0) {
        scale[0] = exp_close(q[0]);
        scale[1] = sum > 0 ? (DLOSS != 0 ? dloss[0] : 1) / (2.0 * sum) : 0;
        scale[2] = b[0];
    }
}
