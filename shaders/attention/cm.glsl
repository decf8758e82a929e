/* cm.glsl: the parts of attention on matrix units. A workgroup of SUBGROUPS subgroups owns so many times ROWS rows and
 * walks over the other side's rows in blocks of BLOCK, which stand in shared memory as they are (`plain`: columns along
 * memory) or turned over (`turned`: rows along memory), as a matrix unit wants its second operand; those of the next
 * block are in flight meanwhile. Matrices hide which lane has which element, so a subgroup's scores go by way of its
 * own lines of shared memory, where lanes own parts of rows. Rows past the end are the last one again. */
#ifndef ATTENTION_CM_GLSL
#define ATTENTION_CM_GLSL

#if defined(TECH_BF16)
#define BFLOAT
#extension GL_EXT_bfloat16 : require
#define H bfloat16_t
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define H float16_t
#endif
#include "lib/cut.glsl"
#include "lib/half.glsl"
#include "args/attention.h"

layout(constant_id = 3) const uint D = 64; // head dim: a multiple of 16
layout(constant_id = 4) const uint R = 2;  // matrices of own rows, one below the other
layout(constant_id = 5) const uint SUBGROUPS = 4;
layout(constant_id = 7) const uint LANES = 32; // of a subgroup: a multiple of ROWS
layout(constant_id = 8) const uint CAUSAL = 0;
layout(constant_id = 12) const uint MM = 16; // a matrix of sums is MM x MN, its operands MM x MK and MK x MN
layout(constant_id = 13) const uint MN = 16;
layout(constant_id = 14) const uint MK = 16;

const uint THREADS = SUBGROUPS * LANES, ROWS = R * MM, BLOCK = 32;
const uint DK = D / MK, DN = D / MN, BK = BLOCK / MK, BN = BLOCK / MN;
// In eights of 16-bit floats, or fours of floats. The gaps spread lines over banks.
const uint D8 = D / 8, PLAIN = D8 + 1, TURNED = BLOCK / 8 + 1, SCORES = BLOCK / 4 + 1;
const uint PLAIN_SIZE = BLOCK * PLAIN, TURNED_SIZE = D * TURNED, WORK_SIZE = ROWS * SCORES;
shared uvec4 tile[SHARED_PARTS + SUBGROUPS * WORK_SIZE];

#define SUMS(name, count) coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator> name[count]
#define LEFTS(name, count) coopmat<H, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> name[count]
#define RIGHT(name) coopmat<H, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> name
#define ZERO coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>(0.0)

#define LANE gl_SubgroupInvocationID
#define WORK (SHARED_PARTS + gl_SubgroupID * WORK_SIZE)

// Two floats as halves of H.
uint pack(vec2 v)
{
#ifdef BFLOAT
    return bf16_of_f32(floatBitsToUint(v.x)) | bf16_of_f32(floatBitsToUint(v.y)) << 16;
#else
    return packFloat2x16(f16vec2(v));
#endif
}

uvec4 pack8(vec4 v, vec4 w)
{
    return uvec4(pack(v.xy), pack(v.zw), pack(w.xy), pack(w.zw));
}

vec4 scores4(uint at)
{
    return uintBitsToFloat(tile[at]);
}

/* ---- the other side's rows --------------------------------------------------------------------------------------- */

// Pairs of neighbouring rows, eight columns of each. Neighbouring invocations take 4 pairs of D8 groups.
const uint PAIRS = BLOCK / 2 * D8, SHARE = (PAIRS + THREADS - 1) / THREADS;
#define PAIR_ROW(i) (((i) % 4 + (i) / (4 * D8) * 4) * 2)
#define PAIR_GROUP(i) ((i) / 4 % D8)
#define EACH_PAIR(n, i)                                                                                                \
    [[unroll]] for (uint n = 0, i = gl_LocalInvocationIndex; n < SHARE; n++, i += THREADS)                             \
        if (PAIRS % THREADS == 0 || i < PAIRS)

// Rows from `first` on of a head's rows in x, of which the first begins at `from` and the next `wide` further on.
#define FETCH(held, x, from, wide, first)                                                                              \
    EACH_PAIR(n_, i_)                                                                                                  \
    {                                                                                                                  \
        uint row_ = (first) + PAIR_ROW(i_), at_ = (from) + PAIR_GROUP(i_);                                             \
        held[2 * n_] = x[at_ + min(row_, p.tokens - 1) * (wide)];                                                      \
        held[2 * n_ + 1] = x[at_ + min(row_ + 1, p.tokens - 1) * (wide)];                                              \
    }

#define PUT_PLAIN(held, base)                                                                                          \
    EACH_PAIR(n_, i_)                                                                                                  \
    {                                                                                                                  \
        uint at_ = (base) + PAIR_ROW(i_) * PLAIN + PAIR_GROUP(i_);                                                     \
        tile[at_] = held[2 * n_];                                                                                      \
        tile[at_ + PLAIN] = held[2 * n_ + 1];                                                                          \
    }

#define PUT_TURNED(held, base)                                                                                         \
    EACH_PAIR(n_, i_)                                                                                                  \
    {                                                                                                                  \
        uint word_ = PAIR_ROW(i_) / 2, at_ = (base) + PAIR_GROUP(i_) * 8 * TURNED + word_ / 4;                         \
        uvec4 one_ = held[2 * n_], two_ = held[2 * n_ + 1];                                                            \
        [[unroll]] for (uint u_ = 0; u_ < 4; u_++) {                                                                   \
            tile[at_ + 2 * u_ * TURNED][word_ % 4] = one_[u_] & 0xffffu | two_[u_] << 16;                              \
            tile[at_ + (2 * u_ + 1) * TURNED][word_ % 4] = one_[u_] >> 16 | two_[u_] & 0xffff0000u;                    \
        }                                                                                                              \
    }

