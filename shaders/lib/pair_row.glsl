/* pair_row.glsl: pair sums along rows. Techniques as in row.glsl; a subgroup's lanes are added without compensation.
 * ROW_PAIR_SUM_AS(T, s, j, count, a): s = the sum of a over the row's elements j < count, as a pair. */
#ifndef LIB_PAIR_ROW_GLSL
#define LIB_PAIR_ROW_GLSL

#include "lib/pair.glsl"
#include "lib/row.glsl"

#if defined(TECH_ROW)

vec2 pair_row_sum(vec2 v)
{
    return v;
}

#elif defined(TECH_SG)

vec2 pair_row_sum(vec2 v)
{
    return subgroupAdd(v);
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

vec2 pair_total(float value, float lost)
{
    return vec2(value, lost);
}

vec2 pair_total(vec4 value, vec4 lost)
{
    vec2 sum = vec2(value.x, total(lost));
    sum = pair_add(sum, value.y);
    sum = pair_add(sum, value.z);
    return pair_add(sum, value.w);
}

#define ROW_PAIR_SUM_AS(T, s, j, count, a)                                                                             \
    T s##_a = T(0), s##_lost = T(0);                                                                                   \
    ROW_BLOCKS(j##_at, count)                                                                                          \
    {                                                                                                                  \
        T block_a = T(0), block_none = T(0);                                                                           \
        ROW_BLOCK(j##_at, count)                                                                                       \
        ROW_SUM_ROUND(T, j##_at, block_a, block_none, j, count, a, 0)                                                  \
        pair_add(s##_a, s##_lost, block_a);                                                                            \
    }                                                                                                                  \
    vec2 s = pair_row_sum(pair_total(s##_a, s##_lost))

/* The same with each term of a lane added to its pair by itself. */
#define ROW_PAIR_EACH(T, s, j, count, a)                                                                               \
    T s##_a = T(0), s##_lost = T(0);                                                                                   \
    ROW_ROUNDS(j##_at, count)                                                                                          \
    {                                                                                                                  \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint j##_place = j##_at + t * row_lanes(), j = round_place(j##_place, count);                              \
            T term = a;                                                                                                \
            pair_add(s##_a, s##_lost, round_value(round_counts(j##_place, count), term));                              \
        }                                                                                                              \
    }                                                                                                                  \
    vec2 s = pair_row_sum(pair_total(s##_a, s##_lost))

#endif
