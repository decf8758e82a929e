/* span.glsl: kernels that move rows of any width without reductions. A workgroup owns gl_WorkGroupSize.y rows; its x
 * invocations stride through the columns side by side (x = 1 suits software drivers: an invocation walks its row). */
#ifndef LIB_SPAN_GLSL
#define LIB_SPAN_GLSL

#include "lib/common.glsl"

uint span_row()
{
    return group_1d() * gl_WorkGroupSize.y + gl_LocalInvocationID.y;
}
#define SPAN_COLUMNS(c, width) for (uint c = gl_LocalInvocationID.x; c < (width); c += gl_WorkGroupSize.x)

#endif
