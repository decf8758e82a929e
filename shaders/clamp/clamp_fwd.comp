#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = min(max(y, low), high), in place.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: exact; a NaN stays, so that it is seen.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/clamp.h"

UPDATE_BUFFER(0, float, y);
PUSH(clamp_args, p);

void main()
{
    EACH_ELEMENT(i, p.count) {
        float x = y[i];
        if (x < p.low)
            y[i] = p.low;
        else if (x > p.high)
            y[i] = p.high;
    }
}
