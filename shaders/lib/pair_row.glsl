/* pair_row.glsl: pair sums along rows. Techniques as in row.glsl, but not ROW_SUBGROUP. */
#ifndef LIB_PAIR_ROW_GLSL
#define LIB_PAIR_ROW_GLSL

#include "lib/pair.glsl"
#include "lib/row.glsl"

#if defined(ROW_SERIAL)

vec2 pair_row_sum(vec2 v)
{
    return v;
}

#else

shared vec2 pair_tree[gl_WorkGroupSize.x];

vec2 pair_row_sum(vec2 v)
{
    uint lane = gl_LocalInvocationID.x;
    barrier(); /* the last sum has been read by all */
    pair_tree[lane] = v;
    barrier();
    for (uint span = gl_WorkGroupSize.x / 2; span > 0; span /= 2) {
        if (lane < span)
            pair_tree[lane] = pair_add(pair_tree[lane], pair_tree[lane + span]);
        barrier();
    }
    return pair_tree[0];
}

#endif
#endif
