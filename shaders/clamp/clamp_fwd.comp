#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: y = min(max(y, low), high), in place.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: exact; a NaN stays, so that it is seen.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/clamp.h"

UPDATE_ELEMENTS(0, y);
PUSH(clamp_args, p);

float clamped1(float x)
{
    return x < p.low ? p.low : x > p.high ? p.high : x;
}

vec4 clamped4(vec4 x)
{
    return vec4(clamped1(x.x), clamped1(x.y), clamped1(x.z), clamped1(x.w));
}

#define VALUE(v, i) clamped##v(y##v[i])
#define STORE(v, i, value) y##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
}
