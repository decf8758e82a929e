#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: loss = 1 - the mean of the columns' CCC, as the mean of 1 - CCC.
// One workgroup owns all; lane l owns columns l, l + local size, ...
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/regression.h"

READ_BUFFER(0, float, stats); // [K,2]: CCC, 1 / denominator
WRITE_BUFFER(1, float, loss); // [1]
PUSH(ccc_args, p);

void main()
{
    ROW_SUM(sum, k, p.width, 1 - stats[k * 2], 0);
    if (row_lane() == 0)
        loss[0] = sum.x / float(p.width);
}
