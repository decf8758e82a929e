#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: an image as the rows of a matrix: patch (y, x) becomes [C, P, P], so that the patch convolution is a matmul.
// Invocation i owns a run of RUN pixels of one patch row; RUN divides P: 1 puts neighbours side by side in memory, P
// spares a software driver the index arithmetic.
// Numerics: exact; pixels beyond the last whole patch are left out.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/unfold.h"

layout(constant_id = 3) const uint RUN = 1;

READ_BUFFER(0, float, image); // whole images of [B,C,R,R']
WRITE_BUFFER(1, float, y);    // [B, gh * gw, C * P * P]
PUSH(unfold_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.count)
        return;
    uint to = i * RUN, px = to % p.side;
    uint rest = to / p.side, py = rest % p.side;
    rest /= p.side;
    uint channel = rest % p.channels;
    rest /= p.channels;
    uint column = rest % p.across;
    rest /= p.across;
    uint row = rest % p.down, batch = rest / p.down;
    uint line = (batch * p.channels + channel) * p.height + row * p.side + py;
    uint from = p.in_skip + line * p.width + column * p.side + px;
    to += p.out_skip;
    for (uint k = 0; k < RUN; k++)
        y[to + k] = image[from + k];
}
