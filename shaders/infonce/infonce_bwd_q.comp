#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dq from the partial sums of infonce_bwd, by one workgroup.
// Lane l owns elements l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
// Numerics: fp32, a fixed order.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"

READ_BUFFER(0, float, part); // [count]
WRITE_BUFFER(1, float, dq);  // [1]
PUSH(infonce_args, p);

shared float tree[gl_WorkGroupSize.x];

void main()
{
    uint lane = gl_LocalInvocationID.x;
    float sum = 0;
    for (uint i = lane; i < p.count; i += gl_WorkGroupSize.x)
        sum += part[i];
    tree[lane] = sum;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0)
        dq[0] = tree[0];
}
