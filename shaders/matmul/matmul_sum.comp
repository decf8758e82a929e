#version 450
//! tech: plain vec
//! target: vulkan1.1
// Idea: C = epilogue(sum of the partial matrices that the parts of k gave); one column per element, or four (vec).
// An invocation owns ITEMS elements, one local size apart; loads of ROUND parts are under way at once.
// Numerics: fp32, parts added in their order, so that the bits do not depend on timing.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef TECH_VEC
#define T vec4
#define WIDTH 4 // floats in a T
#else
#define T float
#define WIDTH 1
#endif
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ITEMS = 1;

READ_BUFFER(0, T, partial); // [parts][rows, n]
READ_BUFFER(1, T, earlier); // [rows, n]
WRITE_BUFFER(2, T, y);      // [rows, ldc]
#include "matmul/epilogue.glsl"
PUSH(matmul_sum_args, p);

void main()
{
    uint count = p.rows * p.n / WIDTH, first = group_1d() * gl_WorkGroupSize.x * ITEMS + gl_LocalInvocationID.x;
    for (uint item = 0; item < ITEMS; item++) {
        uint i = first + item * gl_WorkGroupSize.x;
        if (i < count) {
            uint row = i * WIDTH / p.n, col = i * WIDTH % p.n;
            T sum = p.earlier != 0 ? earlier[p.first / WIDTH + i] : T(0);
            for (uint s = 0; s < p.parts; s += ROUND) {
                T term[ROUND];
                uint at[ROUND];
                ROUND_EACH(t)
                    at[t] = (p.from + round_place(s + t, p.parts) * p.stride) / WIDTH + i;
                ROUND_EACH(t)
                    term[t] = partial[at[t]];
                ROUND_EACH(t)
                    sum += round_value(round_counts(s + t, p.parts), term[t]);
            }
            store((p.c + row * p.ldc + col) / WIDTH, sum, bias_at((p.bias + col) / WIDTH));
        }
    }
}
