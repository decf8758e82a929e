#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the gradient of soft targets: -ln softmax(z), times dloss and the row's share.
// Each workgroup owns a run of elements of dq (lib/cells.glsl).
// Numerics: fp32; two terms that are not negative.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "args/cross_entropy.h"

READ_BUFFER(0, float, z);     // [N,C]
READ_BUFFER(1, float, stats); // [N,3]: top, rest, sum of the row's targets
READ_BUFFER(2, float, share); // [1]
READ_BUFFER(3, float, dloss); // [1]
WRITE_BUFFER(4, float, dq);   // [N,C]
PUSH(cross_entropy_bwd_args, p);

void main()
{
    float factor = dloss[0] * share[0];
    SET_CELLS(float, c, p.count, p.first, p.width, dq[c.i],
              factor * ((stats[c.row * 3] - z[c.i]) + stats[c.row * 3 + 1]))
}
