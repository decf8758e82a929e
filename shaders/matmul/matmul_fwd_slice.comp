#version 450
//! dtype: f32 f16 bf16
//! target: vulkan1.1
// Idea: a workgroup is SLICES groups of 8 x 8 invocations over one tile of C; each group takes other steps of k, so
// that a tile large in registers still has short chains of sums. Loads are vec4; those of the next DEPTH steps are in
// flight while the present ones, in one of two halves of shared memory, are multiplied. Sizes along memory are
// multiples of 4.
// An invocation owns ROWS rows, four neighbours at a time, and COLS groups of 4 columns.
// Numerics: fp32 fma; a chain holds every SLICES-th four steps of at most matmul_args.part; chains are added in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ROWS = 8; // a multiple of 4
layout(constant_id = 4) const uint COLS = 4;
layout(constant_id = 5) const uint DEPTH = 16; // 4 SLICES
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]

#define T vec4
#define WIDTH 4
READ_BUFFER(0, vec4, A);
WRITE_BUFFER(2, vec4, y);
#include "matmul/epilogue.glsl"
#include "matmul/weight.glsl"
PUSH(matmul_args, p);

const uint SIDE = 8, LANES = SIDE * SIDE; // of a slice
const uint THREADS = gl_WorkGroupSize.x, SLICES = THREADS / LANES;
const uint M4 = SIDE * ROWS / 4, N4 = SIDE * COLS; // the tile, in groups of four
const uint LOADS_A = (M4 * DEPTH + THREADS - 1) / THREADS, LOADS_B = (N4 * DEPTH + THREADS - 1) / THREADS;
// Steps lie one behind the other, each a row of A's tile or B's; the gap spreads what is written along k over banks.
const uint STEP_A = M4 + 1, STEP_B = N4 + 1, HALF = DEPTH * (STEP_A + STEP_B);
const uint ADDS = SLICES * LANES * COLS; // chains of one row of each invocation
shared vec4 tile[2 * HALF > ADDS ? 2 * HALF : ADDS];

vec4 sum[ROWS * COLS], next_a[LOADS_A], next_b[LOADS_B]; // no locals: see register.glsl

// The g-th group of four that this invocation loads: its place in the tile is (step, group) where four neighbours of a
// row of C's sides lie along memory, else (four steps, row).
void load(uint a, uint b, uint row, uint col, uint k, uint end)
{
    uint last = end - 1, last4 = (end - 1) / 4 * 4; // steps beyond the end are read there and count as zero
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (TRANS_A == 1) {
            uint s = k + i / M4, m = min(row + i % M4 * 4, p.m - 4);
            vec4 v = A[(a + min(s, last) * p.lda + m) / 4];
            next_a[g] = s < end ? v : vec4(0);
        } else {
            uint s = k + i % (DEPTH / 4) * 4, m = min(row + i / (DEPTH / 4), p.m - 1);
            vec4 v = A[(a + m * p.lda + min(s, last4)) / 4];
            next_a[g] = s < end ? v : vec4(0);
        }
    }
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (TRANS_B == 1) {
            uint s = k + i % (DEPTH / 4) * 4, n = min(col + i / (DEPTH / 4), p.n - 1);
            vec4 v = load_weight((b + n * p.ldb + min(s, last4)) / 4);
            next_b[g] = s < end ? v : vec4(0);
        } else {
            uint s = k + i / N4, n = min(col + i % N4 * 4, p.n - 4);
            vec4 v = load_weight((b + min(s, last) * p.ldb + n) / 4);
            next_b[g] = s < end ? v : vec4(0);
        }
    }
}

