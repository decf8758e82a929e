#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y[r, j] = v[j]: v repeated, as words.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#define T1 uint
#define T4 uvec4
#include "lib/elements.glsl"
#include "args/elements.h"

READ_BUFFER(0, uint, source); // [period]
WRITE_BUFFER(1, uvec4, y4);
WRITE_BUFFER(1, uint, y1);
PUSH(elements_args, p);

uint fetch1(uint i)
{
    return source[(p.first + i) % p.period];
}

uvec4 fetch4(uint i)
{
    return uvec4(fetch1(4 * i), fetch1(4 * i + 1), fetch1(4 * i + 2), fetch1(4 * i + 3));
}

#define VALUE(v, i) fetch##v(i)
#define STORE(v, i, value) y##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
}
