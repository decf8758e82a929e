#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one step of gradient descent with momentum of one tensor, in place; the rates are read from the hyper buffer.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/optim.h"

layout(constant_id = 8) const uint HAS_FACTOR = 0;

UPDATE_ELEMENTS(0, param);
UPDATE_ELEMENTS(1, velocity);
READ_ELEMENTS(2, grad);
READ_BUFFER(3, float, hyper);  // [HYPER_COUNT]
READ_BUFFER(4, float, factor); // [2]: norm, factor; another tensor when there is none
PUSH(adamw_args, p);

#include "optim/sgd.glsl"
#define VALUE(v, i) STEP(v, i, i, i)
#define STORE(v, i, value) KEEP(v, i, i, value)

void main()
{
    SGD_RATES(p.lr_scale, p.decay_scale);
    if (clip == 0) // the step is left out (loss_scale)
        return;
    EACH_ELEMENT(p.count)
}
