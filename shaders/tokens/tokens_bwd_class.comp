#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dclass = dpos[0], which is the same sum.
// Invocation i owns element i of dclass [D].
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/tokens.h"

READ_BUFFER(0, float, dpos);    // [T,D]
WRITE_BUFFER(1, float, dclass); // [D]
PUSH(tokens_sum_args, p);

void main()
{
    uint i = invocation_1d();
    if (i < p.count)
        dclass[i] = dpos[i];
}
