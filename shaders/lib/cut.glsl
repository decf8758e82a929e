/* cut.glsl: where an invocation of a kernel is that may be cut into several dispatches (op_plan_cut); `begin`, its last
 * push constant, is the number of workgroups before this one. */
#ifndef LIB_CUT_GLSL
#define LIB_CUT_GLSL

#include "lib/common.glsl"

uint group_1d(uint begin)
{
    return begin + group_1d();
}

uint invocation_1d(uint begin)
{
    return group_1d(begin) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}

#endif
