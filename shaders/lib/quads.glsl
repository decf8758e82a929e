/* quads.glsl: one kernel body for elements taken one by one and by four. The body's file is included twice, with V = 1
 * and V = 4; in it
 *   NUM        float or vec4
 *   AT(x)      x1 or x4: the views of a buffer that READ_ELEMENTS(0, x) declares, functions, ...
 *   total(s)   the sum of a NUM's components. */
#ifndef LIB_QUADS_GLSL
#define LIB_QUADS_GLSL

#include "lib/common.glsl"

#define QUADS_PASTE_(a, b) a##b
#define QUADS_PASTE(a, b) QUADS_PASTE_(a, b)
#define AT(name) QUADS_PASTE(name, V)
#define NUM AT(NUM_)
#define NUM_1 float
#define NUM_4 vec4

#define READ_ELEMENTS(slot, name)                                                                                      \
    READ_BUFFER(slot, vec4, name##4);                                                                                  \
    READ_BUFFER(slot, float, name##1)
#define WRITE_ELEMENTS(slot, name)                                                                                     \
    WRITE_BUFFER(slot, vec4, name##4);                                                                                 \
    WRITE_BUFFER(slot, float, name##1)
#define UPDATE_ELEMENTS(slot, name)                                                                                    \
    UPDATE_BUFFER(slot, vec4, name##4);                                                                                \
    UPDATE_BUFFER(slot, float, name##1)

float total(float s)
{
    return s;
}

float total(vec4 s)
{
    return (s.x + s.y) + (s.z + s.w);
}

#endif
