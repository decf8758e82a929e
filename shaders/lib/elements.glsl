/* elements.glsl: elementwise kernels. Each workgroup owns a run of local size * ITEMS elements; its invocations stride
 * through it side by side. Planned by op_plan_rows with OP_ROW_ELEMENT. */
#ifndef LIB_ELEMENTS_GLSL
#define LIB_ELEMENTS_GLSL

#include "lib/common.glsl"

layout(constant_id = 3) const uint ITEMS = 4;

/* for each element i below `count` that this invocation owns */
#define EACH_ELEMENT(i, count)                                                                                         \
    for (uint i = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x, each_item = 0;                   \
         each_item < ITEMS && i < (count); each_item++, i += gl_WorkGroupSize.x)

#endif
