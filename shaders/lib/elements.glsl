/* elements.glsl: elementwise kernels, planned as OP_ELEMENTS. Each workgroup owns a run of local
 * size * ITEMS quads of elements; its invocations stride through it side by side, a vec4 at a time; the last one to
 * three elements are done one by one by the first invocation.
 *
 * A kernel declares its buffers with READ_ELEMENTS(0, x), ..., which gives x4[] (vec4) and x1[] (float), says what is
 * done to one position, for v = 4 and 1, with T4 = vec4 and T1 = float, and how many elements there are:
 *   #define APPLY(v, i) y##v[i] = x##v[i] * p.value
 *   void main() { EACH_ELEMENT(p.count) } */
#ifndef LIB_ELEMENTS_GLSL
#define LIB_ELEMENTS_GLSL

#include "lib/quads.glsl"

layout(constant_id = 3) const uint ITEMS = 4;

#define T1 float
#define T4 vec4

#define EACH_ELEMENT(count)                                                                                            \
    uint quads = (count) / 4, quad = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x;               \
    if (quad == 0) {                                                                                                   \
        for (uint i = quads * 4; i < (count); i++) {                                                                   \
            APPLY(1, i);                                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    for (uint item = 0; item < ITEMS && quad < quads; item++, quad += gl_WorkGroupSize.x) {                            \
        APPLY(4, quad);                                                                                                \
    }

#endif
