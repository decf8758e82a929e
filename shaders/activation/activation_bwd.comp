#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx = dy * act'(x); which one is a specialisation constant.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: fp32; see lib/activation.glsl and lib/erf.glsl.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"
#include "lib/activation.glsl"

layout(constant_id = 8) const uint ACT = 0;

READ_ELEMENTS(0, dy);
READ_ELEMENTS(1, x);
WRITE_ELEMENTS(2, dx);
PUSH(elements_args, p);

#define VALUE(v, i) dy##v[i] * activation_grad(ACT, x##v[i])
#define STORE(v, i, value) dx##v[i] = value

void main()
{
    EACH_ELEMENT(p.count)
}
