#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: lse and loss of every row and column from the partial sums of infonce_fwd_part: lse = -ln P(own | line), the
// logarithm of the softmax denominator relative to the line's own element; loss = lse - sum of q z.
// Invocation i owns row i, or column i - N.
// Numerics: fp32; slices in order; the diagonal's own share joins last, by log1p where nothing exceeds it.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

READ_BUFFER(0, vec4, row_part); // [row_slices,N] maximum, sum, target's sum
READ_BUFFER(1, vec4, col_part); // [col_slices,N]
WRITE_BUFFER(2, float, lse);    // [2,N] of rows, of columns
WRITE_BUFFER(3, float, loss);   // [2,N]
PUSH(contrast_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= 2 * p.n)
        return;
    bool column = i >= p.n;
    uint line = column ? i - p.n : i, slices = column ? p.col_slices : p.row_slices;
    float top = 0, total = 0, aim = 0;
    for (uint k = 0; k < slices; k += ROUND) {
        vec3 part[ROUND];
        if (column) {
            ROUND_EACH(t) part[t] = col_part[round_place(k + t, slices) * p.n + line].xyz;
        } else {
            ROUND_EACH(t) part[t] = row_part[round_place(k + t, slices) * p.n + line].xyz;
        }
        ROUND_EACH(t)
        {
            vec3 of = round_counts(k + t, slices) ? part[t] : vec3(top, 0, 0);
            float peak = max(top, of.x);
            total = total * exp(top - peak) + of.y * exp(of.x - peak);
            top = peak;
            aim += of.z;
        }
    }
    float whole = top > 0 ? top + log(exp(-top) + total) : log1p_close(total);
    lse[i] = whole;
    loss[i] = whole - aim;
}
