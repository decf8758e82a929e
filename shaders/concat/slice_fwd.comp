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

void main()
{
    EACH_CELL(i, row, col, p.count, 0, p.width) {
        uint from = p.in_skip + row * p.in_stride + col, to = p.out_skip + row * p.out_stride + col;
        if (QUADS != 0)
            y4[to] = x4[from];
        else
            y1[to] = x1[from];
    }
}
