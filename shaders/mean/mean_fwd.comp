#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: adds the partial sums that the kernels of sum leave, and divides by the number of elements.
// One invocation owns all.
// Numerics: sums carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "args/mean.h"
#include "args/sum.h"

READ_BUFFER(0, vec2, partial); // [SUM_PARTIALS]
WRITE_BUFFER(1, float, mean);  // [1]
PUSH(mean_args, p);

void main()
{
    vec2 s = vec2(0);
    for (uint k = 0; k < SUM_PARTIALS; k++)
        s = pair_add(s, partial[k]);
    mean[0] = (s.x + s.y) / float(p.count);
}
