/* step.h: one training step as a replayable program: towers, losses, backward pass, clipping, optimiser. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "train/losses.h"
#include "train/moments.h"

/* What a run trains and how: all that its programs are made from. Borrowed parts must outlive the programs. */
struct train_recipe {
    const struct nn_model *model;
    const struct nn_model *initial;  /* the weights that guide mining where objective.frozen; else NULL */
    const struct train_param *rules; /* [model->count] */
    const struct train_moments *moments;
    enum train_optimizer optimizer;
    struct train_objective objective;
};

/* What a step's program is compiled for. */
struct train_step_shape {
    uint32_t batch;  /* B images */
    uint32_t length; /* L of the texts */
    bool mining;     /* it has begun */
    bool grads;      /* the gradients are wanted by the host */
};

/* A batch's places in a program. K = train_levels. */
struct train_inputs {
    op_value pixels;                    /* f32 [B,3,R,R] */
    op_value ids, eot;                  /* i32 [K*B,L], all of level 0, then of level 1, ...; i32 [K*B] */
    op_value weights[TRAIN_LEVELS_MAX]; /* f32 [B] where the level misses rows, else OP_NONE */
    op_value same[TRAIN_LEVELS_MAX];    /* i32 [B] where equal texts matter, else OP_NONE */
};

/* Outputs are of before the update. */
struct train_step {
    struct train_step_shape shape;
    struct graph_program *program;
    struct train_inputs in;
    op_value hyper; /* f32 [16], args/optim.h */
    struct train_losses losses;
    op_value clipping;    /* [2] = gradient norm and factor */
    op_value norms;       /* [T,64]: partial sums of squares of the T gradients that there are */
    op_value logit_scale; /* [1] */
    uint32_t next_slot;
    op_value grads[]; /* [model->count], before clipping: OP_NONE where there is none; outputs where shape.grads asks */
};

/* slabs and label of params are used. Free with train_step_destroy. */
enum mien_status train_step_compile(const struct train_recipe *recipe, const struct train_step_shape *shape,
                                    const struct graph_compile_params *params, struct train_step **out);
void train_step_destroy(struct train_step **step); /* with its program */

/* The settings of a step as the hyper buffer holds them; step counts from 1. */
struct train_hyper {
    double lr, betas[2], eps, weight_decay, momentum, clip_norm;
};
void train_hyper_fill(const struct train_hyper *hyper, uint64_t step, float *out);

/* ---- parts, for programs of other forms ---- */

/* The inputs of `batch` images and their texts. */
void train_inputs_record(const struct train_recipe *recipe, struct graph *graph, uint32_t batch, uint32_t length,
                         struct train_inputs *out);
/* The towers of the trained weights (recipe->model). */
void train_features_record(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_inputs *in,
                           struct train_features *out);
/* Clipping and updates with the gradients [model->count]; *norms as above. */
enum mien_status train_updates_record(const struct train_recipe *recipe, struct nn_scope *scope, const op_value *grads,
                                      op_value hyper, op_value *clipping, op_value *norms);
/* The parameter [1] as it is now, even when it is updated later in the graph. */
op_value train_logit_scale(struct nn_scope *scope);

#endif
