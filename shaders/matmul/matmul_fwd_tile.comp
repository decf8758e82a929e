#version 450
//! dtype: f32 f16 bf16
//! target: vulkan1.1
// Idea: a workgroup loads DEPTH steps of its tile of A and B into shared memory, whatever the transposes, then each
// invocation sums ROWS rows x COLS columns from there in registers. Any sizes: what lies outside is loaded as zero.
// Rows of an invocation are neighbours (one broadcast per row), columns one local size apart (no bank conflicts).
// Numerics: fp32 fma; sums of DEPTH steps are added up, over at most matmul_args.part steps. An invocation sums GROUP
// of its columns at a time: so the first level needs few registers.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ROWS = 4;
layout(constant_id = 4) const uint COLS = 4;
layout(constant_id = 5) const uint DEPTH = 16;
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]

#define T float
#define WIDTH 1
READ_BUFFER(0, float, A);
WRITE_BUFFER(2, float, y);
#include "matmul/epilogue.glsl"
#include "matmul/weight.glsl"
PUSH(matmul_args, p);

const uint THREADS = gl_WorkGroupSize.x * gl_WorkGroupSize.y;
const uint TILE_M = gl_WorkGroupSize.y * ROWS, TILE_N = gl_WorkGroupSize.x * COLS;
const uint GROUP = 4; // divides COLS
const uint PAD = 1; // steps of one row fall into different banks when the tile is written along k
// a tile is a multiple of the invocations
const uint LOADS_A = DEPTH * TILE_M / THREADS, LOADS_B = DEPTH * TILE_N / THREADS;
float next_a[LOADS_A], next_b[LOADS_B]; // no locals: see register.glsl
shared float tile_a[DEPTH * (TILE_M + PAD)], tile_b[DEPTH * (TILE_N + PAD)];

// Reads steps k.. of rows row.. and columns col... Neighbouring invocations read neighbouring memory.
// Without branches, so that all loads are in flight at once: what lies outside is read at the last valid place.
void load_tiles(uint a, uint b, uint row, uint col, uint k, uint end)
{
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        uint r = TRANS_A == 1 ? i % TILE_M : i / DEPTH, s = TRANS_A == 1 ? i / TILE_M : i % DEPTH;
        bool inside = row + r < p.m && k + s < end;
        uint m = min(row + r, p.m - 1), step = min(k + s, end - 1);
        next_a[g] = A[a + (TRANS_A == 1 ? step * p.lda + m : m * p.lda + step)];
        next_a[g] = inside ? next_a[g] : 0;
    }
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        uint c = TRANS_B == 1 ? i / DEPTH : i % TILE_N, s = TRANS_B == 1 ? i % DEPTH : i / TILE_N;
        bool inside = col + c < p.n && k + s < end;
        uint n = min(col + c, p.n - 1), step = min(k + s, end - 1);
        next_b[g] = load_weight(b + (TRANS_B == 1 ? n * p.ldb + step : step * p.ldb + n));
        next_b[g] = inside ? next_b[g] : 0;
    }
}

void put_tiles()
{
    [[unroll]] for (uint g = 0; g < LOADS_A; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        uint r = TRANS_A == 1 ? i % TILE_M : i / DEPTH, s = TRANS_A == 1 ? i / TILE_M : i % DEPTH;
        tile_a[s * (TILE_M + PAD) + r] = next_a[g];
    }
    [[unroll]] for (uint g = 0; g < LOADS_B; g++) {
        uint i = gl_LocalInvocationIndex + g * THREADS;
        uint c = TRANS_B == 1 ? i / DEPTH : i % TILE_N, s = TRANS_B == 1 ? i % DEPTH : i / TILE_N;
        tile_b[s * (TILE_N + PAD) + c] = next_b[g];
    }
}

void main()
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    uint row = gl_WorkGroupID.y * TILE_M, col = gl_WorkGroupID.x * TILE_N;
    uint my_row = gl_LocalInvocationID.y * ROWS, my_col = gl_LocalInvocationID.x;
    float total[ROWS * COLS];
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
        total[i] = 0;

    uint end = min((part + 1) * p.part, p.k);
    for (uint k = part * p.part; k < end; k += DEPTH) {
        load_tiles(p.a + matrix * p.a_batch, p.b + matrix * p.b_batch, row, col, k, end);
        put_tiles();
        barrier();
        [[unroll]] for (uint g = 0; g < COLS; g += GROUP) {
            float sum[ROWS * GROUP];
            [[unroll]] for (uint i = 0; i < ROWS * GROUP; i++)
                sum[i] = 0;
            for (uint s = 0; s < DEPTH; s++) {
                float a[ROWS];
                [[unroll]] for (uint i = 0; i < ROWS; i++)
                    a[i] = tile_a[s * (TILE_M + PAD) + my_row + i];
                [[unroll]] for (uint j = 0; j < GROUP; j++) {
                    float b = tile_b[s * (TILE_N + PAD) + my_col + (g + j) * gl_WorkGroupSize.x];
                    [[unroll]] for (uint i = 0; i < ROWS; i++)
                        sum[i * GROUP + j] = fma(a[i], b, sum[i * GROUP + j]);
                }
            }
            [[unroll]] for (uint i = 0; i < ROWS; i++) {
                [[unroll]] for (uint j = 0; j < GROUP; j++)
                    total[i * COLS + g + j] += sum[i * GROUP + j];
            }
        }
        barrier();
    }

    uint c = p.c + matrix * p.c_batch + part * p.c_part;
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        uint n = col + my_col + j * gl_WorkGroupSize.x;
        float add = bias_at(p.bias + min(n, p.n - 1));
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            uint m = row + my_row + i;
            if (m < p.m && n < p.n)
                store(c + m * p.ldc + n, total[i * COLS + j], add);
        }
    }
}
