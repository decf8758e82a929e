/* step.h: one training step as a replayable program: towers, losses, backward pass, clipping, optimiser. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "train/head.h"
#include "train/losses.h"
#include "train/moments.h"

/* What an image is in a run: a picture, or a clip's frames. */
struct train_look {
    uint32_t frames; /* T of a clip; 0 = all samples are pictures */
    bool features;   /* the image tower's raw embeddings come from outside; else its pixels do */
    bool mixed;      /* some samples are pictures nevertheless: the image tower's embedding, not the temporal one's */
};

/* What a run trains and how: all that its programs are made from. Borrowed parts must outlive the programs. */
struct train_recipe {
    const struct nn_model *model;
    const struct nn_model *initial;  /* the weights that guide mining where objective.frozen; else NULL */
    const struct train_param *rules; /* [model->count] */
    const struct train_moments *moments;
    const struct train_optimizer *optimizer;
    struct train_objective objective;
    struct train_look look;
    struct train_head head;
    uint32_t micro_batch;   /* images whose activations are alive at a time; 0 = all */
    bool recompute;         /* activations inside transformer blocks are made again for the backward pass */
    enum mien_dtype stored; /* how those are stored (nn_scope.stored) */
    uint32_t rank, ranks;   /* of `ranks` processes, each with a share of the batch; ranks 0 and 1: alone */
    const uint32_t *shares; /* [ranks] images of each; NULL = equal ones */
    uint32_t blocks_from;   /* so many pairs make losses in blocks, one a part; 0 = TRAIN_BLOCKS_FROM */
};

/* What a step's program is compiled for. */
struct train_step_shape {
    uint32_t batch;  /* B images */
    uint32_t length; /* L of the texts */
    bool mining;     /* it has begun */
    bool grads;      /* the gradients are wanted by the host */
};

/* Images [first, first + b) of a batch and their texts: a micro-batch, or all. K = train_levels. */
struct train_part {
    uint32_t first, count; /* b */
    op_value pixels;       /* f32 [b,3,R,R], of clips [b*T,3,R,R]; or OP_NONE */
    op_value frames;       /* where there are features: f32 [b,T,E], of pictures [b,E]; or OP_NONE */
    op_value kinds;        /* i32 [b] 1 = a picture, where clips and pictures are mixed; or OP_NONE */
    op_value ids, eot;     /* i32 [K*b,L], all of level 0, then of level 1, ...; i32 [K*b] */
};

/* A batch's places in a program. */
struct train_inputs {
    uint32_t parts;
    struct train_part *part;
    op_value weights[TRAIN_LEVELS_MAX]; /* f32 [B] where the level misses rows, else OP_NONE */
    op_value same[TRAIN_LEVELS_MAX];    /* i32 [B] where equal texts matter, else OP_NONE */
    struct train_head_in head;
};

/* Images [first, first + count) of a batch. */
struct train_range {
    uint32_t first, count;
};
/* Those of a rank. */
struct train_range train_share_of(const struct train_recipe *recipe, uint32_t batch, uint32_t rank);

/* A value of a share, which becomes that of the batch. */
struct train_gather {
    uint32_t round;     /* behind which stage */
    size_t bytes, unit; /* of own; of an image's part of it */
    op_value own;       /* output [b,...] */
    op_value all;       /* input [B,...] */
};

/* Gradients that ranks add up at once. */
struct train_bucket {
    op_value grads; /* goes through the host */
    uint64_t count; /* values */
};

/* Values of a bucket that every rank has whole: nothing is added to them. */
struct train_kept {
    uint32_t bucket;
    uint64_t first, count;
};

/* Features, and in blocks of losses lines and sums of both sides. */
enum { TRAIN_ROUNDS_MAX = 3, TRAIN_GATHER_MAX = 3 + TRAIN_LEVELS_MAX + 1 + TRAIN_LEVELS_MAX + 4 * TRAIN_LEVELS_MAX };

/* What ranks exchange in a step: features of their shares, which the losses see all of, in blocks what these make of
 * their pairs, then gradients. */
