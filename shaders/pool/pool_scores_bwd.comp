#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: with c = sum a D / size and size^2 = sum a V: dots become dc/dD, through the weights a too; V becomes
// -(dc c / size^2) a, what the Gram matrix's gradient is made of.
// Invocation i owns pair i (pair_index.glsl).
// Numerics: fp32. sum_g a_g dc/da_g is 0 as c does not depend on the size of h, so the softmax's gradient needs no sum,
// but for a size at its least, which counts as a constant.
#extension GL_GOOGLE_include_directive : require
#include "pool/pair_index.glsl"

UPDATE_BUFFER(0, float, dots); // [n,G,M]
READ_BUFFER(1, float, a);      // [n,G,M]
UPDATE_BUFFER(2, float, v);    // [n,G,M]
READ_BUFFER(3, float, dc);     // [n,M]

#include "pool/pooled.glsl"

void main()
{
    uint pair = invocation_1d(p.begin);
    if (pair >= p.count)
        return;
    uint begin = pair_begin(pair), end = begin + p.patches * p.texts;
    vec2 of = pooled(begin);
    bool least = of.y <= POOL_LEAST;
    float g = dc[pair] / of.y;
    float back = least ? 0 : of.x / of.y, along = least ? of.x * of.y : 0;
    for (uint at = begin; at < end; at += p.texts) {
        float weight = a[at];
        dots[at] = weight * g * (1 + p.sharp * (dots[at] - back * v[at] - along));
        v[at] = -weight * g * back;
    }
}
