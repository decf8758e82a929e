#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the slab's scores become their gradient, with mined signs: walk.glsl.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; sigmoid from exp(-|x|).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/siglip.h"
#include "mine/mine.glsl"

UPDATE_BUFFER(0, float, a);            // [rows,N]
READ_BUFFER(1, float, scale);          // [3] exp(q), dloss / (2 sum of weights), b
READ_BUFFER(2, vec4, lines);           // [2,N,2]
READ_BUFFER(3, float, row_similarity); // [rows,N]
READ_BUFFER(4, float, col_similarity); // [rows,N]
UPDATE_BUFFER(5, vec2, part);          // [slices,N] of dq, db
PUSH(siglip_args, p);

void keep(uint at, float gradient)
{
    a[at] = gradient;
}

#include "siglip/stream.glsl"
#include "siglip/bwd.glsl"
#include "siglip/walk.glsl"
