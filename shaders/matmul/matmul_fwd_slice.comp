#version 450
//! tech: plain odd
//! target: vulkan1.1
// Idea: a workgroup is SLICES groups of 8 x 8 invocations over one tile of C; each group takes other steps of k, so
// that a tile large in registers still has short chains of sums. Loads are vec4; those of the next DEPTH steps are in
// flight while the present ones, in one of two halves of shared memory, are multiplied. Sizes along memory are
// multiples of 4; `odd`: any sizes, a group of four is four loads.
// An invocation owns ROWS rows, four neighbours at a time, and COLS groups of 4 columns.
// Numerics: fp32 fma; a chain holds every SLICES-th four steps of CHAIN at most; chains are added in order, those of
// later CHAIN steps to what the same invocation has stored in C.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ROWS = 8; // a multiple of 4
layout(constant_id = 4) const uint COLS = 4;
layout(constant_id = 5) const uint DEPTH = 16; // 4 SLICES
layout(constant_id = 6) const uint CHAIN = 0; // steps, a multiple of DEPTH; 0: those of a part
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]

#ifdef TECH_ODD
#define T float
#define WIDTH 1
#else
#define T vec4
#define WIDTH 4
#endif
#define Y_BUFFER UPDATE_BUFFER
Y_BUFFER(2, T, y);
#include "matmul/epilogue.glsl"
#include "matmul/operands.glsl"
PUSH(matmul_args, p);

const uint SIDE = 8, LANES = SIDE * SIDE; // of a slice
const uint THREADS = gl_WorkGroupSize.x, SLICES = THREADS / LANES;
const uint M4 = SIDE * ROWS / 4, N4 = SIDE * COLS; // the tile, in groups of four
const uint LOADS_A = (M4 * DEPTH + THREADS - 1) / THREADS, LOADS_B = (N4 * DEPTH + THREADS - 1) / THREADS;
// Steps lie one behind the other, each a row of A's tile or B's; the gap spreads what is written along k over banks.
const uint STEP_A = M4 + 1, STEP_B = N4 + 1, HALF = DEPTH * (STEP_A + STEP_B);
const uint ADDS = SLICES * LANES * COLS; // chains of one row of each invocation
shared vec4 tile[2 * HALF > ADDS ? 2 * HALF : ADDS];

#ifdef TECH_ODD
#define ELEMENT(i) tile[(i) / 4][(i) % 4]
#else
#define ELEMENT(i) tile[i]
#endif

vec4 sum[ROWS * COLS];
uvec4 next_a[LOADS_A], next_b[LOADS_B]; // no locals: see register.glsl

// Four neighbours of A or B from `at` on along memory, none beyond the last valid place, on which depends what begins:
// as bits, of which numbers are made where they are put into shared memory, so that no load is waited for before.
#ifdef TECH_ODD
#define FOUR(get, begin, at, last)                                                                                     \
    uvec4(get((begin) + min(at, last)), get((begin) + min((at) + 1, last)), get((begin) + min((at) + 2, last)),        \
          get((begin) + min((at) + 3, last)))
const uint LAST = 1; // from the end of a line to the beginning of its last group

uint bits_a(uint i)
{
    return floatBitsToUint(A1(i));
}

uint bits_b(uint i)
{
    return floatBitsToUint(B1(i));
}

vec4 number(uint format, uvec4 bits)
{
    return uintBitsToFloat(bits);
}
#else
#define FOUR(get, begin, at, last) get(((begin) + min(at, last)) / 4)
const uint LAST = 4;

uvec4 bits_a(uint i)
{
    return STORED_AS(0) == FORMAT_F32 ? floatBitsToUint(A_vec4[i]) : uvec4(A_words[i], 0, 0);
}

uvec4 bits_b(uint i)
{
    return STORED_AS(1) == FORMAT_F32 ? floatBitsToUint(B_vec4[i]) : uvec4(B_words[i], 0, 0);
}

vec4 number(uint format, uvec4 bits)
{
    return format == FORMAT_F32 ? uintBitsToFloat(bits) : four(format, bits.xy);
}
#endif

// Steps beyond the end count as zero.
uvec4 before(uint end, uint step, uvec4 v)
{
#ifdef TECH_ODD
    return mix(uvec4(0), v, lessThan(uvec4(step, step + 1, step + 2, step + 3), uvec4(end)));
#else
    return step < end ? v : uvec4(0);
#endif
}

// The g-th group of four that this invocation loads: its place in the tile is (step, group) where four neighbours of a
// row of C's sides lie along memory, else (four steps, row).
void load(uint a, uint b, uint row, uint col, uint k, uint end)
{
    uint last = end - 1, last4 = (end - 1) / LAST * LAST; // steps beyond the end are read there
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (TRANS_A == 1) {
            uint s = k + i / M4, m = row + i % M4 * 4;
            uvec4 v = FOUR(bits_a, a + min(s, last) * p.lda, m, p.m - LAST);
            next_a[g] = s < end ? v : uvec4(0);
        } else {
            uint s = k + i % (DEPTH / 4) * 4, m = min(row + i / (DEPTH / 4), p.m - 1);
            next_a[g] = before(end, s, FOUR(bits_a, a + m * p.lda, s, last4));
        }
    }
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        if (TRANS_B == 1) {
            uint s = k + i % (DEPTH / 4) * 4, n = min(col + i / (DEPTH / 4), p.n - 1);
            next_b[g] = before(end, s, FOUR(bits_b, b + n * p.ldb, s, last4));
        } else {
            uint s = k + i / N4, n = col + i % N4 * 4;
            uvec4 v = FOUR(bits_b, b + min(s, last) * p.ldb, n, p.n - LAST);
            next_b[g] = s < end ? v : uvec4(0);
        }
    }
}

