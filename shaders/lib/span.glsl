/* span.glsl: kernels that move rows of any width without reductions. SPAN neighbouring invocations own a row and stride
 * through its columns side by side. The workgroup is one-dimensional: some drivers make subgroups of x alone. */
#ifndef LIB_SPAN_GLSL
#define LIB_SPAN_GLSL

#include "lib/common.glsl"

layout(constant_id = 4) const uint SPAN = 32; // divides the local size

uint span_row()
{
    return invocation_1d() / SPAN;
}
#define SPAN_COLUMNS(c, width) for (uint c = gl_LocalInvocationID.x % SPAN; c < (width); c += SPAN)

#endif
