#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: infonce_fwd_join for lines with targets: lse as there, and each line's loss lse - sum of q z.
// Invocation i owns row i, or column i - N.
// Numerics: fp32; slices in order; the diagonal's own share joins last, by log1p where nothing exceeds it.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"
#include "infonce/join.glsl"

READ_BUFFER(0, vec4, row_part);  // [row_slices,N]
READ_BUFFER(1, vec4, col_part);  // [col_slices,N]
WRITE_BUFFER(2, float, row_lse); // [N]
WRITE_BUFFER(3, float, col_lse); // [N]
WRITE_BUFFER(4, float, loss);    // [2,N] of rows, of columns
PUSH(infonce_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= 2 * p.n)
        return;
    bool column = i >= p.n;
    uint line = column ? i - p.n : i, slices = column ? p.col_slices : p.row_slices;
    line_sums sums = line_sums(0, 0, 0);
    for (uint k = 0; k < slices; k++)
        add_part(sums, column ? col_part[k * p.n + line].xyz : row_part[k * p.n + line].xyz);
    float lse = line_lse(sums);
    if (column)
        col_lse[line] = lse;
    else
        row_lse[line] = lse;
    loss[i] = lse - sums.aim;
}
