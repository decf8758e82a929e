#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dA = exp(q) G, G = -sign sigmoid(-sign Z) dloss / N, and partial sums of dq and db: walk.glsl.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; sigmoid from exp(-|x|).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/siglip.h"

READ_BUFFER(0, float, a);       // [rows,N]
READ_BUFFER(1, float, scale);   // [3] exp(q), dloss / (2 sum of weights), b
READ_BUFFER(2, float, sign_of); // [rows,N]
READ_BUFFER(3, float, w);       // [N]
WRITE_BUFFER(4, float, da);     // [rows,N]
UPDATE_BUFFER(5, vec2, part);   // [slices,N] of dq, db
PUSH(siglip_args, p);

void keep(uint at, float gradient)
{
    da[at] = gradient;
}

#include "siglip/given.glsl"
#include "siglip/bwd.glsl"
#include "siglip/walk.glsl"
