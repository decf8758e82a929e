#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[r, j] = v[j]: v repeated, as words.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, uint, v); // [period]
WRITE_BUFFER(1, uint, y);
PUSH(elements_args, p);

void main()
{
    EACH_ELEMENT(i, p.count)
        y[i] = v[(p.first + i) % p.period];
}
