#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the partial sums of walk.glsl into one or two numbers, by one workgroup.
// Lane l owns elements l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
// Numerics: fp32, a lane's sums as two floats, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/siglip.h"
#include "lib/pair.glsl"

layout(constant_id = 8) const uint SECOND = 0; // 1: y is wanted

READ_BUFFER(0, vec2, part); // [count]
WRITE_BUFFER(1, float, x);  // [1]
WRITE_BUFFER(2, float, y);  // [1]
PUSH(siglip_args, p);

shared vec2 tree[gl_WorkGroupSize.x];

void main()
{
    uint lane = gl_LocalInvocationID.x;
    vec2 first = vec2(0), second = vec2(0);
    for (uint i = lane; i < p.count; i += gl_WorkGroupSize.x) {
        first = pair_add(first, part[i].x);
        second = pair_add(second, part[i].y);
    }
    tree[lane] = vec2(first.x + first.y, second.x + second.y);
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0) {
        x[0] = tree[0].x;
        if (SECOND != 0)
            y[0] = tree[0].y;
    }
}
