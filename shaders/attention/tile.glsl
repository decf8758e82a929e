/* tile.glsl: the parts of the shared-memory attention kernels. A workgroup of 128 works on tiles of 32 x 32 scores: 32
 * rows of its own against 32 of the other side at a time. Invocation (down, over), over = 0..7, owns rows 2 down and
 * 2 down + 1 with the scores over, over + 8, over + 16, over + 24 and the output columns (vec4s) over, over + 8, ...
 * Shared memory: 14.5 KiB. Head dims are multiples of 4, up to 128. Loops are unrolled by fours, or not where sums take
 * many registers: Honeykrisp takes whole ones apart into three times the code, and spills; Intel has 128 registers. */
#ifndef ATTENTION_TILE_GLSL
#define ATTENTION_TILE_GLSL

#include "lib/cut.glsl"
#include "args/attention.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

layout(constant_id = 3) const uint D4 = 8; // head dim / 4
layout(constant_id = 8) const uint CAUSAL = 0;

const uint SIDE = 32;                                    // rows and columns of a tile of scores
const uint N4 = (D4 + 7) / 8;                            // vec4s of a row that an invocation owns
const uint CHUNK = 8;                                    // vec4s of the head dim multiplied at a time
const uint PITCH = CHUNK + 1;                            // spreads rows over the banks
const uint DEEP = D4 > 16 ? 16 : 32;                     // rows of the other side held whole at a time
const uint RUN = D4 > 16 ? 1 : 4;                        // rounds of a loop that are unrolled
const uint GROUP = 128;                                  // invocations
const uint SHARE = SIDE * CHUNK / GROUP;                 // vec4s that each fetches of a chunk of 32 rows ...
const uint DEEP_SHARE = (DEEP * D4 + GROUP - 1) / GROUP; // ... and of whole rows: a few beyond them, for which is room

shared vec4 tile[2 * SIDE * PITCH];       // two chunks of 32 rows, or DEEP whole rows
shared float weight[SIDE * (SIDE + 1)];   // the scores' tile: weights, or gradients

/* Of the last rows, where they are few: tail.glsl */
#define TAIL_BLOCK SIDE
#define TAIL_LANES GROUP
#define TAIL_RUN 2
#define TAIL_IN_TILE

#define LANE gl_LocalInvocationID.x
#define DOWN (gl_LocalInvocationID.x / 8)
#define OVER (gl_LocalInvocationID.x % 8)

/* A head's rows in the tensors, by the kernels' names: `base` is where the head begins in one [B,T,D], `queries` in one
 * [B,T,3D], whose rows are `wide` vec4s. The macros below take such a name as `own`, `other` or, to store v
 * there, `target`. */
#define QUERY(row, c) qkv4(queries + (row) * wide + (c))
#define KEY(row, c) qkv4(queries + (row) * wide + p.width4 + (c))
#define VALUE(row, c) qkv4(queries + (row) * wide + 2 * p.width4 + (c))
#define GRAD(row, c) g4(base + (row) * p.width4 + (c))
#define OUTPUT(row, c, v) store_o(base + (row) * p.width4 + (c), v)
#define QUERY_GRAD(row, c, v) store_dqkv(queries + (row) * wide + (c), v)
#define KEY_GRAD(row, c, v) store_dqkv(queries + (row) * wide + p.width4 + (c), v)
#define VALUE_GRAD(row, c, v) store_dqkv(queries + (row) * wide + 2 * p.width4 + (c), v)

/* An invocation's share of rows first.. of a head, vec4s at.. at + CHUNK, into registers, so that its loads are under
 * way together; past the end the last row again. */
#define TILE_FETCH(held, source, first, at)                                                                            \
    [[unroll]] for (uint n_ = 0; n_ < SHARE; n_++) {                                                                   \
        uint i_ = LANE + n_ * GROUP, r_ = min(first + i_ / CHUNK, p.tokens - 1), c_ = min(at + i_ % CHUNK, D4 - 1);    \
        held[n_] = source(r_, c_);                                                                                     \
    }

/* ... and from there to half 0 or 1 of the tile. */
#define TILE_HOLD(half_, held, at)                                                                                     \
    [[unroll]] for (uint n_ = 0; n_ < SHARE; n_++) {                                                                   \
        uint i_ = LANE + n_ * GROUP, c_ = i_ % CHUNK;                                                                  \
        tile[((half_) * SIDE + i_ / CHUNK) * PITCH + c_] = at + c_ < D4 ? held[n_] : vec4(0);                          \
    }

/* score[8] += own rows x other rows: [0-3] of row 2 DOWN, [4-7] of row 2 DOWN + 1. */
#define TILE_SCORES(score, own, own_first, other, other_first)                                                         \
    for (uint at_ = 0; at_ < D4; at_ += CHUNK) {                                                                       \
        vec4 own_[SHARE], other_[SHARE];                                                                               \
        TILE_FETCH(own_, own, own_first, at_)                                                                          \
        TILE_FETCH(other_, other, other_first, at_)                                                                    \
        barrier();                                                                                                     \
        TILE_HOLD(0, own_, at_)                                                                                        \
        TILE_HOLD(1, other_, at_)                                                                                      \
        barrier();                                                                                                     \
        [[dont_unroll]] for (uint run_ = 0; run_ < CHUNK; run_ += RUN)                                                 \
        [[unroll]] for (uint u_ = 0; u_ < RUN; u_++) {                                                                 \
            uint c_ = run_ + u_;                                                                                       \
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

/* sum[2 N4] += weight tile x other rows: [0..N4-1] of row 2 DOWN, [N4..] of row 2 DOWN + 1; rows past the end are left
 * out, by RUN. Begins with a barrier. */
#define TILE_APPLY(sum, other, other_first)                                                                            \
    for (uint deep_ = 0; deep_ < SIDE; deep_ += DEEP) {                                                                \
        vec4 held_[DEEP_SHARE];                                                                                        \
        [[unroll]] for (uint n_ = 0; n_ < DEEP_SHARE; n_++) {                                                          \
            uint i_ = LANE + n_ * GROUP, r_ = min(other_first + deep_ + i_ / D4, p.tokens - 1);                        \
            held_[n_] = other(r_, i_ % D4);                                                                            \
        }                                                                                                              \
        barrier();                                                                                                     \
        [[unroll]] for (uint n_ = 0; n_ < DEEP_SHARE; n_++)                                                            \
            tile[LANE + n_ * GROUP] = held_[n_];                                                                       \
        barrier();                                                                                                     \
        uint seen_ = min(DEEP, max(p.tokens, other_first + deep_) - other_first - deep_);                              \
        [[dont_unroll]] for (uint run_ = 0; run_ < seen_; run_ += RUN)                                                 \
        [[unroll]] for (uint u_ = 0; u_ < RUN; u_++) {                                                                 \
            uint j_ = run_ + u_;                                                                                       \
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
#define TILE_STORE(target, sum, factor, own_first)                                                                     \
    [[unroll]] for (uint r_ = 0; r_ < 2; r_++) {                                                                       \
        uint row_ = own_first + 2 * DOWN + r_;                                                                         \
        [[unroll]] for (uint n_ = 0; n_ < N4; n_++) {                                                                  \
            if (row_ < p.tokens && OVER + 8 * n_ < D4)                                                                 \
                target(row_, OVER + 8 * n_, sum[r_ * N4 + n_] * factor[r_]);                                           \
        }                                                                                                              \
    }

#endif
