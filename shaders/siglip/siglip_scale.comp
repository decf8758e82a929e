#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: exp(q), dloss / (2 sum of weights) and b, which all kernels of siglip begin with. One workgroup.
// Lane l owns pairs l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
// Numerics: fp32, a fixed order. Without a pair all is 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/siglip.h"
#include "infonce/math.glsl"

layout(constant_id = 8) const uint STRIDE = 0; // from weight to weight: 1 = w[N], 8 = lines[2,N,8], 0 = none there
layout(constant_id = 9) const uint DLOSS = 0;  // 1: dloss is there

READ_BUFFER(0, float, q);      // [1]
READ_BUFFER(1, float, b);      // [1]
READ_BUFFER(2, float, dloss);  // [1]
READ_BUFFER(3, float, w);      // [N,STRIDE]
WRITE_BUFFER(4, float, scale); // [3]
PUSH(siglip_args, p);

shared float tree[gl_WorkGroupSize.x];

float weight(uint i)
{
    return STRIDE == 0 ? 1 : max(w[STRIDE * i + (STRIDE > 1 ? 1 : 0)], 0);
}

void main()
{
    uint lane = gl_LocalInvocationID.x;
    float sum = 0;
    for (uint i = lane; i < p.n; i += gl_WorkGroupSize.x)
        sum += weight(i);
    tree[lane] = sum;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0) {
        scale[0] = exp_close(q[0]);
        scale[1] = tree[0] > 0 ? (DLOSS != 0 ? dloss[0] : 1) / (2.0 * tree[0]) : 0;
        scale[2] = b[0];
    }
}
