#version 450
//! tech: storage texel texel_half
//! target: vulkan1.1
// Idea: as matmul_fwd_sg without subgroup operations: each invocation loads all that it needs of A itself, in vec4.
// Local size x lanes share ROWS rows; local size y such strips make a workgroup.
// Numerics: fp32 fma; sums of four steps are added up, over at most matmul_args.part steps.
#extension GL_GOOGLE_include_directive : require
#include "matmul/register.glsl"

void main()
{
    uint lanes = gl_WorkGroupSize.x, lane = gl_LocalInvocationID.x;
    place w = find_place((gl_WorkGroupID.y * gl_WorkGroupSize.y + gl_LocalInvocationID.y) * ROWS, lanes, lane);
    clear_sum();
    for (uint k = w.k; k < w.k_end; k += 4) {
        vec4 a[ROWS];
        [[unroll]] for (uint f = 0; f < ROWS; f++) {
            if (TRANS_A == 1)
                a[f] = load_a_col(w, f % (ROWS / 4), k + f / (ROWS / 4));
            else
                a[f] = load_a_row(w, f, k);
        }
        load_b(w, lanes, k);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 four[COLS];
            [[unroll]] for (uint u = 0; u < 4; u++) {
                vec4 v = vec4(TRANS_A == 1 ? a[u * (ROWS / 4) + i / 4][i % 4] : a[i][u]);
                [[unroll]] for (uint j = 0; j < COLS; j++)
                    four[j] = u == 0 ? v * b_value(j, u) : fma(v, b_value(j, u), four[j]);
            }
            [[unroll]] for (uint j = 0; j < COLS; j++)
                sum[i * COLS + j] += four[j];
        }
    }
    store_tile(w, lanes);
}
