#version 450
//! tech: storage texel texel_half
//! target: vulkan1.1
// Idea: one subgroup = one workgroup owns ROWS rows; each lane loads a share of A for four steps, and constant-lane
// shuffles hand it to all, so that a lane loads ROWS / lanes + 4 COLS vec4 for 16 ROWS COLS multiply-adds.
// Numerics: fp32 fma; sums of four steps are added up, over at most matmul_args.part steps.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "matmul/register.glsl"

// Local size x = subgroup size, which divides ROWS.
const uint LANES = gl_WorkGroupSize.x;
const uint SHARE = ROWS / LANES;

// Row r of the tile, steps k..k+3 (A stored [M,K])
vec4 load_a_row(place w, uint r, uint k)
{
    return a_at((w.a + min(w.row + r, p.m - 1) * p.lda + k) / 4);
}

// Rows 4r..4r+3 of the tile, step k (A stored [K,M]); zero from k_end on
vec4 load_a_col(place w, uint r, uint k)
{
    vec4 v = a_at((w.a + min(k, w.k_end - 1) * p.lda + min(w.row + 4 * r, p.m - 4)) / 4);
    return RAGGED_K && k >= w.k_end ? vec4(0) : v;
}

// Element 4j+u: for B stored [K,N] columns c..c+3 of group j at step k+u; for [N,K] column c+u at steps k..k+3
void load_b(place w, uint lanes, uint k)
{
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        uint col = min(w.col + 4 * lanes * j, p.n - 4);
        [[unroll]] for (uint u = 0; u < 4; u++) {
            if (TRANS_B == 1) {
                b[4 * j + u] = b_at((w.b + (col + u) * p.ldb + k) / 4);
            } else {
                vec4 v = b_at((w.b + min(k + u, w.k_end - 1) * p.ldb + col) / 4);
                b[4 * j + u] = RAGGED_K && k + u >= w.k_end ? vec4(0) : v;
            }
        }
    }
}

// Item f = s LANES + lane of A: row f at steps k..k+3 (A stored [M,K]), or rows 4 (f mod ROWS/4) + 0..3 at step
// k + f div ROWS/4 (A stored [K,M]).
vec4 load_a(place w, uint f, uint k)
{
    if (TRANS_A == 1)
        return load_a_col(w, f % (ROWS / 4), k + f / (ROWS / 4));
    return load_a_row(w, f, k);
}

void main()
{
    uint lane = gl_SubgroupInvocationID;
    place w = find_place(gl_WorkGroupID.y * ROWS, LANES, lane);
    clear_sum();
    for (uint k = w.k; k < w.k_end; k += 4) {
        vec4 a[SHARE];
        [[unroll]] for (uint s = 0; s < SHARE; s++)
            a[s] = load_a(w, s * LANES + lane, k);
        load_b(w, LANES, k);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 four[COLS];
            [[unroll]] for (uint u = 0; u < 4; u++) {
                uint f = TRANS_A == 1 ? u * (ROWS / 4) + i / 4 : i;
                vec4 v = vec4(subgroupShuffle(a[f / LANES][TRANS_A == 1 ? i % 4 : u], f % LANES));
                [[unroll]] for (uint j = 0; j < COLS; j++)
                    four[j] = u == 0 ? v * b_value(j, u) : fma(v, b_value(j, u), four[j]);
            }
            [[unroll]] for (uint j = 0; j < COLS; j++)
                sum[i * COLS + j] += four[j];
        }
    }
    store_tile(w, LANES);
}
