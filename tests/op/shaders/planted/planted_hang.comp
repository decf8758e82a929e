#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a fault for the harness to find: goes on for hours.
// Invocation i owns element i.
// Numerics: none to speak of.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, float, x);
WRITE_BUFFER(1, float, y);
PUSH(elements_args, p);

void main()
{
    uint state = floatBitsToUint(x[0]);
    for (uint a = 0; a < 0xffffffffu; a++)
        state = state * 1664525u + (state >> 7) + a;
    EACH_ELEMENT(i, p.count)
        y[i] = x[i] + uintBitsToFloat(state & 1u);
}
