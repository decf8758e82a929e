#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: siglip_fwd_part over a slab of scores, with mined signs: walk.glsl.
// Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
// Numerics: fp32; softplus as max(x, 0) + log1p(exp(-|x|)).
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/siglip.h"
#include "mine/mine.glsl"

READ_BUFFER(0, float, a);              // [rows,N]
READ_BUFFER(1, float, scale);          // [3] exp(q), 1 / (2 sum of weights), b
READ_BUFFER(2, vec4, lines);           // [2,N,2]
READ_BUFFER(3, float, row_similarity); // [rows,N]
READ_BUFFER(4, float, col_similarity); // [rows,N]
UPDATE_BUFFER(5, vec2, part);          // [slices,N] of the loss
PUSH(siglip_args, p);

#include "infonce/math.glsl"
#include "siglip/stream.glsl"
#include "siglip/fwd.glsl"
#include "siglip/walk.glsl"
