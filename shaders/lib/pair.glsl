/* pair.glsl: sums carried as two floats, value and what rounding took from it: for long sums that cancel. `precise`
 * keeps the compiler from simplifying the error term away. Techniques as in row.glsl, but not ROW_SUBGROUP. */
#ifndef LIB_PAIR_GLSL
#define LIB_PAIR_GLSL

#include "lib/row.glsl"

/* s + v, exactly, as value and error (Knuth's two-sum) */
vec2 pair_add(vec2 s, float v)
{
    precise float t = s.x + v;
    precise float back = t - s.x;
    precise float lost = (s.x - (t - back)) + (v - back);
    return vec2(t, s.y + lost);
}

vec2 pair_add_pair(vec2 a, vec2 b)
{
    vec2 s = pair_add(a, b.x);
    return vec2(s.x, s.y + b.y);
}

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
            pair_tree[lane] = pair_add_pair(pair_tree[lane], pair_tree[lane + span]);
        barrier();
    }
    return pair_tree[0];
}

#endif
#endif
