#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the mean number of positives of the rows' anchors and of the columns', by one workgroup.
// Lane l owns anchors l, l + lanes, ...
// Numerics: fp32; counts are exact up to 2^24.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/mine.h"

READ_BUFFER(0, vec4, lines);       // [2,N,2]
WRITE_BUFFER(1, float, positives); // [2]
PUSH(mine_args, p);

void main()
{
    vec2 sum = vec2(0);
    float there = 0;
    for (uint i = row_lane(); i < p.n; i += row_lanes()) {
        sum += vec2(lines[2 * i + 1].w, lines[2 * (p.n + i) + 1].w);
        there += lines[2 * i].y > 0 ? 1 : 0;
    }
    sum = row_sum(sum);
    there = row_sum(vec2(there, 0)).x;
    if (row_lane() == 0) {
        positives[0] = sum.x / max(there, 1);
        positives[1] = sum.y / max(there, 1);
    }
}
