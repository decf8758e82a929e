#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: softmax denominators of rows or columns ("lines") of Z = exp(q) A, identity targets: part.glsl.
// Invocation (line, slice) owns elements slice, slice + slices, ... of its line.
// Numerics: fp32, online; a maximum starts at the diagonal's 0, so that a saturated line loses nothing.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, a);    // [N,N]
READ_BUFFER(1, float, q);    // [1]
WRITE_BUFFER(2, vec2, part); // [slices,N] maximum, sum

float own_score(uint anchor);
float target(uint anchor, uint candidate, uint at);
vec3 before(uint i);
void keep(uint i, vec3 sums);
#include "infonce/part.glsl"

float own_score(uint anchor)
{
    return a[anchor * p.n + anchor];
}

float target(uint anchor, uint candidate, uint at)
{
    return 0;
}

vec3 before(uint i)
{
    return vec3(0);
}

void keep(uint i, vec3 sums)
{
    part[i] = sums.xy;
}
