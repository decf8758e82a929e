// One step of position i of the parameter, j of its velocity, k of its gradient; v: 4 = quads, 1 = elements. The rates
// are those of main().
#define UPDATE(v, i, j, k)                                                                                             \
    T##v w = param##v[i];                                                                                              \
    T##v s = momentum * velocity##v[j] + (grad##v[k] * clip + decay * w);                                              \
    velocity##v[j] = s;                                                                                                \
    param##v[i] = w - lr * s

#define SGD_RATES(lr_scale, decay_scale)                                                                               \
    float lr = hyper[HYPER_LR] * (lr_scale), momentum = hyper[HYPER_MOMENTUM];                                         \
    float decay = hyper[HYPER_DECAY] * (decay_scale), clip = HAS_FACTOR != 0 ? factor[1] : 1
