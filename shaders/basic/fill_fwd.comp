#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = value.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

WRITE_ELEMENTS(0, y);
PUSH(elements_args, p);

#define VALUE(v, i) T##v(p.value)
#define STORE(v, i, value) y##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
}
