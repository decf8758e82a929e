#version 450
//! tech: f16 odd bf16 bf16_odd
//! target: vulkan1.1
//! spirv: kept
// Idea: a workgroup's subgroups multiply matrices of 16-bit operands on the device's matrix units. Operands are rounded
// to H while they are put into shared memory, where k lies along memory for both, whatever form the tensors have; those
// of the next DEPTH steps are in flight meanwhile. Sizes along memory are multiples of 4; `odd`: any sizes.
// A subgroup owns ROWS x COLS matrices of C, ACROSS subgroups lie side by side.
// Numerics: operands rounded to nearest (f16: beyond 65,519 to infinity), products summed in fp32 in one chain a part.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#if defined(TECH_BF16) || defined(TECH_BF16_ODD)
#define BFLOAT
#extension GL_EXT_bfloat16 : require
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#endif
#include "lib/common.glsl"
#include "lib/half.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ROWS = 4;
layout(constant_id = 4) const uint COLS = 2;
layout(constant_id = 5) const uint DEPTH = 32; // a multiple of MK and of 4
layout(constant_id = 6) const uint ACROSS = 2;
layout(constant_id = 7) const uint LANES = 32;  // of a subgroup
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]
layout(constant_id = 12) const uint MM = 16;    // a matrix of C is MM x MN, of A MM x MK
layout(constant_id = 13) const uint MN = 16;
layout(constant_id = 14) const uint MK = 16;
#define FORMATS_ID 15

#if defined(TECH_ODD) || defined(TECH_BF16_ODD)
#define ODD
#endif
#ifdef BFLOAT
#define H bfloat16_t
#define H_AS FORMAT_BF16
#else
#define H float16_t
#define H_AS FORMAT_F16
#endif

#ifdef ODD
#define T float
#define WIDTH 1 // floats in a T
READ_BUFFER(0, uint, A);
READ_BUFFER(1, uint, B);
#else
#define T vec4
#define WIDTH 4
READ_BUFFER(0, uvec4, A4); // as four floats, or four halves
READ_BUFFER(0, uvec2, A2);
READ_BUFFER(1, uvec4, B4);
READ_BUFFER(1, uvec2, B2);
#endif
WRITE_BUFFER(2, T, y);
#include "matmul/epilogue.glsl"
PUSH(matmul_args, p);

const uint A_AS = STORED_AS(0), B_AS = STORED_AS(1);

const uint THREADS = gl_WorkGroupSize.x, SUBGROUPS = THREADS / LANES;
const uint TM = SUBGROUPS / ACROSS * ROWS * MM, TN = ACROSS * COLS * MN;
// Loads of an invocation: where k does not lie along memory an even number, for pairs of steps (place_across).
const uint STEPS_A = TRANS_A == 1 ? 2 : 1, STEPS_B = TRANS_B == 0 ? 2 : 1;
const uint LOADS_A = (TM * DEPTH / 4 / STEPS_A + THREADS - 1) / THREADS * STEPS_A;
const uint LOADS_B = (TN * DEPTH / 4 / STEPS_B + THREADS - 1) / THREADS * STEPS_B;
// Lines of k, in fours; the gap spreads them over banks and keeps them at multiples of 16 bytes.
const uint LINE = DEPTH / 4 + 2, HALVES = (TM + TN) * LINE;
const uint AREA = MM * COLS * MN, FLOATS = SUBGROUPS * AREA / 2; // a subgroup's row of matrices as floats; all, in twos
shared uvec2 tile[HALVES > FLOATS ? HALVES : FLOATS];

uvec4 next_a[LOADS_A], next_b[LOADS_B];
coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator> sum[ROWS * COLS];

// Two floats as halves of H.
uint pack(vec2 v)
{
#ifdef BFLOAT
    return bf16_of_f32(floatBitsToUint(v.x)) | bf16_of_f32(floatBitsToUint(v.y)) << 16;
#else
    return packFloat2x16(f16vec2(v));
#endif
}

