#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one AdamW step of one tensor, in place; the rates are read from the hyper buffer.
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: fp32; bias corrections and 1 - beta come ready from the host, computed in double.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/optim.h"

layout(constant_id = 8) const uint HAS_FACTOR = 0;

UPDATE_ELEMENTS(0, param);
UPDATE_ELEMENTS(1, first_moment);
UPDATE_ELEMENTS(2, second_moment);
READ_ELEMENTS(3, grad);
READ_BUFFER(4, float, hyper);  // [HYPER_COUNT]
READ_BUFFER(5, float, factor); // [2]: norm, factor; another tensor when there is none
PUSH(adamw_args, p);

#define APPLY(v, i)                                                                                                    \
    T##v g = grad##v[i] * clip;                                                                                        \
    T##v m = beta1 * first_moment##v[i] + one_minus_beta1 * g;                                                         \
    T##v s = beta2 * second_moment##v[i] + one_minus_beta2 * g * g;                                                    \
    first_moment##v[i] = m;                                                                                            \
    second_moment##v[i] = s;                                                                                           \
    param##v[i] = param##v[i] * keep - step_size * m / (sqrt(s) / correction2 + eps)

void main()
{
    float lr = hyper[HYPER_LR] * p.lr_scale;
    float keep = 1 - lr * hyper[HYPER_DECAY] * p.decay_scale;
    float step_size = lr / hyper[HYPER_CORRECTION1], correction2 = hyper[HYPER_CORRECTION2_SQRT];
    float beta1 = hyper[HYPER_BETA1], one_minus_beta1 = hyper[HYPER_ONE_MINUS_BETA1];
    float beta2 = hyper[HYPER_BETA2], one_minus_beta2 = hyper[HYPER_ONE_MINUS_BETA2];
    float eps = hyper[HYPER_EPS], clip = HAS_FACTOR != 0 ? factor[1] : 1;
    EACH_ELEMENT(p.count)
}
