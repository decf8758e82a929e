#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: softmax of score rows, between the two matmuls of the plain attention.
// Invocation i owns row i of the chunk's [pairs, rows, T].
// Numerics: fp32; the row's maximum is subtracted first; keys that are not seen get weight 0 exactly.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/attention.h"

READ_BUFFER(0, float, score);   // [pairs, rows, T], before scaling
WRITE_BUFFER(1, float, weight); // [pairs, rows, T]
WRITE_BUFFER(2, float, lse);    // [B,H,T]
PUSH(attention_rows_args, p);

void main()
{
    uint index = invocation_1d();
    if (index >= p.count)
        return;
    uint row = p.row0 + index % p.rows, pair = p.pair0 + index / p.rows, base = index * p.tokens;
    uint seen = p.causal != 0 ? row + 1 : p.tokens;
    float top = score[base] * p.scale, total = 0;
    for (uint j = 1; j < seen; j++)
        top = max(top, score[base + j] * p.scale);
    for (uint j = 0; j < seen; j++)
        total += exp(score[base + j] * p.scale - top);
    float inverse = 1 / total;
    for (uint j = 0; j < seen; j++)
        weight[base + j] = exp(score[base + j] * p.scale - top) * inverse;
    for (uint j = seen; j < p.tokens; j++)
        weight[base + j] = 0;
    lse[p.skip_lse + pair * p.tokens + row] = top + log(total);
}
