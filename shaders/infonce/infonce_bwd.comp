#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dA = exp(q) G, G = (row softmax + column softmax - 2 I) dloss / 2N, and partial sums of dq = sum of G Z.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; scores relative to the diagonal: rows of G sum to 0, so nothing cancels; 1 - P by expm1.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/infonce.h"
#include "infonce/math.glsl"

READ_BUFFER(0, float, a);       // [N,N]
READ_BUFFER(1, float, q);       // [1]
READ_BUFFER(2, float, row_nll); // [N]
READ_BUFFER(3, float, col_nll); // [N]
READ_BUFFER(4, float, dloss);   // [1]
WRITE_BUFFER(5, float, da);     // [N,N]
WRITE_BUFFER(6, float, part);   // [slices,N] of dq
PUSH(infonce_args, p);

void main()
{
    uint i = invocation_1d();
    uint column = i % p.n, begin = i / p.n * p.slice_rows, end = min(begin + p.slice_rows, p.n);
    if (begin >= p.n)
        return;
    float s = exp_close(q[0]), scale = dloss[0] / (2.0 * float(p.n));
    float own = a[column * p.n + column], nll = col_nll[column], sum = 0;
    for (uint row = begin; row < end; row++) {
        float score = a[row * p.n + column];
        float of_row = s * (score - a[row * p.n + row]), of_column = s * (score - own);
        float g;
        if (row == column) {
            g = expm1_minus(row_nll[row]) + expm1_minus(nll);
        } else {
            float pr = exp(of_row - row_nll[row]), pc = exp(of_column - nll);
            g = pr + pc;
            sum += pr * of_row + pc * of_column;
        }
        da[row * p.n + column] = s * scale * g;
    }
    part[i] = scale * sum;
}
