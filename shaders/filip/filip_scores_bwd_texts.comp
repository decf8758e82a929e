#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: ds: a sentence gets from each image its best patch.
// Invocation (sentence, e) owns that element (or four, quads.glsl); neighbours have neighbouring e.
// Numerics: fp32; the sum over images is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "lib/cut.glsl"
#include "lib/quads.glsl"
#include "lib/round.glsl"
#include "lib/pair.glsl"
#include "args/filip.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, rows);       // [n,G,E]
READ_BUFFER(1, float, share); // [M,K]
READ_BUFFER(2, int, arg);     // [n,M,K]
READ_BUFFER(3, float, dc);    // [n,M]
UPDATE_ELEMENTS(4, ds);       // [M,K,E]
PUSH(filip_args, p);

#define V 1
#include "filip/bwd_texts.glsl"
#undef V
#define V 4
#include "filip/bwd_texts.glsl"

void main()
{
    uint cell = invocation_1d(p.begin);
    if (cell >= p.count)
        return;
    if (QUADS != 0)
        gather4(cell);
    else
        gather1(cell);
}
