#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = a + b, elementwise.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: one rounding.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/add.h"

layout(constant_id = 3) const uint ITEMS = 4;

READ_BUFFER(0, float, a);
READ_BUFFER(1, float, b);
WRITE_BUFFER(2, float, y);
PUSH(add_args, p);

void main()
{
    uint i = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x;
    for (uint k = 0; k < ITEMS && i < p.count; k++, i += gl_WorkGroupSize.x)
        y[i] = a[i] + b[i];
}
