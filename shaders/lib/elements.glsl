/* elements.glsl: elementwise kernels, planned as OP_ELEMENTS. Each workgroup owns a run of local
 * size * ITEMS quads of elements; its invocations stride through it side by side, a vec4 at a time, in rounds
 * (lib/round.glsl); the last one to three elements are done one by one by the first invocation.
 *
 * A kernel declares its buffers with READ_ELEMENTS(0, x), ..., which gives x4[] (vec4) and x1[] (float), says what
 * comes of one position, for v = 4 and 1, where that goes, and how many elements there are:
 *   #define VALUE(v, i) x##v[i] * p.value
 *   #define STORE(v, i, value) y##v[i] = value
 *   void main() { EACH_ELEMENT(p.count) }
 * VALUE is a T4 = vec4 or T1 = float; for another type define T4 and T1 before this is included. */
#ifndef LIB_ELEMENTS_GLSL
#define LIB_ELEMENTS_GLSL

#include "lib/quads.glsl"
#include "lib/round.glsl"

layout(constant_id = 3) const uint ITEMS = 4; // a multiple of ROUND

#ifndef T1
#define T1 float
#define T4 vec4
#endif

#define ELEMENTS_ROUND(all)                                                                                            \
    {                                                                                                                  \
        T4 value[ROUND];                                                                                               \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint i = round_place(all, quad + t * gl_WorkGroupSize.x, quads);                                           \
            value[t] = VALUE(4, i);                                                                                    \
        }                                                                                                              \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint i = quad + t * gl_WorkGroupSize.x;                                                                    \
            if (round_counts(all, i, quads)) {                                                                         \
                STORE(4, i, value[t]);                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        quad += ROUND * gl_WorkGroupSize.x;                                                                            \
    }

// From quad `first` on, while `more`: `item` counts the quads that an invocation has done.
#define EACH_WHILE(count, first, more)                                                                                 \
    uint quads = (count) / 4, quad = first;                                                                            \
    if (quad == 0) {                                                                                                   \
        [[unroll]] for (uint t = 0; t < 3; t++) {                                                                      \
            uint i = quads * 4 + t;                                                                                    \
            if (i < (count)) {                                                                                         \
                T1 value = VALUE(1, i);                                                                                \
                STORE(1, i, value);                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    uint item = 0;                                                                                                     \
    for (; (more) && quad + (ROUND - 1) * gl_WorkGroupSize.x < quads; item += ROUND)                                   \
        ELEMENTS_ROUND(true)                                                                                           \
    if (ROUND != 1 && (more) && quad < quads)                                                                          \
        ELEMENTS_ROUND(false)

#define EACH_ELEMENT(count)                                                                                            \
    EACH_WHILE(count, group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x, item < ITEMS)

#endif
