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

#define FORMATS_ID 9
#include "lib/stored.glsl"

layout(constant_id = 8) const uint ACT = 0;

READ_STORED(0, dy)
READ_STORED(1, x)
WRITE_STORED(2, dx)
PUSH(elements_args, p);

#define VALUE(v, i) dy##v(i) * activation_grad(ACT, x##v(i))
#define STORE(v, i, value) store_dx(i, value)

void main()
{
    EACH_ELEMENT(p.count)
}
