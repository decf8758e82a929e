#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = value.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

WRITE_BUFFER(0, float, y);
PUSH(elements_args, p);

void main()
{
    EACH_ELEMENT(i, p.count)
        y[i] = p.value;
}
