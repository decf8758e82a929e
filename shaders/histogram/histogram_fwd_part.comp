#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: how many elements fall into each bin, as partial counts in registers: an element is compared with each bin, for
// an array with changing indices would not stay there. Invocation i owns elements i, i + slices, ...
// Numerics: the bin by two rounded operations, as the reference does them; counts are whole numbers.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/histogram.h"

layout(constant_id = 3) const uint BLOCK = 8; // elements loaded together
layout(constant_id = 8) const uint BINS = 20;

READ_BUFFER(0, float, x);      // [count]
UPDATE_BUFFER(1, uint, part);  // [slices,BINS]
PUSH(histogram_args, p);


void main()
{
    uint i = invocation_1d();
    if (i >= p.slices)
        return;
    uint counts[BINS];
    [[unroll]] for (uint k = 0; k < BINS; k++)
        counts[k] = p.first > 0 ? part[i * BINS + k] : 0;
    for (uint begin = i; begin < p.count; begin += BLOCK * p.slices) {
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            uint place = begin + t * p.slices;
            float value = x[min(place, p.count - 1)];
            precise float at = (value - p.low) * p.factor;
            uint bin = uint(clamp(floor(at), 0, float(BINS - 1)));
            bool counted = place < p.count && (floatBitsToUint(value) & 0x7fffffffu) <= 0x7f800000u; // not NaN
            [[unroll]] for (uint k = 0; k < BINS; k++)
                counts[k] += counted && bin == k ? 1 : 0;
        }
    }
    [[unroll]] for (uint k = 0; k < BINS; k++)
        part[i * BINS + k] = counts[k];
}
