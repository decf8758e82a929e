/* row.glsl: who works on a row, for kernels that reduce along rows ([R,D], sums over D). Three techniques over one
 * kernel, as its head names them (//! tech: group sg row):
 *   row    one invocation owns a row: no shared memory, no barrier (software)
 *   sg     one subgroup owns a row: subgroup arithmetic, no barrier
 *   group  one workgroup owns a row: a tree in shared memory (everywhere; local size a power of two)
 * Gives: row_index(), row_lane() (first element), row_lanes() (stride), row_sum(v) = the sum over the row's owners, the
 * same value in each of them; all owners of a row call it together. v is a vec2: two sums at the price of one.
 *
 * ROW_SUM(s, j, count, a, b): s = (sum of a, sum of b) over the row's elements j < count; ROW_SUM_AS(T, ...) the same
 * for terms of type T, say quads (lib/quads.glsl). Each lane adds in blocks of 32, so that rounding grows with the root
 * of the number of blocks even when all terms are equal.
 * ROW_SET(T, j, count, target, value): target = value for each element j < count.
 * ROW_EACH(t, j, count, take): `take` for each element, and once more for the last one where a round passes the end.
 *
 * All go in rounds (lib/round.glsl), t = 0, 1, ... within a round. With MANY 0 a row is one round: its t-th element is
 * the same each time, and ROW_KEEP(T, x, j, count, value) loads it once, to be read as x[t]:
 *   ROW_KEEP(float, kept, j, p.width, x[base + j]);
 *   #define X (MANY == 0 ? kept[t] : x[base + j]) */
#ifndef LIB_ROW_GLSL
#define LIB_ROW_GLSL

#include "lib/quads.glsl"
#include "lib/round.glsl"

#if defined(TECH_ROW)

uint row_index()
{
    return invocation_1d();
}
uint row_lane()
{
    return 0;
}
uint row_lanes()
{
    return 1;
}
vec2 row_sum(vec2 v)
{
    return v;
}

#elif defined(TECH_SG)

#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

uint row_index()
{
    return group_1d() * gl_NumSubgroups + gl_SubgroupID;
}
uint row_lane()
{
    return gl_SubgroupInvocationID;
}
uint row_lanes()
{
    return gl_SubgroupSize;
}
vec2 row_sum(vec2 v)
{
    return subgroupAdd(v);
}

#else

shared vec2 row_tree[gl_WorkGroupSize.x];

uint row_index()
{
    return group_1d();
}
uint row_lane()
{
    return gl_LocalInvocationID.x;
}
uint row_lanes()
{
    return gl_WorkGroupSize.x;
}
vec2 row_sum(vec2 v)
{
    uint lane = gl_LocalInvocationID.x;
    barrier(); /* the last sum has been read by all */
    row_tree[lane] = v;
    barrier();
    for (uint span = gl_WorkGroupSize.x / 2; span > 0; span /= 2) {
        if (lane < span)
            row_tree[lane] += row_tree[lane + span];
        barrier();
    }
    return row_tree[0];
}

#endif

/* The first of its places from `place` on. */
uint row_first(uint place)
{
    uint lane = row_lane(), lanes = row_lanes();
    return lane + (max(place, lane) - lane + lanes - 1) / lanes * lanes;
}

/* From `at` on, in its order. */
#define ROW_SUM_ROUND(T, at, sum_a, sum_b, j, count, a, b)                                                             \
    ROUND_EACH(t)                                                                                                      \
    {                                                                                                                  \
        uint j##_place = at + t * row_lanes(), j = round_place(j##_place, count);                                      \
        T term_a = T(a), term_b = T(b);                                                                                \
        sum_a += round_value(round_counts(j##_place, count), term_a);                                                  \
        sum_b += round_value(round_counts(j##_place, count), term_b);                                                  \
    }

/* A lane's rounds, in blocks: for each block what stands behind, in which ROW_BLOCK(at, count) does for each round. */
#define ROW_BLOCKS(at, count)                                                                                          \
    for (uint at = row_lane(), at##_go = 1; MANY == 0 ? at##_go != 0 : at < (count); at##_go = 0)
#define ROW_BLOCK(at, count)                                                                                           \
    for (uint block = 0; block < (MANY == 0 ? ROUND : 32) && (MANY == 0 || at < (count));                              \
         block += ROUND, at += ROUND * row_lanes())

#define ROW_SUM_AS(T, s, j, count, a, b)                                                                               \
    T s##_a = T(0), s##_b = T(0);                                                                                      \
    ROW_BLOCKS(j##_at, count)                                                                                          \
    {                                                                                                                  \
        T block_a = T(0), block_b = T(0);                                                                              \
        ROW_BLOCK(j##_at, count)                                                                                       \
        ROW_SUM_ROUND(T, j##_at, block_a, block_b, j, count, a, b)                                                     \
        s##_a += block_a;                                                                                              \
        s##_b += block_b;                                                                                              \
    }                                                                                                                  \
    vec2 s = row_sum(vec2(total(s##_a), total(s##_b)))

#define ROW_SUM(s, j, count, a, b) ROW_SUM_AS(float, s, j, count, a, b)

/* A lane's rounds. */
#define ROW_ROUNDS(at, count)                                                                                          \
    for (uint at = row_lane(), at##_go = 1; MANY == 0 ? at##_go != 0 : at < (count);                                   \
         at += ROUND * row_lanes(), at##_go = 0)

#define ROW_EACH(t, j, count, take)                                                                                    \
    ROW_ROUNDS(j##_at, count)                                                                                          \
    {                                                                                                                  \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint j = round_place(j##_at + t * row_lanes(), count);                                                     \
            take;                                                                                                      \
        }                                                                                                              \
    }

#define ROW_SET(T, j, count, target, value)                                                                            \
    {                                                                                                                  \
        ROUNDS_SET(T, row_lane(), row_lanes(), j, count, target, value)                                                \
    }

#define ROW_KEEP(T, x, j, count, value)                                                                                \
    T x[ROUND];                                                                                                        \
    if (MANY == 0)                                                                                                     \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint j = round_place(row_lane() + t * row_lanes(), count);                                                 \
            x[t] = value;                                                                                              \
        }

/* main of a kernel whose body is fn1 and fn4 (lib/quads.glsl); QUADS says which. */
#ifdef TECH_TEXEL
#define ROW_MAIN_BY_QUADS(fn)                                                                                          \
    void main()                                                                                                        \
    {                                                                                                                  \
        uint row = row_index();                                                                                        \
        if (row < p.rows)                                                                                              \
            fn##4(row);                                                                                                \
    }
#else
#define ROW_MAIN_BY_QUADS(fn)                                                                                          \
    void main()                                                                                                        \
    {                                                                                                                  \
        uint row = row_index();                                                                                        \
        if (row >= p.rows)                                                                                             \
            return;                                                                                                    \
        if (QUADS != 0)                                                                                                \
            fn##4(row);                                                                                                \
        else                                                                                                           \
            fn##1(row);                                                                                                \
    }

#endif

#endif
