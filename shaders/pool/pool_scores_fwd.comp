#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the score of a pair is the cosine of its pooled feature and its sentence, from dots alone (pooled.glsl).
// Invocation i owns pair i (pair_index.glsl).
// Numerics: fp32; both sums are carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "pool/pair_index.glsl"

READ_BUFFER(0, float, dots); // [n,G,M]
READ_BUFFER(1, float, a);    // [n,G,M]
READ_BUFFER(2, float, v);    // [n,G,M]
WRITE_BUFFER(3, float, c);   // [n,M]

#include "pool/pooled.glsl"

void main()
{
    uint pair = invocation_1d(p.begin);
    if (pair < p.count)
        c[pair] = pooled(pair_begin(pair)).x;
}
