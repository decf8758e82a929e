#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one AdamW step of one tensor, in place; the rates are read from the hyper buffer.
// Each workgroup owns a run of local size * ITEMS elements; its invocations stride through it side by side.
// Numerics: fp32; bias corrections and 1 - beta come ready from the host, computed in double.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/optim.h"

layout(constant_id = 8) const uint HAS_FACTOR = 0;

UPDATE_BUFFER(0, float, param);
UPDATE_BUFFER(1, float, first_moment);
UPDATE_BUFFER(2, float, second_moment);
READ_BUFFER(3, float, grad);
READ_BUFFER(4, float, hyper);  // [HYPER_COUNT]
READ_BUFFER(5, float, factor); // [2]: norm, factor; another tensor when there is none
PUSH(adamw_args, p);

void main()
{
    float lr = hyper[HYPER_LR] * p.lr_scale;
    float keep = 1 - lr * hyper[HYPER_DECAY] * p.decay_scale;
    float step_size = lr / hyper[HYPER_CORRECTION1];
    float clip = HAS_FACTOR != 0 ? factor[1] : 1;
    EACH_ELEMENT(i, p.count) {
        float g = grad[i] * clip;
        float m = hyper[HYPER_BETA1] * first_moment[i] + hyper[HYPER_ONE_MINUS_BETA1] * g;
        float v = hyper[HYPER_BETA2] * second_moment[i] + hyper[HYPER_ONE_MINUS_BETA2] * g * g;
        float denominator = sqrt(v) / hyper[HYPER_CORRECTION2_SQRT] + hyper[HYPER_EPS];
        first_moment[i] = m;
        second_moment[i] = v;
        param[i] = param[i] * keep - step_size * m / denominator;
    }
}
