#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: chains of fused multiply-adds, c = c * factor + value: what a device does at most in fp32.
// Ownership as in lib/elements.glsl, but two quads at a time: eight chains hide the latency of one.
// Numerics: exact where value is a power of two, but for one rounding each time the exponent of c grows.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/fma.h"

READ_ELEMENTS(0, x);
WRITE_ELEMENTS(1, y);
PUSH(fma_args, p);

#define STEP                                                                                                           \
    a = fma(a, factor, value);                                                                                         \
    b = fma(b, factor, value);
#define STEPS_8 STEP STEP STEP STEP STEP STEP STEP STEP

/* The last one to three elements, by one invocation: too few to count. */
float one(float c)
{
    for (uint round = 0; round < p.rounds * FMA_STEPS; round++)
        c = fma(c, p.factor, p.value);
    return c;
}

void main()
{
    uint quads = p.count / 4, quad = group_1d() * (gl_WorkGroupSize.x * ITEMS) + gl_LocalInvocationID.x;
    vec4 factor = vec4(p.factor), value = vec4(p.value);
    if (quad == 0) {
        for (uint i = quads * 4; i < p.count; i++)
            y1[i] = one(x1[i]);
    }
    for (uint item = 0; item < ITEMS && quad < quads; item += 2, quad += 2 * gl_WorkGroupSize.x) {
        uint other = quad + gl_WorkGroupSize.x;
        bool two = item + 1 < ITEMS && other < quads;
        vec4 a = x4[quad], b = x4[two ? other : quad];
        for (uint round = 0; round < p.rounds; round++) {
            STEPS_8 STEPS_8 STEPS_8 STEPS_8
        }
        y4[quad] = a;
        if (two)
            y4[other] = b;
    }
}
