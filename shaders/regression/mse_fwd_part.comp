#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: partial sums of squared differences, so that neighbours read side by side and no barrier is needed.
// Invocation i owns elements i, i + stride, i + 2 stride, ...
// Numerics: differences as they are; the sum is carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "args/regression.h"

READ_BUFFER(0, float, a);
READ_BUFFER(1, float, b);
WRITE_BUFFER(2, vec2, partial); // [partials]
PUSH(mse_part_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.stride)
        return;
    float value = 0, lost = 0;
    for (uint k = i; k < p.count; k += p.stride) {
        float d = a[k] - b[k];
        pair_add(value, lost, d * d);
    }
    partial[p.first + i] = vec2(value, lost);
}
