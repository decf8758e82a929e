/* tile.glsl: the parts of the shared-memory attention kernels. A workgroup of 128 works on tiles of 32 x 32 scores: 32
 * rows of its own against 32 of the other side at a time. Invocation (down, over), over = 0..7, owns rows 2 down and
 * 2 down + 1 with the scores over, over + 8, over + 16, over + 24 and the output columns (vec4s) over, over + 8, ...
 * Shared memory: 14.5 KiB. Head dims are multiples of 4, up to 128. */
#ifndef ATTENTION_TILE_GLSL
#define ATTENTION_TILE_GLSL

#include "lib/common.glsl"
#include "args/attention.h"

layout(constant_id = 3) const uint D4 = 8; // head dim / 4
layout(constant_id = 8) const uint CAUSAL = 0;

const uint SIDE = 32;               // rows and columns of a tile of scores
const uint N4 = (D4 + 7) / 8;       // vec4s of a row that an invocation owns
const uint CHUNK = 8;               // vec4s of the head dim multiplied at a time
const uint PITCH = CHUNK + 1;       // spreads rows over the banks
const uint DEEP = D4 > 16 ? 16 : 32; // rows of the other side held whole at a time

shared vec4 tile[2 * SIDE * PITCH];       // two chunks of 32 rows, or DEEP whole rows
shared float weight[SIDE * (SIDE + 1)];   // the scores' tile: weights, or gradients

#define LANE gl_LocalInvocationID.x
#define DOWN (gl_LocalInvocationID.x / 8)
#define OVER (gl_LocalInvocationID.x % 8)

/* Rows first.. of a head, vec4s at.. at + CHUNK, into half 0 or 1 of the tile; past the end the last row again. */
#define TILE_LOAD(half_, source, base, first, at)                                                                      \
    for (uint i_ = LANE; i_ < SIDE * CHUNK; i_ += gl_WorkGroupSize.x) {                                                \
        uint r_ = i_ / CHUNK, c_ = i_ % CHUNK;                                                                         \
        uint from_ = base + min(first + r_, p.tokens - 1) * p.width4 + at + c_;                                        \
        tile[((half_) * SIDE + r_) * PITCH + c_] = at + c_ < D4 ? source[from_] : vec4(0);                             \
    }

/* score[8] += own rows x other rows: [0-3] of row 2 DOWN, [4-7] of row 2 DOWN + 1. */
#define TILE_SCORES(score, own, own_first, other, other_first, base)                                                   \
    for (uint at_ = 0; at_ < D4; at_ += CHUNK) {                                                                       \
        barrier();                                                                                                     \
        TILE_LOAD(0, own, base, own_first, at_)                                                                        \
        TILE_LOAD(1, other, base, other_first, at_)                                                                    \
        barrier();                                                                                                     \
        for (uint c_ = 0; c_ < CHUNK; c_++) {                                                                          \
            vec4 x_ = tile[2 * DOWN * PITCH + c_], y_ = tile[(2 * DOWN + 1) * PITCH + c_];                             \
            [[unroll]] for (uint n_ = 0; n_ < 4; n_++) {                                                               \
                vec4 z_ = tile[(SIDE + OVER + 8 * n_) * PITCH + c_];                                                   \
                score[n_] += dot(x_, z_);                                                                              \
                score[4 + n_] += dot(y_, z_);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Writes an invocation's 8 elements into the shared scores' tile. */
void tile_put(float value[8])
{
    [[unroll]] for (uint n = 0; n < 4; n++) {
        weight[2 * DOWN * (SIDE + 1) + OVER + 8 * n] = value[n];
        weight[(2 * DOWN + 1) * (SIDE + 1) + OVER + 8 * n] = value[4 + n];
    }
}

/* sum[2 N4] += weight tile x other rows: [0..N4-1] of row 2 DOWN, [N4..] of row 2 DOWN + 1. Begins with a barrier. */
#define TILE_APPLY(sum, other, other_first, base)                                                                      \
    for (uint deep_ = 0; deep_ < SIDE; deep_ += DEEP) {                                                                \
        barrier();                                                                                                     \
        for (uint i_ = LANE; i_ < DEEP * D4; i_ += gl_WorkGroupSize.x)                                                 \
            tile[i_] = other[base + min(other_first + deep_ + i_ / D4, p.tokens - 1) * p.width4 + i_ % D4];            \
        barrier();                                                                                                     \
        for (uint j_ = 0; j_ < DEEP; j_++) {                                                                           \
            float x_ = weight[2 * DOWN * (SIDE + 1) + deep_ + j_];                                                     \
            float y_ = weight[(2 * DOWN + 1) * (SIDE + 1) + deep_ + j_];                                               \
            [[unroll]] for (uint n_ = 0; n_ < N4; n_++) {                                                              \
                vec4 z_ = tile[j_ * D4 + min(OVER + 8 * n_, D4 - 1)];                                                  \
                sum[n_] += x_ * z_;                                                                                    \
                sum[N4 + n_] += y_ * z_;                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Stores an invocation's two rows times `factor` (a vec2). */
#define TILE_STORE(target, sum, factor, own_first, base)                                                               \
    [[unroll]] for (uint r_ = 0; r_ < 2; r_++) {                                                                       \
        uint row_ = own_first + 2 * DOWN + r_;                                                                         \
        [[unroll]] for (uint n_ = 0; n_ < N4; n_++) {                                                                  \
            if (row_ < p.tokens && OVER + 8 * n_ < D4)                                                                 \
                target[base + row_ * p.width4 + OVER + 8 * n_] = sum[r_ * N4 + n_] * factor[r_];                       \
        }                                                                                                              \
    }

#endif
