#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dw and db of a block of rows: dw[j] = sum of dy * n, db[j] = sum of dy, n = (x - mean) * rstd.
// An invocation owns one column of one block of rows; a second stage (sum_rows_fwd) adds the blocks.
// Numerics: fp32; blocks of about sqrt(R) rows keep chains of additions short.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/layernorm.h"

READ_BUFFER(0, float, dy);      // [R,D]
READ_BUFFER(1, float, x);       // [R,D]
READ_BUFFER(2, float, mean);    // [R]
READ_BUFFER(3, float, rstd);    // [R]
WRITE_BUFFER(4, float, partial); // [2][blocks,D], the second plane at p.plane
PUSH(layernorm_args, p);

void main()
{
    uint j = gl_GlobalInvocationID.x, begin = gl_WorkGroupID.y * p.block;
    uint end = min(begin + p.block, p.rows);
    if (j >= p.width)
        return;
    float dw = 0, db = 0;
    for (uint row = begin; row < end; row++) {
        float g = dy[row * p.width + j];
        dw += g * ((x[row * p.width + j] - mean[row]) * rstd[row]);
        db += g;
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * p.width + j;
    partial[at] = dw;
    partial[p.plane + at] = db;
}