void put(uint at)
{
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (M4 * DEPTH % THREADS == 0 || i < M4 * DEPTH) {
            if (TRANS_A == 1) {
                tile[at + i / M4 * STEP_A + i % M4] = next_a[g];
            } else {
                uint s = i % (DEPTH / 4) * 4, m = i / (DEPTH / 4);
                [[unroll]] for (uint u = 0; u < 4; u++)
                    tile[at + (s + u) * STEP_A + m / 4][m % 4] = next_a[g][u];
            }
        }
    }
    at += DEPTH * STEP_A;
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (N4 * DEPTH % THREADS == 0 || i < N4 * DEPTH) {
            if (TRANS_B == 1) {
                uint s = i % (DEPTH / 4) * 4, n = i / (DEPTH / 4);
                [[unroll]] for (uint u = 0; u < 4; u++)
                    tile[at + (s + u) * STEP_B + n / 4][n % 4] = next_b[g][u];
            } else {
                tile[at + i / N4 * STEP_B + i % N4] = next_b[g];
            }
        }
    }
}

// Four steps of this slice. The values of the next step replace those that have been used, between multiply-adds.
void multiply(uint at_a, uint at_b)
{
    vec4 a[ROWS / 4], b[COLS];
    [[unroll]] for (uint i = 0; i < ROWS / 4; i++)
        a[i] = tile[at_a + SIDE * i];
    [[unroll]] for (uint j = 0; j < COLS; j++)
        b[j] = tile[at_b + SIDE * j];
    [[unroll]] for (uint s = 0; s < 4; s++) {
        vec4 now[ROWS / 4];
        [[unroll]] for (uint i = 0; i < ROWS / 4; i++)
            now[i] = a[i];
        [[unroll]] for (uint j = 0; j < COLS; j++) {
            [[unroll]] for (uint i = 0; i < ROWS; i++)
                sum[i * COLS + j] = fma(vec4(now[i / 4][i % 4]), b[j], sum[i * COLS + j]);
            if (s < 3) {
                b[j] = tile[at_b + (s + 1) * STEP_B + SIDE * j];
                [[unroll]] for (uint i = j; i < ROWS / 4; i += COLS)
                    a[i] = tile[at_a + (s + 1) * STEP_A + SIDE * i];
            }
        }
    }
}

// Adds the slices' chains, a row of each invocation at a time: SIDE rows of the tile, all columns.
void finish(uint c, uint row, uint col)
{
    uint slice = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
    uint x = lane % SIDE, down = lane / SIDE;
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        barrier();
        [[unroll]] for (uint j = 0; j < COLS; j++)
            tile[(slice * SIDE + down) * N4 + x + SIDE * j] = sum[i * COLS + j];
        barrier();
        [[unroll]] for (uint g = 0; g < SIDE * N4; g += THREADS) {
            uint t = gl_LocalInvocationIndex + g;
            uint m = row + i / 4 * SIDE * 4 + t / N4 * 4 + i % 4, n = col + t % N4 * 4;
            if (t < SIDE * N4 && m < p.m && n < p.n) {
                vec4 v = tile[t];
                [[unroll]] for (uint s = 1; s < SLICES; s++)
                    v += tile[s * SIDE * N4 + t];
                store((c + m * p.ldc + n) / 4, v, bias_at((p.bias + n) / 4));
            }
        }
    }
}

void main()
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    uint row = gl_WorkGroupID.y * M4 * 4, col = gl_WorkGroupID.x * N4 * 4;
    uint a = p.a + matrix * p.a_batch, b = p.b + matrix * p.b_batch;
    uint slice = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
    uint at_a = slice * 4 * STEP_A + lane / SIDE, at_b = DEPTH * STEP_A + slice * 4 * STEP_B + lane % SIDE;
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
        sum[i] = vec4(0);

    uint k = part * p.part, end = min(k + p.part, p.k), into = 0;
    load(a, b, row, col, k, end);
    for (; k < end; k += DEPTH) {
        put(into);
        barrier();
        load(a, b, row, col, k + DEPTH, end);
        multiply(into + at_a, into + at_b);
        into = HALF - into;
    }
    finish(p.c + matrix * p.c_batch + part * p.c_part, row, col);
}