// Four neighbours as they were loaded: as floats, or as halves in x and y.
vec4 floats(uvec4 raw, uint as)
{
    return as == FORMAT_F32 ? uintBitsToFloat(raw) : four(as, raw.xy);
}

uvec2 halves(uvec4 raw, uint as)
{
    if (as == H_AS)
        return raw.xy;
    vec4 v = floats(raw, as);
    return uvec2(pack(v.xy), pack(v.zw));
}

// Of four neighbours each of two steps: the steps of each neighbour side by side.
uvec4 pairs(uvec4 one, uvec4 two, uint as)
{
    if (as == H_AS)
        return uvec4(one.x & 0xffffu | two.x << 16, one.x >> 16 | two.x & 0xffff0000u, one.y & 0xffffu | two.y << 16,
                     one.y >> 16 | two.y & 0xffff0000u);
    vec4 v = floats(one, as), w = floats(two, as);
    return uvec4(pack(vec2(v.x, w.x)), pack(vec2(v.y, w.y)), pack(vec2(v.z, w.z)), pack(vec2(v.w, w.w)));
}

// Four neighbours along memory from `at` on, none beyond the last valid place, on which depends what begins.
#ifdef ODD
#define FOUR(name, X, AS)                                                                                              \
    uvec4 name(uint begin, uint at, uint last)                                                                         \
    {                                                                                                                  \
        uvec4 v = uvec4(0);                                                                                            \
        [[unroll]] for (uint u = 0; u < 4; u++)                                                                        \
        {                                                                                                              \
            uint i = begin + min(at + u, last);                                                                        \
            if (AS == FORMAT_F32)                                                                                      \
                v[u] = X[i];                                                                                           \
            else                                                                                                       \
                v[u / 2] |= (X[i / 2] >> i % 2 * 16 & 0xffffu) << u % 2 * 16;                                          \
        }                                                                                                              \
        return v;                                                                                                      \
    }
