/* cm_bwd.glsl: what both gradient kernels on matrix units do with a block of scores: LANES / ROWS lanes share a row,
 * each with OWN neighbouring columns, whose weights stay in registers until the gradients of the weights are there. */
#ifndef ATTENTION_CM_BWD_GLSL
#define ATTENTION_CM_BWD_GLSL

#include "attention/cm.glsl"

const float LOG2E = 1.44269504;
const uint OWN = BLOCK * ROWS / LANES; // a multiple of 8
#define OWN_ROW (LANE % ROWS)
#define OWN_COL (LANE / ROWS * OWN)
#define OWN_AT (WORK + OWN_ROW * SCORES)

vec4 weight[OWN / 4], part[OWN / 4]; // ... and gradients of scores, before scaling

// This lane's columns of weights, from logarithms of what the sums of the scores' exponentials are, `norm` in fours;
// the block's columns before `from` and from `end` on are not seen.
#define READ_WEIGHTS(norm, first, from, end)                                                                           \
    [[unroll]] for (uint t_ = 0; t_ < OWN / 4; t_++) {                                                                 \
        weight[t_] = exp2(scores4(OWN_AT + OWN_COL / 4 + t_) * (p.scale * LOG2E) - (norm)*LOG2E);                      \
        [[unroll]] for (uint u_ = 0; u_ < 4; u_++) {                                                                   \
            uint column_ = (first) + OWN_COL + 4 * t_ + u_;                                                            \
            weight[t_][u_] = column_ >= (from) && column_ < (end) ? weight[t_][u_] : 0;                                \
        }                                                                                                              \
    }

#define READ_PARTS(delta)                                                                                              \
    [[unroll]] for (uint t_ = 0; t_ < OWN / 4; t_++)                                                                   \
        part[t_] = weight[t_] * (scores4(OWN_AT + OWN_COL / 4 + t_) - (delta));

// As halves, at eight `at` of the lines.
#define WRITE_OWN(v, at)                                                                                               \
    [[unroll]] for (uint t_ = 0; t_ < OWN / 8; t_++)                                                                   \
        tile[OWN_AT + (at) + OWN_COL / 8 + t_] = pack8(v[2 * t_], v[2 * t_ + 1]);

#endif
