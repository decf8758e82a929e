#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: divides rows by their length, by quads where their width is a multiple of four.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32; a sum of squares has no cancellation.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/l2norm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, x);          // [R,D]
WRITE_ELEMENTS(1, y);         // [R,D]
WRITE_BUFFER(2, float, norm); // [R]
PUSH(l2norm_args, p);

#define V 1
#include "l2norm/fwd_row.glsl"
#undef V
#define V 4
#include "l2norm/fwd_row.glsl"

ROW_MAIN_BY_QUADS(normalise)
