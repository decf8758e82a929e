#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: zeros in a block of rows and columns, beside what slice_fwd puts there.
// Each workgroup owns a run of the block's elements, or of quads where rows divide by four (lib/cells.glsl).
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/cells.glsl"
#include "lib/quads.glsl"
#include "args/block.h"

layout(constant_id = 8) const uint QUADS = 0;

WRITE_ELEMENTS(0, y);
PUSH(block_args, p);

void main()
{
    EACH_CELL(i, row, col, p.count, 0, p.width) {
        uint to = p.out_skip + row * p.out_stride + col;
        if (QUADS != 0)
            y4[to] = vec4(0);
        else
            y1[to] = 0;
    }
}
