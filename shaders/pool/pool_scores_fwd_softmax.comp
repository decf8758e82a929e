#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a = softmax over an image's patches of D / tau, D the dots of patches and sentences.
// Invocation i owns pair i (pair_index.glsl).
// Numerics: fp32, relative to the greatest dot; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "pool/pair_index.glsl"
#include "lib/pair.glsl"

READ_BUFFER(0, float, dots); // [n,G,M]
WRITE_BUFFER(1, float, a);   // [n,G,M]

void main()
{
    uint pair = invocation_1d();
    if (pair >= p.count)
        return;
    uint begin = pair_begin(pair), end = begin + p.patches * p.texts;
    float top = dots[begin], value = 0, lost = 0;
    for (uint at = begin; at < end; at += p.texts)
        top = max(top, dots[at]);
    for (uint at = begin; at < end; at += p.texts)
        pair_add(value, lost, exp((dots[at] - top) * p.sharp));
    float scale = 1 / (value + lost);
    for (uint at = begin; at < end; at += p.texts)
        a[at] = exp((dots[at] - top) * p.sharp) * scale;
}
