#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: ids that occur often (padding) must not make one long sum: every aligned block of BLOCK sorted elements that
// holds one id only is summed here, all blocks side by side.
// Block b belongs to SPAN neighbouring invocations (lib/span.glsl); blocks of mixed ids are left undefined.
// Numerics: fp32, in sorted order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/span.glsl"
#include "args/embedding.h"
#include "embedding/sum.glsl"

READ_BUFFER(0, uvec2, sorted); // [n] (id, row of dy)
READ_BUFFER(1, float, dy);     // [n,D]
WRITE_BUFFER(2, float, run);   // [n / BLOCK, D]
PUSH(embedding_args, p);

void main()
{
    uint block = span_row(p.width), begin = block * BLOCK, end = begin + BLOCK;
    if (end > p.count || sorted[begin].x != sorted[end - 1].x)
        return;
    SUM_COLUMNS(first, p.width) {
        uvec4 c = columns(first, p.width);
        vec4 sum = vec4(0);
        SUM_SORTED(sum, begin, end, c)
        [[unroll]] for (uint t = 0; t < 4; t++) {
            if (first + t * SPAN < p.width)
                run[block * p.width + c[t]] = sum[t];
        }
    }
}
