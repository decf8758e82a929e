/* row.glsl: who works on a row, for kernels that reduce along rows ([R,D], sums over D). Three techniques over one
 * kernel body; the .comp file picks one before it includes this:
 *   ROW_SERIAL    one invocation owns a row: no shared memory, no barrier (software and mobile)
 *   ROW_SUBGROUP  one subgroup owns a row: subgroup arithmetic, no barrier
 *   (neither)     one workgroup owns a row: a tree in shared memory (everywhere; local size a power of two)
 * Gives: row_index(), row_lane() (first element), row_lanes() (stride), row_sum(v) = the sum over the row's owners, the
 * same value in each of them. All owners of a row call row_sum together. */
#ifndef LIB_ROW_GLSL
#define LIB_ROW_GLSL

#include "lib/common.glsl"

#if defined(ROW_SERIAL)

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
float row_sum(float v)
{
    return v;
}

#elif defined(ROW_SUBGROUP)

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
float row_sum(float v)
{
    return subgroupAdd(v);
}

#else

shared float row_tree[gl_WorkGroupSize.x];

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
float row_sum(float v)
{
    uint lane = gl_LocalInvocationID.x;
    barrier(); /* the last sum has been read by all */
    row_tree[lane] = v;
    barrier();
    for (uint half_ = gl_WorkGroupSize.x / 2; half_ > 0; half_ /= 2) {
        if (lane < half_)
            row_tree[lane] += row_tree[lane + half_];
        barrier();
    }
    return row_tree[0];
}

#endif
#endif
