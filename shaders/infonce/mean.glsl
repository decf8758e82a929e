/* mean.glsl: loss = sum of w (row's + column's loss) / (2 sum of w), by one workgroup. The including file declares loss
 * and vec2 pair(uint i): the two losses' sum and the weight of pair i.
 * Lane l owns pairs l, l + lanes, ...; a tree in shared memory joins them (local size a power of two).
 * Without a pair the loss is 0. */
PUSH(infonce_args, p);

shared vec2 tree[gl_WorkGroupSize.x];

void main()
{
    uint lane = gl_LocalInvocationID.x;
    vec2 sum = vec2(0);
    for (uint i = lane; i < p.n; i += gl_WorkGroupSize.x) {
        vec2 one = pair(i);
        sum += one.y > 0 ? vec2(one.x * one.y, one.y) : vec2(0);
    }
    tree[lane] = sum;
    barrier();
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        if (lane < step)
            tree[lane] += tree[lane + step];
        barrier();
    }
    if (lane == 0)
        loss[0] = tree[0].y > 0 ? tree[0].x / (2.0 * tree[0].y) : 0;
}
