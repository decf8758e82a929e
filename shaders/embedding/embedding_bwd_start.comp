#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: where each id's run begins in the sorted list, by bisection; absent ids get empty runs.
// Invocation i owns id i of 0..V.
// Numerics: integers.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/embedding.h"

READ_BUFFER(0, uvec2, sorted); // [n] (id, row of dy)
WRITE_BUFFER(1, uint, start);  // [V+1]
PUSH(embedding_args, p);

void main()
{
    uint id = invocation_1d();
    if (id > p.rows)
        return;
    uint low = 0, high = p.count;
    while (low < high) {
        uint middle = (low + high) / 2;
        if (sorted[middle].x < id)
            low = middle + 1;
        else
            high = middle;
    }
    start[id] = low;
}
