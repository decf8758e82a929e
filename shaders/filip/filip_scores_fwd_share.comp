#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: what share a sentence has in its list's score: its weight over the sum of the list's, 0 when that is 0.
// Invocation i owns list i.
// Numerics: fp32; weights below 0 count as 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/filip.h"

layout(constant_id = 8) const uint WEIGHTS = 0; // w exists; else all weigh 1

READ_BUFFER(0, float, w);      // [M,K]
WRITE_BUFFER(1, float, share); // [M,K]
PUSH(filip_args, p);

float weight(uint i)
{
    return WEIGHTS != 0 ? max(w[i], 0) : 1;
}

void main()
{
    uint list = invocation_1d();
    if (list >= p.count)
        return;
    uint begin = list * p.slots, end = begin + p.slots;
    float sum = 0;
    for (uint i = begin; i < end; i += ROUND) {
        float own[ROUND];
        ROUND_EACH(t) own[t] = weight(round_place(i + t, end));
        ROUND_EACH(t) sum += round_counts(i + t, end) ? own[t] : 0;
    }
    for (uint i = begin; i < end; i += ROUND) {
        float own[ROUND];
        ROUND_EACH(t) own[t] = weight(round_place(i + t, end));
        ROUND_EACH(t) share[round_place(i + t, end)] = sum > 0 ? own[t] / sum : 0;
    }
}
