#version 450
//! tech: group sg row
//! target: vulkan1.1
// Idea: the gradient of rows, by quads where their width is a multiple of four.
// The row's owner is a workgroup, a subgroup or an invocation; its lanes own every lanes-th element (lib/row.glsl).
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "args/l2norm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, dy);        // [R,D]
READ_ELEMENTS(1, y);         // [R,D]
READ_BUFFER(2, float, norm); // [R]
WRITE_ELEMENTS(3, dx);       // [R,D]
PUSH(l2norm_args, p);

#define V 1
#include "l2norm/bwd_row.glsl"
#undef V
#define V 4
#include "l2norm/bwd_row.glsl"

ROW_MAIN_BY_QUADS(differentiate)
