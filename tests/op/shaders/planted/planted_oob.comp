#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a fault for the harness to find: writes one element past the end of y.
// Invocations own quads of elements (lib/elements.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_ELEMENTS(0, x);
WRITE_ELEMENTS(1, y);
PUSH(elements_args, p);

#define VALUE(v, i) x##v[i]
#define STORE(v, i, value) y##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
    if (group_1d() == 0 && gl_LocalInvocationID.x == 0)
        y1[p.count] = 1;
}