void put(uint at)
{
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        vec4 v = number(STORED_AS(0), next_a[g]);
        if (M4 * DEPTH % THREADS == 0 || i < M4 * DEPTH) {
            if (TRANS_A == 1) {
                tile[at + i / M4 * STEP_A + i % M4] = v;
            } else {
                uint s = i % (DEPTH / 4) * 4, m = i / (DEPTH / 4);
                [[unroll]] for (uint u = 0; u < 4; u++)
                    tile[at + (s + u) * STEP_A + m / 4][m % 4] = v[u];
            }
        }
    }
    at += DEPTH * STEP_A;
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        vec4 v = number(STORED_AS(1), next_b[g]);
        if (N4 * DEPTH % THREADS == 0 || i < N4 * DEPTH) {
            if (TRANS_B == 1) {
                uint s = i % (DEPTH / 4) * 4, n = i / (DEPTH / 4);
                [[unroll]] for (uint u = 0; u < 4; u++)
                    tile[at + (s + u) * STEP_B + n / 4][n % 4] = v[u];
            } else {
                tile[at + i / N4 * STEP_B + i % N4] = v;
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

const uint ELEMENTS = SIDE * N4 * 4 / WIDTH, LINE = N4 * 4 / WIDTH; // SIDE rows of the tile, and one
const uint EACH = (ELEMENTS + THREADS - 1) / THREADS;               // of them per invocation
T earlier[4 * EACH];

// Where the g-th element of this invocation is in C: of the rows that are the invocations' i-th. Lanes that have none
// are at the last.
uvec2 place(uint row, uint col, uint i, uint g)
{
    uint t = min(gl_LocalInvocationIndex + g * THREADS, ELEMENTS - 1);
    return uvec2(row + i / 4 * SIDE * 4 + t / LINE * 4 + i % 4, col + t % LINE * WIDTH);
}

// The sum of the slices' chains there.
T chains(uint g)
{
    uint t = gl_LocalInvocationIndex + g * THREADS;
    T v = ELEMENT(t);
    [[unroll]] for (uint s = 1; s < SLICES; s++)
        v += ELEMENT(s * ELEMENTS + t);
    return v;
}

// What has been summed before is C itself, or its partial matrix; four rows' worth at once. The last chains get the
// epilogue.
void finish(uint c, uint row, uint col, bool first, bool last)
{
    uint slice = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
    uint x = lane % SIDE, down = lane / SIDE;
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        if (i % 4 == 0) {
            [[unroll]] for (uint e = 0; e < 4 * EACH; e++)
                earlier[e] = T(0);
            if (!first) {
                [[unroll]] for (uint e = 0; e < 4 * EACH; e++) {
                    uvec2 at = min(place(row, col, i + e / EACH, e % EACH), uvec2(p.m - 1, p.n - WIDTH));
                    earlier[e] = y[(c + at.x * p.ldc + at.y) / WIDTH];
                }
            }
        }
        barrier();
        [[unroll]] for (uint j = 0; j < COLS; j++)
            tile[(slice * SIDE + down) * N4 + x + SIDE * j] = sum[i * COLS + j];
        barrier();
        [[unroll]] for (uint g = 0; g < EACH; g++) {
            uvec2 at = place(row, col, i, g);
            if (gl_LocalInvocationIndex + g * THREADS < ELEMENTS && at.x < p.m && at.y < p.n) {
                uint to = (c + at.x * p.ldc + at.y) / WIDTH;
                T v = CHAIN > 0 ? earlier[i % 4 * EACH + g] + chains(g) : chains(g);
                if (last)
                    store(to, v, bias_at((p.bias + at.y) / WIDTH));
                else
                    y[to] = v;
            }
        }
    }
}

void main()
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    uint row = gl_WorkGroupID.y * M4 * 4, col = gl_WorkGroupID.x * N4 * 4;
    uint a = p.a + matrix * p.a_batch, b = p.b + matrix * p.b_batch;
    uint c = p.c + matrix * p.c_batch + part * p.c_part;
    uint slice = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
    uint at_a = slice * 4 * STEP_A + lane / SIDE, at_b = DEPTH * STEP_A + slice * 4 * STEP_B + lane % SIDE;
    uint begin = part * p.part, end = min(begin + p.part, p.k), k = begin, into = 0;
    bool first = true;
    load(a, b, row, col, k, end);
    while (true) {
        uint stop = CHAIN > 0 ? min(k + CHAIN, end) : end;
        [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
            sum[i] = vec4(0);
        for (; k < stop; k += DEPTH) {
            put(into);
            barrier();
            load(a, b, row, col, k + DEPTH, end);
            multiply(into + at_a, into + at_b);
            into = HALF - into;
        }
        if (CHAIN == 0 || k >= end)
            break;
        finish(c, row, col, first, false);
        first = false;
        barrier(); // the sums lie where the next steps go
    }
    finish(c, row, col, CHAIN == 0 || first, true);
}
