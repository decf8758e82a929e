#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = a + b, elementwise.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: one rounding.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

#define FORMATS_ID 8
#include "lib/stored.glsl"

READ_STORED(0, a)
READ_STORED(1, b)
WRITE_STORED(2, y)
PUSH(elements_args, p);

#define VALUE(v, i) a##v(i) + b##v(i)
#define STORE(v, i, value) store_y(i, value)

void main()
{
    EACH_ELEMENT(p.count)
}
