#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: da = -dloss / K * 2 / N * ((b - mean b) - CCC (a - mean b)) / denominator, of each column.
// Each workgroup owns a run of elements of da (lib/cells.glsl).
// Numerics: fp32; differences are taken about the column's first b.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "args/regression.h"

READ_BUFFER(0, float, a);      // [N,K]
READ_BUFFER(1, float, b);      // [N,K]
READ_BUFFER(2, float, mean_b); // [K], less the column's first element
READ_BUFFER(3, float, stats);  // [K,2]: CCC, 1 / denominator
READ_BUFFER(4, float, dloss);  // [1]
WRITE_BUFFER(5, float, da);    // [N,K]
PUSH(ccc_args, p);

void main()
{
    float factor = -2 * dloss[0] / (float(p.rows) * float(p.width));
    EACH_CELL(i, row, k, p.count, 0, p.width) {
        float b0 = b[k], mean = mean_b[k];
        float g = ((b[i] - b0) - mean) - stats[k * 2] * ((a[i] - b0) - mean);
        da[i] = factor * stats[k * 2 + 1] * g;
    }
}
