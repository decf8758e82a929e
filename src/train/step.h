/* step.h: one training step as a replayable program: towers, loss, backward pass, clipping, AdamW. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "nn/nn.h"

/* The two moments of every parameter, named tensors like the parameters themselves: what a checkpoint keeps. */
struct train_moments {
    struct vk_device *device;
    uint32_t count; /* of the model's parameters */
    struct tensor *first, *second;
};

/* Zeros. */
enum mien_status train_moments_create(const struct nn_model *model, struct train_moments *out);
void train_moments_destroy(struct train_moments *moments);

/* Whether weight decay applies to a parameter: not to vectors and scalars, nor to position and class embeddings. */
bool train_decays(const struct nn_param *param);

/* What a step's program is compiled for. */
struct train_step_shape {
    uint32_t batch;  /* B images */
    uint32_t levels; /* K texts of each image: 1, or 2 (global and summary) */
    uint32_t length; /* L of the texts */
    bool grads;      /* the gradients are wanted by the host */
};

/* Inputs: pixels f32 [B,3,R,R]; ids i32 [K*B,L], all of level 0, then of level 1; eot i32 [K*B]; hyper f32 [16]
 * (args/optim.h). Outputs, each of before the update: loss [1]; clipping [2] = gradient norm and factor;
 * logit_scale [1]. */
struct train_step {
    struct train_step_shape shape;
    struct graph_program *program;
    op_value pixels, ids, eot, hyper, loss, clipping, logit_scale;
    op_value
        *grads;    /* of the model's parameters, before clipping: outputs, where shape.grads asks for them; else NULL */
    uint64_t used; /* for the cache: the step number that used it last */
    uint32_t next_slot;
};

enum mien_status train_step_compile(const struct nn_model *model, const struct train_moments *moments,
                                    const struct train_step_shape *shape, struct train_step *out);
void train_step_destroy(struct train_step *step);

/* The settings of a step as the hyper buffer holds them; step counts from 1. */
struct train_hyper {
    double lr, betas[2], eps, weight_decay, clip_norm;
};
void train_hyper_fill(const struct train_hyper *hyper, uint64_t step, float *out);

#endif
