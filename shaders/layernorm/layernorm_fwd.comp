#version 450
//! tech: group sg row row_texel
//! target: vulkan1.1
// Idea: normalises rows, by quads where their width is a multiple of four.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32; mean, then both moments about that mean: a large common offset of the row costs no accuracy.
#extension GL_GOOGLE_include_directive : require
#ifdef TECH_ROW_TEXEL // by fours, through the texture cache
#define TECH_ROW
#define TECH_TEXEL
#endif
#include "lib/pair_row.glsl"
#include "args/layernorm.h"

#define FORMATS_ID 9
#include "lib/stored.glsl"

layout(constant_id = 8) const uint QUADS = 0;

READ_FOURS(0, x)              // [R,D]
READ_FOURS(1, w)              // [D]
READ_FOURS(2, b)              // [D]
WRITE_STORED(3, y)            // [R,D]
WRITE_BUFFER(4, float, mean); // [R]
WRITE_BUFFER(5, float, rstd); // [R]
PUSH(layernorm_args, p);

#ifndef TECH_TEXEL
#define V 1
#include "layernorm/fwd_row.glsl"
#undef V
#endif
#define V 4
#include "layernorm/fwd_row.glsl"

ROW_MAIN_BY_QUADS(normalise)
