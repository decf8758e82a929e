#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dw and db of a block of rows: dw[j] = sum of dy * n, db[j] = sum of dy, n = (x - mean) * rstd.
// An invocation owns one column, or four, of one block of rows; a second stage (sum_rows_fwd_merge) adds the blocks.
// Numerics: sums carried as two floats (lib/pair.glsl): a column that cancels keeps its digits.
#extension GL_GOOGLE_include_directive : require
#include "lib/pair.glsl"
#include "lib/quads.glsl"
#include "lib/round.glsl"
#include "args/layernorm.h"

#define FORMATS_ID 9
#include "lib/stored.glsl"

layout(constant_id = 8) const uint QUADS = 0;

READ_STORED(0, dy)           // [R,D]
READ_STORED(1, x)            // [R,D]
READ_BUFFER(2, float, mean); // [R]
READ_BUFFER(3, float, rstd); // [R]
WRITE_ELEMENTS(4, partial);  // [4][blocks,D]: dw, what rounding took from it, db, what rounding took from it
PUSH(layernorm_args, p);

#define V 1
#include "layernorm/bwd_w_column.glsl"
#undef V
#define V 4
#include "layernorm/bwd_w_column.glsl"

void main()
{
    if (QUADS != 0)
        column4(gl_GlobalInvocationID.x);
    else
        column1(gl_GlobalInvocationID.x);
}
