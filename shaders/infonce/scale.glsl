/* scale.glsl: exp(q) and dloss / (2 sum of w), by one workgroup. The including file declares q, dloss, scale and float
 * weight(uint i). Lane l owns pairs l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
 * Without a pair there is no gradient. */
#include "infonce/math.glsl"

PUSH(infonce_args, p);

shared float tree[gl_WorkGroupSize.x];

void main()
{
    uint lane = gl_LocalInvocationID.x;
    float sum = 0;
    for (uint i = lane; i < p.n; i += gl_WorkGroupSize.x)
        sum += max(weight(i), 0);
    tree[lane] = sum;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0) {
        scale[0] = exp_close(q[0]);
        scale[1] = tree[0] > 0 ? dloss[0] / (2.0 * tree[0]) : 0;
    }
}
