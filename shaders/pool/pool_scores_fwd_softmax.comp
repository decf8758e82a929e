#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a = softmax over an image's patches of D / tau, D the dots of patches and sentences.
// Invocation i owns pair i (pair_index.glsl).
// Numerics: fp32, relative to the greatest dot; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "pool/pair_index.glsl"
#include "lib/pair.glsl"
#include "lib/round.glsl"

READ_BUFFER(0, float, dots); // [n,G,M]
WRITE_BUFFER(1, float, a);   // [n,G,M]

float value_of[ROUND];

// The dots of patches g, g + 1, ...
void load_round(uint begin, uint g)
{
    ROUND_EACH(t) value_of[t] = dots[begin + round_place(g + t, p.patches) * p.texts];
}

void main()
{
    uint pair = invocation_1d(p.begin);
    if (pair >= p.count)
        return;
    uint begin = pair_begin(pair);
    float top = dots[begin], value = 0, lost = 0;
    for (uint g = 0; g < p.patches; g += ROUND) {
        load_round(begin, g);
        ROUND_EACH(t) top = max(top, value_of[t]);
    }
    for (uint g = 0; g < p.patches; g += ROUND) {
        load_round(begin, g);
        ROUND_EACH(t)
            pair_add(value, lost, round_counts(g + t, p.patches) ? exp((value_of[t] - top) * p.sharp) : 0);
    }
    float scale = 1 / (value + lost);
    for (uint g = 0; g < p.patches; g += ROUND) {
        load_round(begin, g);
        ROUND_EACH(t) // beyond the end the last patch once more
            a[begin + round_place(g + t, p.patches) * p.texts] = exp((value_of[t] - top) * p.sharp) * scale;
    }
}
