#version 450
//! tech: group sg row row_texel
//! target: vulkan1.1
// Idea: the gradient of rows, by quads where their width is a multiple of four.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32; x - mean is exact or nearly so; the two sums run over the whole row.
#extension GL_GOOGLE_include_directive : require
#ifdef TECH_ROW_TEXEL // by fours, through the texture cache
#define TECH_ROW
#define TECH_TEXEL
#endif
#include "lib/row.glsl"
#include "args/layernorm.h"

#define FORMATS_ID 10
#include "lib/stored.glsl"

layout(constant_id = 8) const uint QUADS = 0;
layout(constant_id = 9) const uint HAS_RESIDUAL = 0;

READ_FOURS(0, dy)            // [R,D]
READ_FOURS(1, x)             // [R,D]
READ_FOURS(2, w)             // [D]
READ_BUFFER(3, float, mean); // [R]
READ_BUFFER(4, float, rstd); // [R]
READ_FOURS(5, residual)      // [R,D]; another tensor when there is none
WRITE_STORED(6, dx)          // [R,D]
PUSH(layernorm_args, p);

#ifndef TECH_TEXEL
#define V 1
#include "layernorm/bwd_x_row.glsl"
#undef V
#endif
#define V 4
#include "layernorm/bwd_x_row.glsl"

ROW_MAIN_BY_QUADS(differentiate)
