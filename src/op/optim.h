/* optim.h: inside the ops of optimisers: one step of a run of elements, which is the definition of optim.c, sgd.c and
 * optim_blocks.c, and hyper buffers for their tests. */
#ifndef OP_OPTIM_H
#define OP_OPTIM_H

#include "args/optim.h"
#include "op/op.h"

#include <math.h>
#include <string.h>

/* Elements that are trained at one rate; all but g are changed in place. m: the first moment, or the velocity. */
struct optim_run {
    float *p, *m, *v;
    const float *g;
    uint64_t count;
    double lr_scale, decay; /* factors of the hyper buffer's */
};

/* attr scale: 0 = 1 */
static inline double optim_lr_scale(const struct op_call *call)
{
    return call->attr.scale == 0 ? 1 : call->attr.scale;
}

/* All of the first two outputs, at the rates of the call's attributes. */
static inline struct optim_run optim_whole(const struct op_call *call)
{
    return (struct optim_run){.p = call->out_data[0],
                              .m = call->out_data[1],
                              .count = tensor_shape_count(&call->in[0]),
                              .lr_scale = optim_lr_scale(call),
                              .decay = call->attr.value};
}

/* The outputs of an op in place: what its inputs were. */
static inline void optim_copy(const struct op_call *call, uint32_t outputs)
{
    for (uint32_t o = 0; o < outputs; o++) {
        if (call->out_data[o] != call->in_data[o])
            memcpy(call->out_data[o], call->in_data[o], tensor_shape_bytes(&call->in[o]));
    }
}

/* The clipping factor, input `index` of a call; 0: the step is left out (loss_scale). */
static inline double optim_clip(const struct op_call *call, uint32_t index)
{
    return call->in[index].rank ? ((const float *)call->in_data[index])[1] : 1;
}

static inline void optim_adamw(const struct optim_run *r, const float *hyper, double clip)
{
    double lr = hyper[HYPER_LR] * r->lr_scale, keep = 1 - lr * hyper[HYPER_DECAY] * r->decay;
    for (uint64_t i = 0; i < r->count && clip != 0; i++) {
        double g = r->g[i] * clip;
        double m = (double)hyper[HYPER_BETA1] * r->m[i] + hyper[HYPER_ONE_MINUS_BETA1] * g;
        double v = (double)hyper[HYPER_BETA2] * r->v[i] + hyper[HYPER_ONE_MINUS_BETA2] * g * g;
        double denominator = sqrt(v) / hyper[HYPER_CORRECTION2_SQRT] + hyper[HYPER_EPS];
        r->p[i] = (float)(r->p[i] * keep - lr * (m / hyper[HYPER_CORRECTION1]) / denominator);
        r->m[i] = (float)m;
        r->v[i] = (float)v;
    }
}

/* PyTorch's formula: g += decay * p; velocity = momentum * velocity + g; p -= lr * velocity. */
static inline void optim_sgd(const struct optim_run *r, const float *hyper, double clip)
{
    double lr = hyper[HYPER_LR] * r->lr_scale, decay = (double)hyper[HYPER_DECAY] * r->decay;
    for (uint64_t i = 0; i < r->count && clip != 0; i++) {
        double velocity = (double)hyper[HYPER_MOMENTUM] * r->m[i] + (r->g[i] * clip + decay * r->p[i]);
        r->p[i] = (float)(r->p[i] - lr * velocity);
        r->m[i] = (float)velocity;
    }
}

/* Step 3 of a run of AdamW. */
static inline void optim_fill_adamw(float *hyper, double max_norm)
{
    const double beta1 = 0.9, beta2 = 0.98;
    hyper[HYPER_LR] = 5e-4f;
    hyper[HYPER_BETA1] = (float)beta1;
    hyper[HYPER_BETA2] = (float)beta2;
    hyper[HYPER_ONE_MINUS_BETA1] = (float)(1 - beta1);
    hyper[HYPER_ONE_MINUS_BETA2] = (float)(1 - beta2);
    hyper[HYPER_EPS] = 1e-6f;
    hyper[HYPER_DECAY] = 0.2f;
    hyper[HYPER_CORRECTION1] = (float)(1 - pow(beta1, 3));
    hyper[HYPER_CORRECTION2_SQRT] = (float)sqrt(1 - pow(beta2, 3));
    hyper[HYPER_MAX_NORM] = (float)max_norm;
}

/* EmoCLIP's settings */
static inline void optim_fill_sgd(float *hyper)
{
    hyper[HYPER_LR] = 1e-3f;
    hyper[HYPER_DECAY] = 5e-4f;
    hyper[HYPER_MOMENTUM] = 0.9f;
}

#endif
