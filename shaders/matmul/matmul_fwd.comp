#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the floor: any sizes, any transposes, no shared memory, no subgroup operations.
// An invocation owns ROWS rows x COLS columns of C, the columns one local size apart.
// Numerics: fp32 fma; sums of RUN steps are added up, over at most matmul_args.part steps.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/matmul.h"

layout(constant_id = 3) const uint ROWS = 4;
layout(constant_id = 4) const uint COLS = 4;
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]

#define T float
#define WIDTH 1
WRITE_BUFFER(2, float, y);
#include "matmul/epilogue.glsl"
#include "matmul/operands.glsl"
PUSH(matmul_args, p);

void main()
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    uint row = (gl_WorkGroupID.y * gl_WorkGroupSize.y + gl_LocalInvocationID.y) * ROWS;
    uint col = gl_WorkGroupID.x * gl_WorkGroupSize.x * COLS + gl_LocalInvocationID.x;
    uint step_a = TRANS_A == 1 ? p.lda : 1, step_b = TRANS_B == 1 ? 1 : p.ldb;
    uint at_a[ROWS], at_b[COLS]; // of step k; rows and columns beyond the edge read the last one
    [[unroll]] for (uint i = 0; i < ROWS; i++)
        at_a[i] = p.a + matrix * p.a_batch + min(row + i, p.m - 1) * (TRANS_A == 1 ? 1 : p.lda);
    [[unroll]] for (uint j = 0; j < COLS; j++)
        at_b[j] = p.b + matrix * p.b_batch + min(col + j * gl_WorkGroupSize.x, p.n - 1) * (TRANS_B == 1 ? p.ldb : 1);

    float sum[ROWS * COLS], total[ROWS * COLS];
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
        total[i] = 0;
    uint part_end = min((part + 1) * p.part, p.k);
    for (uint run = part * p.part; run < part_end; run += RUN) {
        uint end = min(run + RUN, part_end);
        [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
            sum[i] = 0;
        for (uint k = run; k < end; k++) {
            float a[ROWS];
            [[unroll]] for (uint i = 0; i < ROWS; i++)
                a[i] = a_at(at_a[i] + k * step_a);
            [[unroll]] for (uint j = 0; j < COLS; j++) {
                float b = b_at(at_b[j] + k * step_b);
                [[unroll]] for (uint i = 0; i < ROWS; i++)
                    sum[i * COLS + j] = fma(a[i], b, sum[i * COLS + j]);
            }
        }
        [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
            total[i] += sum[i];
    }

    uint c = p.c + matrix * p.c_batch + part * p.c_part;
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        uint n = col + j * gl_WorkGroupSize.x;
        float add = bias_at(p.bias + min(n, p.n - 1));
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            if (row + i < p.m && n < p.n)
                store(c + (row + i) * p.ldc + n, total[i * COLS + j], add);
        }
    }
}
