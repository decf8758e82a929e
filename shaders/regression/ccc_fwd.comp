#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the concordance of each column of predictions a and targets b: 2 cov / (var a + var b + (mean a - mean b)^2).
// A workgroup owns a column; lane l owns rows l, l + local size, ...
// Numerics: fp32; all is taken about the column's first row, then about the means: a constant column has variance 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/regression.h"

READ_BUFFER(0, float, a);       // [N,K]
READ_BUFFER(1, float, b);       // [N,K]
WRITE_BUFFER(2, float, mean_a); // [K], less the column's first element
WRITE_BUFFER(3, float, mean_b); // [K], likewise
WRITE_BUFFER(4, float, stats);  // [K,2]: CCC, 1 / denominator
PUSH(ccc_args, p);

#define A(i) (a[(i) * p.width + k] - a0)
#define B(i) (b[(i) * p.width + k] - b0)

void main()
{
    uint k = row_index();
    if (k >= p.width)
        return;
    float a0 = a[k], b0 = b[k], n = float(p.rows);
    ROW_SUM(shift, i, p.rows, A(i), B(i));
    shift /= n;
    ROW_SUM(var, i, p.rows, (A(i) - shift.x) * (A(i) - shift.x), (B(i) - shift.y) * (B(i) - shift.y));
    ROW_SUM(both, i, p.rows, (A(i) - shift.x) * (B(i) - shift.y), 0);
    float apart = (a0 - b0) + (shift.x - shift.y), den = (var.x + var.y) / n + apart * apart;
    bool counts = den >= CCC_LEAST;
    if (row_lane() == 0) {
        mean_a[k] = shift.x;
        mean_b[k] = shift.y;
        stats[k * 2] = counts ? 2 * (both.x / n) / den : 0;
        stats[k * 2 + 1] = counts ? 1 / den : 0;
    }
}