/* ---- own rows ---------------------------------------------------------------------------------------------------- */

// Own rows from `row` on as left operands, by way of the subgroup's lines, as many columns at a time as those hold.
const uint AT_ONCE = BLOCK / 4; // eights
#define LOAD_OWN(own, x, from, wide, row)                                                                              \
    [[unroll]] for (uint c_ = 0; c_ < D8; c_ += AT_ONCE) {                                                             \
        uint many_ = min(AT_ONCE, D8 - c_);                                                                            \
        for (uint i_ = LANE; i_ < ROWS * many_; i_ += LANES)                                                           \
            tile[WORK + i_ / many_ * SCORES + i_ % many_] =                                                            \
                x[(from) + min((row) + i_ / many_, p.tokens - 1) * (wide) + c_ + i_ % many_];                          \
        subgroupBarrier();                                                                                             \
        [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                     \
        [[unroll]] for (uint k_ = 0; k_ < many_ * 8 / MK; k_++)                                                        \
            coopMatLoad(own[r_ * DK + c_ * 8 / MK + k_], tile, WORK + r_ * MM * SCORES + k_ * MK / 8, SCORES,          \
                        gl_CooperativeMatrixLayoutRowMajor);                                                           \
        subgroupBarrier();                                                                                             \
    }

// Own rows times the block at `base`, as it is, into the subgroup's lines.
#define MULTIPLY_SCORES(own, base)                                                                                     \
    for (uint n_ = 0; n_ < BN; n_++) {                                                                                 \
        SUMS(sum_, R);                                                                                                 \
        [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                     \
            sum_[r_] = ZERO;                                                                                           \
        [[unroll]] for (uint k_ = 0; k_ < DK; k_++) {                                                                  \
            RIGHT(b_);                                                                                                 \
            coopMatLoad(b_, tile, (base) + n_ * MN * PLAIN + k_ * MK / 8, PLAIN,                                       \
                        gl_CooperativeMatrixLayoutColumnMajor);                                                        \
            [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                 \
                sum_[r_] = coopMatMulAdd(own[r_ * DK + k_], b_, sum_[r_]);                                             \
        }                                                                                                              \
        [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                     \
            coopMatStore(sum_[r_], tile, WORK + r_ * MM * SCORES + n_ * MN / 4, SCORES,                                \
                         gl_CooperativeMatrixLayoutRowMajor);                                                          \
    }

// sum += the halves at eight `at` of the subgroup's lines times the block at `base`, turned over.
#define MULTIPLY_SUM(sum, at, base)                                                                                    \
    for (uint k_ = 0; k_ < BK; k_++) {                                                                                 \
        LEFTS(a_, R);                                                                                                  \
        [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                     \
            coopMatLoad(a_[r_], tile, WORK + (at) + r_ * MM * SCORES + k_ * MK / 8, SCORES,                            \
                        gl_CooperativeMatrixLayoutRowMajor);                                                           \
        [[unroll]] for (uint n_ = 0; n_ < DN; n_++) {                                                                  \
            RIGHT(b_);                                                                                                 \
            coopMatLoad(b_, tile, (base) + n_ * MN * TURNED + k_ * MK / 8, TURNED,                                     \
                        gl_CooperativeMatrixLayoutColumnMajor);                                                        \
            [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                 \
                sum[r_ * DN + n_] = coopMatMulAdd(a_[r_], b_, sum[r_ * DN + n_]);                                      \
        }                                                                                                              \
    }

// A number of each own row in the gap behind its line.
#define GAP(row) tile[WORK + (row) * SCORES + BLOCK / 4].x

// Stores own rows from `row` on, times `factor` of own_, by way of the subgroup's lines.
#define STORE_OWN(y, sum, from, wide, row, factor)                                                                     \
    [[unroll]] for (uint c_ = 0; c_ < DN; c_ += BN) {                                                                  \
        uint many_ = min(BN, DN - c_), eights_ = many_ * MN / 8;                                                       \
        subgroupBarrier();                                                                                             \
        [[unroll]] for (uint r_ = 0; r_ < R; r_++)                                                                     \
        [[unroll]] for (uint n_ = 0; n_ < many_; n_++)                                                                 \
            coopMatStore(sum[r_ * DN + c_ + n_], tile, WORK + r_ * MM * SCORES + n_ * MN / 4, SCORES,                  \
                         gl_CooperativeMatrixLayoutRowMajor);                                                          \
        subgroupBarrier();                                                                                             \
        for (uint i_ = LANE; i_ < ROWS * eights_; i_ += LANES) {                                                       \
            uint own_ = i_ / eights_, at_ = WORK + own_ * SCORES + i_ % eights_ * 2;                                   \
            if ((row) + own_ < p.tokens)                                                                               \
                y[(from) + ((row) + own_) * (wide) + c_ * MN / 8 + i_ % eights_] =                                     \
                    pack8(scores4(at_) * (factor), scores4(at_ + 1) * (factor));                                       \
        }                                                                                                              \
    }

#endif
