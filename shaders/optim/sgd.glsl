// One step of position i of the parameter, j of its velocity, k of its gradient; v: 4 = quads, 1 = elements. Rates by
// SGD_RATES first.
struct sgd1 {
    float velocity, param;
};
struct sgd4 {
    vec4 velocity, param;
};
#undef T1
#undef T4
#define T1 sgd1
#define T4 sgd4

float lr, momentum, decay, clip;

#define SGD_RATES(lr_scale, decay_scale)                                                                               \
    lr = hyper[HYPER_LR] * (lr_scale);                                                                                 \
    momentum = hyper[HYPER_MOMENTUM];                                                                                  \
    decay = hyper[HYPER_DECAY] * (decay_scale);                                                                        \
    clip = HAS_FACTOR != 0 ? factor[1] : 1

#define SGD(v, T)                                                                                                      \
    sgd##v stepped##v(uint i, uint j, uint k)                                                                          \
    {                                                                                                                  \
        T w = param##v[i];                                                                                             \
        T s = momentum * velocity##v[j] + (grad##v[k] * clip + decay * w);                                             \
        return sgd##v(s, w - lr * s);                                                                                  \
    }
SGD(1, float)
SGD(4, vec4)

#define STEP(v, i, j, k) stepped##v(i, j, k)
#define KEEP(v, i, j, value)                                                                                           \
    velocity##v[j] = value.velocity;                                                                                   \
    param##v[i] = value.param
