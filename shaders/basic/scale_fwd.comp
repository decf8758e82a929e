#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = x * factor.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: one rounding.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, float, x);
WRITE_BUFFER(1, float, y);
PUSH(elements_args, p);

void main()
{
    EACH_ELEMENT(i, p.count)
        y[i] = x[i] * p.value;
}
