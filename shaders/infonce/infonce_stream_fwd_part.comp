#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: infonce_fwd_part over a slab of scores, with mined targets: part.glsl. Sums go on from slab to slab.
// Invocation (line, slice) owns elements slice, slice + slices, ... of its line that are in the slab.
// Numerics: fp32, online; a maximum starts at the diagonal's 0, so that a saturated line loses nothing.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"
#include "mine/mine.glsl"

READ_BUFFER(0, float, a);          // [rows,N]
READ_BUFFER(1, float, q);          // [1]
READ_BUFFER(2, float, similarity); // [rows,N]
READ_BUFFER(3, vec4, lines);       // [2,N,2]
UPDATE_BUFFER(4, vec4, part);      // [slices,N] maximum, sum, target's sum

float own_score(uint anchor);
float target(uint anchor, uint candidate, uint at);
vec3 before(uint i);
void keep(uint i, vec3 sums);
#include "infonce/part.glsl"

mine_line me;

uint line_place(uint i)
{
    return 2 * (p.by_column != 0 ? p.n + i : i);
}

float own_score(uint anchor)
{
    me = mine_line_of(lines[line_place(anchor)], lines[line_place(anchor) + 1]);
    return me.own;
}

float target(uint anchor, uint candidate, uint at)
{
    vec4 other = mine_wants_candidate() ? lines[line_place(candidate)] : vec4(0);
    float value = KIND != MINE_NONE ? similarity[at] * p.scale : 0;
    float share = mine_candidate(me, other, candidate, value, p.tau);
    return share > 0 ? share * me.factor : share;
}

// Columns meet one slab after the other, rows only one.
vec3 before(uint i)
{
    return p.by_column != 0 && p.first > 0 ? part[i].xyz : vec3(0);
}

void keep(uint i, vec3 sums)
{
    part[i] = vec4(sums, 0);
}
