#version 450
//! tech: storage texel texel_half
//! target: vulkan1.1
// Idea: as matmul_fwd_sg without subgroup operations: each invocation loads all that it needs of A itself, in vec4.
// Where rows and columns begin is made out before the loop: compilers leave it there, as many operations as there are
// multiply-adds in it.
// Local size x lanes share ROWS rows; local size y such strips make a workgroup.
// Numerics: fp32 fma; sums of four steps are added up, over at most matmul_args.part steps.
#extension GL_GOOGLE_include_directive : require
#include "matmul/register.glsl"

// In quads. A: of row r at step 0, or of rows 4r..4r+3 at the next step (A stored [K,M]). B: of column u of group j
// at [4j+u], or of group j at [j] at the next step (B stored [K,N]).
const uint A_PLACES = TRANS_A == 1 ? ROWS / 4 : ROWS, B_PLACES = TRANS_B == 1 ? 4 * COLS : COLS;
uint a_place[A_PLACES], b_place[B_PLACES];
vec4 a[ROWS];

void begin(place w, uint lanes)
{
    uint a_k = TRANS_A == 1 ? w.k * p.lda : w.k, b_k = TRANS_B == 1 ? w.k : w.k * p.ldb;
    [[unroll]] for (uint r = 0; r < A_PLACES; r++) {
        uint row = TRANS_A == 1 ? min(w.row + 4 * r, p.m - 4) : min(w.row + r, p.m - 1) * p.lda;
        a_place[r] = (w.a + row + a_k) / 4;
    }
    [[unroll]] for (uint j = 0; j < B_PLACES; j++) {
        uint group = TRANS_B == 1 ? j / 4 : j, col = min(w.col + 4 * lanes * group, p.n - 4);
        b_place[j] = (w.b + (TRANS_B == 1 ? (col + j % 4) * p.ldb : col) + b_k) / 4;
    }
}

// The next four steps, of which so many are there; one that is not counts as zero.
void load(uint steps)
{
    [[unroll]] for (uint u = 0; u < 4; u++) {
        [[unroll]] for (uint r = 0; r < A_PLACES && TRANS_A == 1; r++) {
            vec4 v = a_at(a_place[r]);
            a[u * A_PLACES + r] = u < steps ? v : vec4(0);
            a_place[r] += u + 1 < steps ? p.lda / 4 : 0;
        }
        [[unroll]] for (uint j = 0; j < B_PLACES && TRANS_B == 0; j++) {
            vec4 v = b_at(b_place[j]);
            b[4 * j + u] = u < steps ? v : vec4(0);
            b_place[j] += u + 1 < steps ? p.ldb / 4 : 0;
        }
    }
    [[unroll]] for (uint r = 0; r < A_PLACES; r++) {
        if (TRANS_A == 0)
            a[r] = a_at(a_place[r]++);
        else
            a_place[r] += p.lda / 4;
    }
    [[unroll]] for (uint j = 0; j < B_PLACES; j++) {
        if (TRANS_B == 1)
            b[j] = b_at(b_place[j]++);
        else
            b_place[j] += p.ldb / 4;
    }
}

void multiply()
{
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

void main()
{
    uint lanes = gl_WorkGroupSize.x, lane = gl_LocalInvocationID.x;
    place w = find_place((gl_WorkGroupID.y * gl_WorkGroupSize.y + gl_LocalInvocationID.y) * ROWS, lanes, lane);
    uint ragged = RAGGED_K ? (w.k_end - w.k) % 4 : 0;
    clear_sum();
    begin(w, lanes);
    for (uint k = w.k; k < w.k_end - ragged; k += 4) {
        load(4);
        multiply();
    }
    if (ragged > 0) {
        load(ragged);
        multiply();
    }
    store_tile(w, lanes);
}
