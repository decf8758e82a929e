#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: softmax of score rows, between the two matmuls of the plain attention.
// Invocation i owns row i of the chunk's [pairs, rows, T].
// Numerics: fp32; the row's maximum is subtracted first; keys that are not seen get weight 0 exactly.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/attention.h"

READ_BUFFER(0, float, score);   // [pairs, rows, T], before scaling
WRITE_BUFFER(1, float, weight); // [pairs, rows, T]
WRITE_BUFFER(2, float, lse);    // [B,H,T]
PUSH(attention_rows_args, p);

// Keys from..to-1 in their order, 8 per round: lavapipe ends all loops of an invocation after 65,535 rounds, which four
// walks over single keys reach at T = 21,845.
#define EACH_KEY(j, from, to, statement)                                                                               \
    {                                                                                                                  \
        uint j = from;                                                                                                 \
        for (; j + 8 <= (to);) {                                                                                       \
            [[unroll]] for (uint t = 0; t < 8; t++, j++)                                                               \
                statement;                                                                                             \
        }                                                                                                              \
        for (; j < (to); j++)                                                                                          \
            statement;                                                                                                 \
    }

void main()
{
    uint index = invocation_1d();
    if (index >= p.count)
        return;
    uint row = p.row0 + index % p.rows, pair = p.pair0 + index / p.rows, base = index * p.tokens;
    uint seen = p.causal != 0 ? row + 1 : p.tokens;
    float top = score[base] * p.scale, total = 0;
    EACH_KEY(j, 1, seen, top = max(top, score[base + j] * p.scale))
    EACH_KEY(j, 0, seen, total += exp(score[base + j] * p.scale - top))
    float inverse = 1 / total;
    EACH_KEY(j, 0, seen, weight[base + j] = exp(score[base + j] * p.scale - top) * inverse)
    EACH_KEY(j, seen, p.tokens, weight[base + j] = 0)
    lse[p.skip_lse + pair * p.tokens + row] = top + log(total);
}
