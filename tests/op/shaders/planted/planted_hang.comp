#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a fault for the harness to find: goes on for hours.
// Invocations own quads of elements (lib/elements.glsl).
// Numerics: none to speak of.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_ELEMENTS(0, x);
WRITE_ELEMENTS(1, y);
PUSH(elements_args, p);

#define VALUE(v, i) x##v[i] + uintBitsToFloat(state & 1u)
#define STORE(v, i, value) y##v[i] = value

void main()
{
    uint state = floatBitsToUint(x1[0]);
    for (uint a = 0; a < 0xffffffffu; a++)
        state = state * 1664525u + (state >> 7) + a;
    EACH_ELEMENT(p.count)
}
