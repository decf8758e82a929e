// register.glsl: the tile in registers of matmul_fwd_sg and matmul_fwd_vec. No shared memory, no barrier.
// An invocation owns ROWS rows x COLS groups of 4 columns of C; lanes of a row of the workgroup own neighbouring
// groups. Four steps of k at a time; a sum stays in its register for them. All loads are of four, whatever transposes:
// sizes along memory are multiples of 4 (fits_vec4 in src/op/matmul_plan.c). Rows, columns and steps beyond the edge
// are read at the last valid place; steps count as zero, rows and columns are not stored.
// The four products of an element are summed first, then added: the error grows with k / 4.
#ifdef TECH_TEXEL_HALF
#define TECH_TEXEL
#endif
#include "lib/common.glsl"
#include "args/matmul.h"

#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 3) const uint ROWS = 4;
layout(constant_id = 4) const uint COLS = 1;
layout(constant_id = 5) const uint FOURS = 1; // fours of steps at once
layout(constant_id = 8) const uint TRANS_A = 0; // A is stored [K,M]
layout(constant_id = 9) const uint TRANS_B = 0; // B is stored [N,K]

#define T vec4
#define WIDTH 4
WRITE_BUFFER(2, vec4, y);
#include "matmul/epilogue.glsl"
#include "matmul/operands.glsl"
PUSH(matmul_args, p);

// Only A^T B may have a k that is no multiple of 4: elsewhere k lies along memory.
const bool RAGGED_K = TRANS_A == 1 && TRANS_B == 0;

// The registers. Not locals: glslc's optimiser crashes on parameters whose array size is a specialisation constant.
vec4 sum[ROWS * COLS], b[4 * COLS * FOURS];

struct place {
    uint row, col; // first row, first column of this lane
    uint a, b, c;  // where this matrix starts
    uint k, k_end; // steps
};

void clear_sum()
{
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++)
        sum[i] = vec4(0);
}

place find_place(uint rows, uint lanes, uint lane)
{
    uint matrix = gl_WorkGroupID.z / p.splits, part = gl_WorkGroupID.z % p.splits;
    place w;
    w.row = rows;
    w.col = (gl_WorkGroupID.x * lanes * COLS + lane) * 4;
    w.a = p.a + matrix * p.a_batch;
    w.b = p.b + matrix * p.b_batch;
    w.c = p.c + matrix * p.c_batch + part * p.c_part;
    w.k = part * p.part;
    w.k_end = min(w.k + p.part, p.k);
    return w;
}

vec4 b_value(uint j, uint u)
{
    if (TRANS_B == 1)
        return vec4(b[4 * j][u], b[4 * j + 1][u], b[4 * j + 2][u], b[4 * j + 3][u]);
    return b[4 * j + u];
}

void store_tile(place w, uint lanes)
{
    [[unroll]] for (uint j = 0; j < COLS; j++) {
        uint col = w.col + 4 * lanes * j;
        vec4 add = bias_at((p.bias + min(col, p.n - 4)) / 4);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            if (w.row + i < p.m && col < p.n)
                store((w.c + (w.row + i) * p.ldc + col) / 4, sum[i * COLS + j], add);
        }
    }
}
