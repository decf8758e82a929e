// One AdamW step of position i of the parameter, j of its moments, k of its gradient; v: 4 = quads, 1 = elements. Rates
// by ADAMW_RATES first.
struct adamw1 {
    float m, s, param;
};
struct adamw4 {
    vec4 m, s, param;
};
#undef T1
#undef T4
#define T1 adamw1
#define T4 adamw4

float keep, step_size, correction2, beta1, one_minus_beta1, beta2, one_minus_beta2, eps, clip;

// lr: of the tensor; decay: whether its weights decay.
#define ADAMW_RATES(lr, decay)                                                                                         \
    keep = 1 - (lr) * hyper[HYPER_DECAY] * (decay);                                                                    \
    step_size = (lr) / hyper[HYPER_CORRECTION1];                                                                       \
    correction2 = hyper[HYPER_CORRECTION2_SQRT];                                                                       \
    beta1 = hyper[HYPER_BETA1];                                                                                        \
    one_minus_beta1 = hyper[HYPER_ONE_MINUS_BETA1];                                                                    \
    beta2 = hyper[HYPER_BETA2];                                                                                        \
    one_minus_beta2 = hyper[HYPER_ONE_MINUS_BETA2];                                                                    \
    eps = hyper[HYPER_EPS];                                                                                            \
    clip = HAS_FACTOR != 0 ? factor[1] : 1

#define ADAMW(v, T)                                                                                                    \
    adamw##v stepped##v(uint i, uint j, uint k)                                                                        \
    {                                                                                                                  \
        T g = grad##v[k] * clip;                                                                                       \
        T m = beta1 * first_moment##v[j] + one_minus_beta1 * g;                                                        \
        T s = beta2 * second_moment##v[j] + one_minus_beta2 * g * g;                                                   \
        return adamw##v(m, s, param##v[i] * keep - step_size * m / (sqrt(s) / correction2 + eps));                     \
    }
ADAMW(1, float)
ADAMW(4, vec4)

#define STEP(v, i, j, k) stepped##v(i, j, k)
#define KEEP(v, i, j, value)                                                                                           \
    first_moment##v[j] = value.m;                                                                                      \
    second_moment##v[j] = value.s;                                                                                     \
    param##v[i] = value.param
