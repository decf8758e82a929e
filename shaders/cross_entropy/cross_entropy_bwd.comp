#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dz = dloss * share * (softmax(z) * weight - target).
// Each workgroup owns a run of elements of dz (lib/cells.glsl).
// Numerics: fp32; at a hard target softmax - 1 is taken from the row's loss, without cancellation.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "lib/exp.glsl"
#include "args/cross_entropy.h"

layout(constant_id = 8) const uint SOFT = 0; // targets are distributions

READ_BUFFER(0, float, z);     // [N,C]
READ_BUFFER(1, int, target);  // [N]; another tensor with SOFT
READ_BUFFER(2, float, soft);  // [N,C]; another tensor without SOFT
READ_BUFFER(3, float, stats); // [N,3]: top, rest, sum of the row's targets
READ_BUFFER(4, float, share); // [1]
READ_BUFFER(5, float, dloss); // [1]
WRITE_BUFFER(6, float, dz);   // [N,C]
PUSH(cross_entropy_bwd_args, p);

float gradient(cell_place c)
{
    float d = (stats[c.row * 3] - z[c.i]) + stats[c.row * 3 + 1];
    if (SOFT != 0)
        return exp(-d) * stats[c.row * 3 + 2] - soft[c.i];
    int t = target[c.row];
    return t < 0 ? 0 : c.col == min(uint(t), p.width - 1) ? expm1_minus(d) : exp(-d);
}

void main()
{
    float factor = dloss[0] * share[0];
    SET_CELLS(float, c, p.count, p.first, p.width, dz[c.i], factor * gradient(c))
}
