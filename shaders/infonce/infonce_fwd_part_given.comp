#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: infonce_fwd_part with targets given for each element, and weights of the pairs: part.glsl.
// Invocation (line, slice) owns elements slice, slice + slices, ... of its line.
// Numerics: fp32, online; a maximum starts at the diagonal's 0, so that a saturated line loses nothing.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

layout(constant_id = 8) const uint TARGETS = 0; // 1: there are targets in this direction
layout(constant_id = 9) const uint WEIGHTS = 0; // 1: pairs of weight 0 are left out

READ_BUFFER(0, float, a);     // [N,N]
READ_BUFFER(1, float, q);     // [1]
READ_BUFFER(2, float, share); // [N,N] targets of the lines; below 0 = left out
READ_BUFFER(3, float, w);     // [N]
WRITE_BUFFER(4, vec4, part);  // [slices,N] maximum, sum, target's sum

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
    if (WEIGHTS != 0 && w[candidate] <= 0)
        return -1;
    return TARGETS != 0 ? share[at] : 0;
}

vec3 before(uint i)
{
    return vec3(0);
}

void keep(uint i, vec3 sums)
{
    part[i] = vec4(sums, 0);
}
