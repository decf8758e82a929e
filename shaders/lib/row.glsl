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
 * of the number of blocks even when all terms are equal. */
#ifndef LIB_ROW_GLSL
#define LIB_ROW_GLSL

#include "lib/quads.glsl"

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

#define ROW_SUM_AS(T, s, j, count, a, b)                                                                               \
    T s##_a = T(0), s##_b = T(0);                                                                                      \
    for (uint j = row_lane(); j < (count);) {                                                                          \
        T block_a = T(0), block_b = T(0);                                                                              \
        for (uint block = 0; block < 32 && j < (count); block++, j += row_lanes()) {                                   \
            block_a += T(a);                                                                                           \
            block_b += T(b);                                                                                           \
        }                                                                                                              \
        s##_a += block_a;                                                                                              \
        s##_b += block_b;                                                                                              \
    }                                                                                                                  \
    vec2 s = row_sum(vec2(total(s##_a), total(s##_b)))

#define ROW_SUM(s, j, count, a, b) ROW_SUM_AS(float, s, j, count, a, b)

/* main of a kernel whose body is fn1 and fn4 (lib/quads.glsl); QUADS says which. */
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
