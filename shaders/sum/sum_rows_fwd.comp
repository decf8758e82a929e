#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: column sums of blocks of rows: out[k, j] = sum of x[r, j] over the rows r of block k.
// An invocation owns one column of one block of rows; a second pass over the result adds the blocks.
// Numerics: fp32; blocks of about sqrt(R) rows keep chains of additions short.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/sum.h"

READ_BUFFER(0, float, x);    // [R,D]
WRITE_BUFFER(1, float, sum); // [blocks,D]
PUSH(sum_rows_args, p);

void main()
{
    uint j = gl_GlobalInvocationID.x, begin = gl_WorkGroupID.y * p.block;
    uint end = min(begin + p.block, p.rows);
    if (j >= p.width)
        return;
    float s = 0;
    for (uint row = begin; row < end; row++)
        s += x[row * p.width + j];
    sum[(p.first / p.block + gl_WorkGroupID.y) * p.width + j] = s;
}
