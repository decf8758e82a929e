#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: dx = dy * act'(x); which one is a specialisation constant.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: fp32; see lib/activation.glsl and lib/erf.glsl.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

#include "lib/activation.glsl"

layout(constant_id = 8) const uint ACT = 0;

READ_BUFFER(0, float, dy);
READ_BUFFER(1, float, x);
WRITE_BUFFER(2, float, dx);
PUSH(elements_args, p);

void main()
{
    EACH_ELEMENT(i, p.count)
        dx[i] = dy[i] * activation_grad(ACT, x[i]);
}
