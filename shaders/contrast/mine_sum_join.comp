#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: what normalises each line's targets, from the partial sums of mine_sum. Invocation i owns row first + i.
// Numerics: fp32; an anchor without other positives gets exactly q = 1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/mine.h"

READ_BUFFER(0, vec4, part);    // [slices,rows] shares of others, their number, own share
UPDATE_BUFFER(1, vec4, lines); // [2,N,2]
PUSH(mine_args, p);

void main()
{
    uint row = invocation_1d();
    if (row >= p.rows)
        return;
    vec3 sum = vec3(0);
    for (uint slice = 0; slice < p.slices; slice += ROUND) {
        vec3 of[ROUND];
        ROUND_EACH(t) of[t] = part[round_place(slice + t, p.slices) * p.rows + row].xyz;
        ROUND_EACH(t) sum += round_counts(slice + t, p.slices) ? of[t] : vec3(0);
    }
    uint self = p.first + row;
    bool there = lines[2 * (p.line + self)].y > 0;
    float norm = sum.x + sum.z;
    vec3 ends = there ? vec3(p.weight / norm, 0 - p.weight * sum.x / norm, 1 + sum.y) : vec3(0);
    lines[2 * (p.line + self) + 1].yzw = ends;
    lines[2 * (p.line2 + self) + 1].yzw = ends;
}
