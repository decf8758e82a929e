// One AdamW step of position i of the parameter, j of its moments, k of its gradient; v: 4 = quads, 1 = elements. The
// rates are those of main(). All is loaded before anything is stored, where compilers stop moving loads.
#define UPDATE(v, i, j, k)                                                                                             \
    T##v w = param##v[i], m = first_moment##v[j], s = second_moment##v[j], g = grad##v[k];                             \
    g = g * clip;                                                                                                      \
    m = beta1 * m + one_minus_beta1 * g;                                                                               \
    s = beta2 * s + one_minus_beta2 * g * g;                                                                           \
    first_moment##v[j] = m;                                                                                            \
    second_moment##v[j] = s;                                                                                           \
    param##v[i] = w * keep - step_size * m / (sqrt(s) / correction2 + eps)

// lr: of the tensor; decay: whether its weights decay.
#define ADAMW_RATES(lr, decay)                                                                                         \
    float keep = 1 - (lr) * hyper[HYPER_DECAY] * (decay);                                                              \
    float step_size = (lr) / hyper[HYPER_CORRECTION1], correction2 = hyper[HYPER_CORRECTION2_SQRT];                    \
    float beta1 = hyper[HYPER_BETA1], one_minus_beta1 = hyper[HYPER_ONE_MINUS_BETA1];                                  \
    float beta2 = hyper[HYPER_BETA2], one_minus_beta2 = hyper[HYPER_ONE_MINUS_BETA2];                                  \
    float eps = hyper[HYPER_EPS], clip = HAS_FACTOR != 0 ? factor[1] : 1
