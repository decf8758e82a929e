#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: moves a block of rows and columns: a slice into its own tensor, or a tensor into its place in a concatenation.
// Each workgroup owns a run of the block's elements, or of quads where rows divide by four (lib/cells.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "lib/quads.glsl"
#include "args/block.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, x);
WRITE_ELEMENTS(1, y);
PUSH(block_args, p);

uint from(cell_place c)
{
    return p.in_skip + c.row * p.in_stride + c.col;
}

uint to(cell_place c)
{
    return p.out_skip + c.row * p.out_stride + c.col;
}

void main()
{
    if (QUADS != 0) {
        SET_CELLS(vec4, c, p.count, 0, p.width, y4[to(c)], x4[from(c)])
    } else {
        SET_CELLS(float, c, p.count, 0, p.width, y1[to(c)], x1[from(c)])
    }
}
