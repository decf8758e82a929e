#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: for each sentence and image the patch with the greatest dot.
// Invocation i owns one pair (image, sentence); neighbours have neighbouring sentences.
// Numerics: exact; the first of equals counts.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/filip.h"

READ_BUFFER(0, float, dots);  // [n,G,M,K]
WRITE_BUFFER(1, float, best); // [n,M,K]
WRITE_BUFFER(2, int, arg);    // [n,M,K]
PUSH(filip_args, p);

void main()
{
    uint pair = invocation_1d(), sentences = p.texts * p.slots;
    if (pair >= p.count)
        return;
    uint begin = pair / sentences * p.patches * sentences + pair % sentences, where = 0;
    float top = dots[begin];
    for (uint g = 1; g < p.patches; g += ROUND) {
        float v[ROUND];
        ROUND_EACH(t) v[t] = dots[begin + round_place(g + t, p.patches) * sentences];
        ROUND_EACH(t) // the last patch once more is not above itself
        {
            where = v[t] > top ? g + t : where;
            top = max(top, v[t]);
        }
    }
    best[pair] = top;
    arg[pair] = int(where);
}
