#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: ids that occur often (padding) must not make one long sum: every aligned block of BLOCK sorted elements that
// holds one id only is summed here, all blocks side by side.
// Block b belongs to one row of invocations (lib/span.glsl); blocks of mixed ids are left undefined.
// Numerics: fp32, in sorted order.
#extension GL_GOOGLE_include_directive : require
#include "lib/span.glsl"
#include "args/embedding.h"

layout(constant_id = 3) const uint BLOCK = 32;

READ_BUFFER(0, uvec2, sorted); // [n] (id, row of dy)
READ_BUFFER(1, float, dy);     // [n,D]
WRITE_BUFFER(2, float, run);   // [n / BLOCK, D]
PUSH(embedding_args, p);

void main()
{
    uint block = span_row(), begin = block * BLOCK, end = begin + BLOCK;
    if (end > p.count || sorted[begin].x != sorted[end - 1].x)
        return;
    SPAN_COLUMNS(c, p.width) {
        float sum = 0;
        for (uint i = begin; i < end; i++)
            sum += dy[p.dy_skip + sorted[i].y * p.width + c];
        run[block * p.width + c] = sum;
    }
}
