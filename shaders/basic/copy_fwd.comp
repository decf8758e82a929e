#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = x, as words, so that no bit changes.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#define T1 uint
#define T4 uvec4
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, uvec4, x4);
READ_BUFFER(0, uint, x1);
WRITE_BUFFER(1, uvec4, y4);
WRITE_BUFFER(1, uint, y1);
PUSH(elements_args, p);

#define VALUE(v, i) x##v[i]
#define STORE(v, i, value) y##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
}
