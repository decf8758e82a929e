#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dP: what each sentence gives goes to its best patch alone.
// Invocation (image, e) owns column e (or four, quads.glsl) of all the image's patches, so it may add to them in
// memory; neighbours have neighbouring columns and go to the same patch.
// Numerics: fp32, sentences in their order.
#extension GL_GOOGLE_include_directive : require
#include "lib/cut.glsl"
#include "lib/quads.glsl"
#include "lib/round.glsl"
#include "args/filip.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, s);          // [M,K,E]
READ_BUFFER(1, float, share); // [M,K]
READ_BUFFER(2, int, arg);     // [n,M,K]
READ_BUFFER(3, float, dc);    // [n,M]
UPDATE_ELEMENTS(4, dpatch);   // [n,G,E]
PUSH(filip_args, p);

#define V 1
#include "filip/bwd.glsl"
#undef V
#define V 4
#include "filip/bwd.glsl"

void main()
{
    uint cell = invocation_1d(p.begin);
    if (cell >= p.count)
        return;
    if (QUADS != 0)
        give4(cell);
    else
        give1(cell);
}
