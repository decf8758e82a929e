#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a list's score for an image: the mean of its sentences' best dots, by their shares.
// Invocation i owns one pair (image, list).
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/filip.h"

READ_BUFFER(0, float, best);  // [n,M,K]
READ_BUFFER(1, float, share); // [M,K]
WRITE_BUFFER(2, float, c);    // [n,M]
PUSH(filip_args, p);

void main()
{
    uint pair = invocation_1d(), from = pair % p.texts * p.slots, sum_of = pair * p.slots;
    if (pair >= p.count)
        return;
    float sum = 0;
    for (uint k = 0; k < p.slots; k++)
        sum += best[sum_of + k] * share[from + k];
    c[pair] = sum;
}
