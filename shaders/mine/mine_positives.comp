#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the mean number of positives of the rows' anchors and of the columns', by one workgroup.
// Lane l owns anchors l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
// Numerics: fp32; counts are exact up to 2^24.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/mine.h"

READ_BUFFER(0, vec4, lines);          // [2,N,2]
WRITE_BUFFER(1, float, positives);    // [2]
PUSH(mine_args, p);

shared vec3 tree[gl_WorkGroupSize.x];

void main()
{
    uint lane = gl_LocalInvocationID.x;
    vec3 sum = vec3(0);
    for (uint i = lane; i < p.n; i += gl_WorkGroupSize.x)
        sum += vec3(lines[2 * i + 1].w, lines[2 * (p.n + i) + 1].w, lines[2 * i].y > 0 ? 1 : 0);
    tree[lane] = sum;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0) {
        positives[0] = tree[0].x / max(tree[0].z, 1);
        positives[1] = tree[0].y / max(tree[0].z, 1);
    }
}
