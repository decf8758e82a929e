#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a fault for the harness to find: reads one element past the end of x and relies on its being 0.
// Invocation i owns element i.
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, float, x);
WRITE_BUFFER(1, float, y);
PUSH(elements_args, p);

void main()
{
    EACH_ELEMENT(i, p.count)
        y[i] = i == p.count - 1 ? x[i] + x[i + 1] : x[i];
}
