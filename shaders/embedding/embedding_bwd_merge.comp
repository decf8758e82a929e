#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a further step of the sort, which makes one chunk of EMBEDDING_FAN: an element's place there is its place in
// its chunk plus, for each of the others, how many stand before it there, found by bisection.
// Invocation i owns element i of the sorted chunks.
// Numerics: integers; equal ids of earlier chunks come first, of later chunks after.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/embedding.h"

READ_BUFFER(0, uvec2, part);    // [n] (id, place in ids), each chunk sorted
WRITE_BUFFER(1, uvec2, sorted); // [n] sorted
PUSH(embedding_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.count)
        return;
    uvec2 mine = part[i];
    uint home = i / p.chunk * p.chunk, first = i / (p.chunk * EMBEDDING_FAN) * (p.chunk * EMBEDDING_FAN);
    uint end = min(first + p.chunk * EMBEDDING_FAN, p.count), place = first + i - home;
    for (uint begin = first; begin < end; begin += p.chunk) {
        if (begin == home)
            continue;
        uint bound = mine.x + uint(begin < home); // ids below it stand before
        uint low = begin, high = min(begin + p.chunk, end);
        while (low < high) {
            uint middle = (low + high) / 2;
            if (part[middle].x < bound)
                low = middle + 1;
            else
                high = middle;
        }
        place += low - begin;
    }
    sorted[place] = mine;
}
