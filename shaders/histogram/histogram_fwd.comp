#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the partial counts of histogram_fwd_part into one. Invocation k owns bin k.
// Numerics: whole numbers, exact in the result up to 2^24 and rounded above.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/histogram.h"

layout(constant_id = 8) const uint BINS = 20;

READ_BUFFER(0, uint, part); // [slices,BINS]
WRITE_BUFFER(1, float, y);  // [BINS]
PUSH(histogram_args, p);

void main()
{
    uint k = invocation_1d(), sum = 0;
    if (k >= BINS)
        return;
    for (uint slice = 0; slice < p.slices; slice += ROUND) {
        uint of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(slice + t, p.slices) * BINS + k];
        ROUND_EACH(t) sum += round_counts(slice + t, p.slices) ? of[t] : 0;
    }
    y[k] = float(sum);
}
