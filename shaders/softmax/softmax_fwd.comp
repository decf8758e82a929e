#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: exponentials of a row divided by their sum; causal rows end at their own place.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32, online: exponents relative to the maximum so far; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/pair.glsl"
#include "lib/row_max.glsl"
#include "softmax/seen.glsl"

const uint BLOCK = 8; // elements per rescaling

READ_BUFFER(0, float, x);  // [R,D]
WRITE_BUFFER(1, float, y); // [R,D]
PUSH(softmax_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes(), seen = seen_by(p, row), j = lane;

    float top = -3.4e38, value = 0, lost = 0; // the maximum so far; the sum relative to it, and what rounding took
    for (; j + (BLOCK - 1) * lanes < seen; j += BLOCK * lanes) {
        float z[BLOCK], peak = top, block = 0;
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            z[t] = x[base + j + t * lanes];
            peak = max(peak, z[t]);
        }
        [[unroll]] for (uint t = 0; t < BLOCK; t++)
            block += exp(z[t] - peak);
        float shrink = exp(top - peak);
        value *= shrink;
        lost *= shrink;
        pair_add(value, lost, block);
        top = peak;
    }
    for (; j < seen; j += lanes) {
        float z = x[base + j], peak = max(top, z);
        float shrink = exp(top - peak);
        value *= shrink;
        lost *= shrink;
        pair_add(value, lost, exp(z - peak));
        top = peak;
    }
    float peak = row_max(top);
    vec2 sum = row_sum(vec2(value, lost) * exp(top - peak));
    float scale = 1 / (sum.x + sum.y);

    for (j = lane; j < seen; j += lanes)
        y[base + j] = exp(x[base + j] - peak) * scale;
    for (; j < p.width; j += lanes)
        y[base + j] = 0;
}
