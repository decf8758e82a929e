#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: how many elements fall into each bin, as partial counts in registers: an element is compared with each bin, for
// an array with changing indices would not stay there. Invocation i owns elements i, i + slices, ...
// Numerics: the bin by two rounded operations, as the reference does them; counts are whole numbers.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/histogram.h"

const uint BLOCK = ROUND > 1 ? ROUND : 8; // elements of a round of the loop
layout(constant_id = 8) const uint BINS = 20;

READ_BUFFER(0, float, x);      // [count]
UPDATE_BUFFER(1, uint, part);  // [slices,BINS]
PUSH(histogram_args, p);

uint counts[BINS];
float value_of[ROUND];

void count(float value, bool there)
{
    precise float at = (value - p.low) * p.factor;
    uint bin = uint(clamp(floor(at), 0, float(BINS - 1)));
    bool counted = there && (floatBitsToUint(value) & 0x7fffffffu) <= 0x7f800000u; // not NaN
    [[unroll]] for (uint k = 0; k < BINS; k++)
        counts[k] += counted && bin == k ? 1 : 0;
}

void main()
{
    uint i = invocation_1d();
    if (i >= p.slices)
        return;
    [[unroll]] for (uint k = 0; k < BINS; k++)
        counts[k] = p.first > 0 ? part[i * BINS + k] : 0;
    for (uint begin = i; begin < p.count; begin += BLOCK * p.slices) {
        if (ROUND == 1) {
            [[unroll]] for (uint t = 0; t < BLOCK; t++)
                count(x[min(begin + t * p.slices, p.count - 1)], begin + t * p.slices < p.count);
            continue;
        }
        ROUND_EACH(t) value_of[t] = x[min(begin + t * p.slices, p.count - 1)];
        [[dont_unroll]] for (uint r = 0; r < ROUND; r++) { // counting is long, and takes registers for each element
            count(value_of[0], begin + r * p.slices < p.count);
            ROUND_EACH(t) value_of[t] = value_of[min(t + 1, ROUND - 1)];
        }
    }
    [[unroll]] for (uint k = 0; k < BINS; k++)
        part[i * BINS + k] = counts[k];
}
