#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dw and db of a block of rows: dw[j] = sum of dy * n, db[j] = sum of dy, n = (x - mean) * rstd.
// An invocation owns one column of one block of rows; a second stage (sum_rows_fwd_merge) adds the blocks.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "args/layernorm.h"

READ_BUFFER(0, float, dy);      // [R,D]
READ_BUFFER(1, float, x);       // [R,D]
READ_BUFFER(2, float, mean);    // [R]
READ_BUFFER(3, float, rstd);    // [R]
WRITE_BUFFER(4, vec2, partial); // [2][blocks,D], the second plane at p.plane
PUSH(layernorm_args, p);

void main()
{
    uint j = gl_GlobalInvocationID.x, begin = gl_WorkGroupID.y * p.block;
    uint end = min(begin + p.block, p.rows);
    if (j >= p.width)
        return;
    vec2 dw = vec2(0), db = vec2(0);
    for (uint row = begin; row < end; row++) {
        float g = dy[row * p.width + j];
        dw = pair_add(dw, g * ((x[row * p.width + j] - mean[row]) * rstd[row]));
        db = pair_add(db, g);
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * p.width + j;
    partial[at] = dw;
    partial[p.plane + at] = db;
}