const uint LAST = 1; // from the end of a line to the beginning of its last group
#else
#define FOUR(name, X, AS)                                                                                              \
    uvec4 name##_at(uint i)                                                                                            \
    {                                                                                                                  \
        if (AS == FORMAT_F32)                                                                                          \
            return X##4[i];                                                                                            \
        return uvec4(X##2[i], 0, 0);                                                                                   \
    }                                                                                                                  \
    uvec4 name(uint begin, uint at, uint last)                                                                         \
    {                                                                                                                  \
        return name##_at((begin + min(at, last)) / 4);                                                                 \
    }
const uint LAST = 4;
#endif
FOUR(four_a, A, A_AS)
FOUR(four_b, B, B_AS)

// Steps from `end` on as zeros.
uvec4 before(uint end, uint step, uvec4 v, uint as)
{
#ifdef ODD
    bvec4 in_ = lessThan(uvec4(step, step + 1, step + 2, step + 3), uvec4(end));
    if (as == FORMAT_F32)
        return mix(uvec4(0), v, in_);
    uvec4 mask = mix(uvec4(0), uvec4(0xffffu, 0xffff0000u, 0xffffu, 0xffff0000u), in_);
    return uvec4(v.x & (mask.x | mask.y), v.y & (mask.z | mask.w), 0, 0);
#else
    return step < end ? v : uvec4(0);
#endif
}

// The i-th load of a side with `lines` lines, whose k does not lie along memory: (step, neighbour). Pairs of loads are
// neighbouring steps; neighbouring invocations take 4 pairs of steps of 8 groups; idle ones are beyond DEPTH.
uvec2 place_across(uint i, uint lines)
{
    uint pair = i / (2 * THREADS) * THREADS + gl_LocalInvocationIndex, fours = lines / 4;
    return uvec2((pair % 4 + pair / (4 * fours) * 4) * 2 + i / THREADS % 2, pair / 4 % fours * 4);
}

// Step and line of the g-th load: the step within DEPTH, the line within the side.
#define PLACE(g, ACROSS_K, lines)                                                                                      \
    ((ACROSS_K) ? place_across((g)*THREADS, lines)                                                                     \
                : uvec2((gl_LocalInvocationIndex + (g)*THREADS) % (DEPTH / 4) * 4,                                     \
                        (gl_LocalInvocationIndex + (g)*THREADS) / (DEPTH / 4)))

// rest_*: the steps from k on that there are before `end`, at most DEPTH; the others as zeros.
#define REST(side, ACROSS_K, AS, lines, limit, ld)                                                                     \
    void rest_##side(uint begin, uint first, uint k, uint end)                                                         \
    {                                                                                                                  \
        [[unroll]] for (uint g = 0; g < next_##side.length(); g++)                                                     \
        {                                                                                                              \
            uvec2 at = PLACE(g, ACROSS_K, lines);                                                                      \
            uint s = k + at.x;                                                                                         \
            if (ACROSS_K) {                                                                                            \
                uvec4 v = four_##side(begin + min(s, end - 1) * ld, first + at.y, limit - LAST);                       \
                next_##side[g] = s < end ? v : uvec4(0);                                                               \
            } else {                                                                                                   \
                uint line = min(first + at.y, limit - 1), last = (end - 1) / LAST * LAST;                              \
                next_##side[g] = before(end, s, four_##side(begin + line * ld, s, last), AS);                          \
            }                                                                                                          \
        }                                                                                                              \
    }
REST(a, TRANS_A == 1, A_AS, TM, p.m, p.lda)
REST(b, TRANS_B == 0, B_AS, TN, p.n, p.ldb)

#ifdef ODD
#define REST_ROUNDS while (k < end)
#else
#define REST_ROUNDS if (k < end) // there is one at most
// Where the loads of this invocation begin, at step 0: worked out once.
uint from_a[LOADS_A], from_b[LOADS_B];

// load_*: DEPTH whole steps from k on.
#define WHOLE(side, ACROSS_K, lines, limit, ld)                                                                        \
    void begin_##side(uint begin, uint first)                                                                          \
    {                                                                                                                  \
        [[unroll]] for (uint g = 0; g < from_##side.length(); g++)                                                     \
        {                                                                                                              \
            uvec2 at = PLACE(g, ACROSS_K, lines);                                                                      \
            from_##side[g] = ACROSS_K ? begin + min(at.x, DEPTH - 1) * ld + min(first + at.y, limit - LAST)            \
                                      : begin + min(first + at.y, limit - 1) * ld + at.x;                              \
            from_##side[g] /= 4;                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    void load_##side(uint k)                                                                                           \
    {                                                                                                                  \
        uint step = (ACROSS_K ? k * ld : k) / 4;                                                                       \
        [[unroll]] for (uint g = 0; g < from_##side.length(); g++)                                                     \
            next_##side[g] = four_##side##_at(from_##side[g] + step);                                                  \
    }
WHOLE(a, TRANS_A == 1, TM, p.m, p.lda)
WHOLE(b, TRANS_B == 0, TN, p.n, p.ldb)
#endif

#define PUT(name, next, TRANS, AS, lines)                                                                              \
    void name(uint base)                                                                                               \
    {                                                                                                                  \
        [[unroll]] for (uint g = 0; g < next.length(); g++)                                                            \
        {                                                                                                              \
            uint i = gl_LocalInvocationIndex + g * THREADS;                                                            \
            if (TRANS) {                                                                                               \
                if (g % 2 == 0) {                                                                                      \
                    uvec2 at = place_across(g * THREADS, lines);                                                       \
                    uvec4 v = pairs(next[g], next[g + 1], AS);                                                         \
                    if (lines * DEPTH / 8 % THREADS == 0 || at.x < DEPTH) {                                            \
                        [[unroll]] for (uint u = 0; u < 4; u++)                                                        \
                            tile[base + (at.y + u) * LINE + at.x / 4][at.x / 2 % 2] = v[u];                            \
                    }                                                                                                  \
                }                                                                                                      \
            } else if (lines * DEPTH / 4 % THREADS == 0 || i < lines * DEPTH / 4) {                                    \
                tile[base + i / (DEPTH / 4) * LINE + i % (DEPTH / 4)] = halves(next[g], AS);                           \
            }                                                                                                          \
        }                                                                                                              \
    }

PUT(put_a, next_a, TRANS_A == 1, A_AS, TM)
PUT(put_b, next_b, TRANS_B == 0, B_AS, TN)

void put()
{
    put_a(0);
    put_b(TM * LINE);
    barrier();
}

void multiply(uint down, uint right)
{
    [[unroll]] for (uint s = 0; s < DEPTH / MK; s++) {
        coopmat<H, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> a[ROWS];
        [[unroll]] for (uint i = 0; i < ROWS; i++)
            coopMatLoad(a[i], tile, (down + i * MM) * LINE + s * (MK / 4), LINE, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint j = 0; j < COLS; j++) {
            coopmat<H, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> b;
            coopMatLoad(b, tile, (TM + right + j * MN) * LINE + s * (MK / 4), LINE,
                        gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint i = 0; i < ROWS; i++)
                sum[i * COLS + j] = coopMatMulAdd(a[i], b, sum[i * COLS + j]);
        }
    }
}

T summed(uint area, uint e)
{
#ifdef ODD
    return uintBitsToFloat(tile[area + e / 2][e % 2]);
#else
    return vec4(uintBitsToFloat(tile[area + 2 * e]), uintBitsToFloat(tile[area + 2 * e + 1]));
#endif
}

// A subgroup's sums by way of shared memory, where each element has its place, a row of matrices at a time.
void finish(uint c, uint row, uint col)
{
    const uint LINE_C = COLS * MN / WIDTH;
    uint area = gl_SubgroupID * AREA / 2;
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        subgroupBarrier();
        [[unroll]] for (uint j = 0; j < COLS; j++)
            coopMatStore(sum[i * COLS + j], tile, area + j * (MN / 2), COLS * MN / 2,
                         gl_CooperativeMatrixLayoutRowMajor);
        subgroupBarrier();
        for (uint e = gl_SubgroupInvocationID; e < AREA / WIDTH; e += LANES) {
            uint m = row + i * MM + e / LINE_C, n = col + e % LINE_C * WIDTH;
            if (m < p.m && n < p.n)
                store((c + m * p.ldc + n) / WIDTH, summed(area, e), bias_at((p.bias + n) / WIDTH));
        }
    }
}

void main()
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    uint row = gl_WorkGroupID.y * TM, col = gl_WorkGroupID.x * TN;
    uint down = gl_SubgroupID / ACROSS * ROWS * MM, right = gl_SubgroupID % ACROSS * COLS * MN;
    uint a = p.a + matrix * p.a_batch, b = p.b + matrix * p.b_batch;
    uint begin = part * p.part, end = min(begin + p.part, p.k);
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
        sum[i] = coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>(0.0);
    uint k = begin;
#ifndef ODD
    begin_a(a, row);
    begin_b(b, col);
    if (k + DEPTH <= end) {
        load_a(k);
        load_b(k);
        for (; k + 2 * DEPTH <= end; k += DEPTH) {
            put();
            load_a(k + DEPTH);
            load_b(k + DEPTH);
            multiply(down, right);
            barrier();
        }
        put();
        multiply(down, right);
        barrier();
        k += DEPTH;
    }
#endif
    REST_ROUNDS
    {
        rest_a(a, row, k, end);
        rest_b(b, col, k, end);
        put();
        multiply(down, right);
        barrier();
        k += DEPTH;
    }
    finish(p.c + matrix * p.c_batch + part * p.c_part, row + down, col + right);
}
