#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the mean of squares from partial sums, or its root.
// One workgroup owns all; lane l adds partial sums l, l + local size, ...
// Numerics: the sum is carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/pair_row.glsl"
#include "lib/round.glsl"
#include "args/regression.h"

layout(constant_id = 8) const uint ROOT = 0;

READ_BUFFER(0, vec2, partial); // [partials]
WRITE_BUFFER(1, float, loss);  // [1]
PUSH(mse_args, p);

void main()
{
    vec2 s = vec2(0);
    for (uint k = row_lane(); k < p.partials; k += ROUND * row_lanes()) {
        vec2 of[ROUND];
        ROUND_EACH(t) of[t] = partial[round_place(k + t * row_lanes(), p.partials)];
        ROUND_EACH(t) s = pair_add(s, round_counts(k + t * row_lanes(), p.partials) ? of[t] : vec2(0));
    }
    s = pair_row_sum(s);
    float mean = (s.x + s.y) / float(p.count);
    if (row_lane() == 0)
        loss[0] = ROOT != 0 ? sqrt(mean) : mean;
}