struct train_exchange {
    struct train_gather gather[TRAIN_GATHER_MAX];
    struct train_bucket *bucket;        /* [stack_count] at most */
    struct train_kept *kept;            /* [count] at most */
    uint32_t batch;                     /* B */
    uint32_t gathers, features, rounds; /* features: the gathers of round 0 */
    uint32_t buckets, kepts;
    bool *whole; /* [stack_count]: the gradient comes from the losses alone, and every rank has it */
};

/* Outputs are of before the update. */
struct train_step {
    struct train_step_shape shape;
    struct graph_program *program;
    struct train_inputs in;
    op_value hyper; /* f32 [16], args/optim.h */
    struct train_losses losses;
    op_value clipping;    /* [2] = gradient norm and factor; 0: the step is left out */
    op_value scaler;      /* [8], args/optim.h: as the step has left it; OP_NONE where the loss is not scaled */
    op_value norms;       /* [T,64]: partial sums of squares of the T gradients that there are (train_trained_list) */
    op_value logit_scale; /* [1] */
    uint32_t next_slot;
    struct train_exchange exchange; /* of several ranks */
    op_value *grads; /* [model->stack_count], before clipping and of the scaled loss: OP_NONE where there is none;
                        outputs where shape.grads asks. Lies behind the struct, as in.part does: one piece of memory */
};

/* slabs and label of params are used. Free with train_step_destroy. */
enum mien_status train_step_compile(const struct train_recipe *recipe, const struct train_step_shape *shape,
                                    const struct graph_compile_params *params, struct train_step **out);
void train_step_destroy(struct train_step **step); /* with its program */

/* Whether the losses of a batch are made in blocks, and in which (losses.h); out->gather is left open. */
bool train_split_of(const struct train_recipe *recipe, uint32_t batch, struct train_split *out);
/* How many parts a batch has, of several ranks this one's share. */
uint32_t train_parts(const struct train_recipe *recipe, uint32_t batch);
/* The inputs of a batch; out->part [train_parts] is there. */
void train_inputs_record(const struct train_recipe *recipe, struct graph *graph, const struct train_step_shape *shape,
                         struct train_inputs *out);
/* Features of a batch by the trained weights, part by part; a part's activations do not outlive it where there are
 * several. */
void train_features_record(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_inputs *in,
                           struct train_features *out);
/* Guide features by the weights that the run began with. */
void train_guides_record(const struct train_recipe *recipe, struct nn_scope *initial, const struct train_inputs *in,
                         struct train_features *out);

/* The settings of a step as the hyper buffer holds them; step counts from 1. */
struct train_hyper {
    double lr, betas[2], eps, weight_decay, momentum, clip_norm;
};
void train_hyper_fill(const struct train_hyper *hyper, uint64_t step, float *out);

/* ---- inside train ---- */

/* Of several ranks: makes the features of this one's share those of all, which the host gathers between two stages. */
void train_gather_record(const struct train_recipe *recipe, struct graph *graph, struct train_features *features,
                         struct train_exchange *out);
/* The same of values that blocks of the losses make: the host gathers them behind a stage of their own. */
void train_gather_values(const struct train_recipe *recipe, struct graph *graph, op_value *values, uint32_t count,
                         struct train_exchange *out);
/* graph_backward (scale OP_NONE) or graph_backward_from of such losses: through the losses over all features, then from
 * this rank's features on. found [count]; exchange->whole by place in `of`. */
void train_share_backward(const struct train_recipe *recipe, struct graph *graph, struct train_exchange *exchange,
                          op_value loss, op_value scale, const op_value *of, uint32_t count, op_value *found);

/* Clipping and updates with the step's gradients; sets clipping, norms and scaler. `scaler`: as the step finds it. */
enum mien_status train_updates_record(const struct train_recipe *recipe, struct nn_scope *scope, op_value scaler,
                                      struct train_step *step);
/* The parameter [1] as it is now, even when it is updated later in the graph. */
op_value train_logit_scale(struct nn_scope *scope);

#endif
