/* loss.h: what a loss, a local branch and an optimiser are. Each is one file, loss_<name>.c, local_<name>.c or
 * optim_<name>.c, with one descriptor and all that it points to; the build finds every
 * `const struct train_loss train_loss_<name> = {` (likewise train_local_, train_optimizer_) and makes the lists below,
 * from which the configuration's choices, their help and the tests come. Nothing else names a loss. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include "nn/nn.h"
#include "op/mining.h"
#include "train/config.h"
#include "train_local_list.h"
#include "train_loss_list.h"
#include "train_optimizer_list.h"

/* A word that a configuration key can be, and a phrase that says what it means. */
struct train_word {
    const char *name, *help;
};

/* ---- losses ---- */

enum {
    TRAIN_MATRIX_MOST = 4096, /* pairs whose scores are kept as a matrix; more are streamed */
    TRAIN_BLOCKS_FROM = 4096, /* pairs from which on several ranks, or parts of a batch, make losses in blocks */
};

/* What a loss is recorded over in a step's graph: B pairs of image i and text i. What is not there is OP_NONE. */
struct train_term {
    struct nn_scope *scope;
    const struct train_config *config; /* for keys of the loss's own */
    const struct op_mining *mining;    /* of this step */
    op_value u, v;   /* [B,E], unit rows of images and texts; not there where image regions are compared */
    op_value scores; /* [B,B] of image i and text j; not there where they are too many to keep */
    op_value text_similarity, image_similarity; /* [B,B], where there are scores and mining asks for them */
    op_value text_guide, image_guide;           /* [B,E], what mining compares where there are no scores */
    op_value same;                              /* i32 [B], equal for equal texts, where same_text asks for it */
    op_value weights;                           /* [B], where some pairs are absent */
    op_value lines, sums;                       /* [2B,8], [2B,4] or [B,4] in blocks: what those have made */
    const struct op_attr *block;                /* first, count, rows: the own pairs, of a block; NULL = no blocks */
};

struct train_recorded {
    op_value loss;      /* [1]: the mean over the pairs */
    op_value positives; /* [2]: mean numbers of image anchors among texts, of text anchors among images; or OP_NONE */
};

/* The same on the host, for data.val: `count` pairs, no mining. */
struct train_host_term {
    const struct train_config *config;
    uint32_t count;
    double (*score)(const struct train_host_term *term, uint32_t image, uint32_t text); /* exp(logit_scale) cosine */
    const double *scalars;                                                              /* of the loss, in its order */
};

struct train_loss {
    struct train_word word;          /* in loss.kind */
    const struct io_scalar *scalars; /* that it adds to the model, ended by an empty name; NULL = none */
    double logit_scale;              /* where a model from scratch begins, unless it says; 0 = as all CLIP models */
    uint32_t least_batch;            /* that it can learn from */
    void (*record)(const struct train_term *term, struct train_recorded *out); /* errors are sticky in the graph */
    /* sums [count,4] of a block of anchors by attr, OP_NONE for those of texts where images' are all; NULL = this loss
     * cannot be made in blocks. */
    op_value (*block)(const struct train_term *term, const struct op_attr *attr);
    double (*on_host)(const struct train_host_term *term); /* the sum over the pairs */
};
extern const struct train_loss *const train_losses[]; /* ended by NULL */

/* What are positives beside the pairs themselves: targets of rows and columns [B,B], or (`signs`) one matrix of +1, -1
 * and 0 in *rows; all OP_NONE where nothing is mined. */
struct train_targets {
    op_value rows, columns, positives;
};
struct train_targets train_mine(const struct train_term *term, bool signs);

/* ---- local branches ---- */

struct train_branch; /* branch.h */

struct train_local {
    struct train_word word;                          /* in loss.local.kind */
    bool patches;                                    /* compares image regions */
    bool lists;                                      /* takes all sentences of an image as one text */
    op_value (*record)(struct train_branch *branch); /* [1]; NULL = there is no local branch */
};
extern const struct train_local *const train_locals[]; /* ended by NULL */
uint32_t train_locals_none(void);                      /* the place of the one that records nothing */

/* ---- optimisers ---- */

enum { TRAIN_MOMENTS_MAX = 2 };

struct train_optimizer {
    struct train_word word; /* in optim.kind */
    uint32_t moments;       /* tensors like the parameter that it keeps */
    /* A parameter's update from its gradient -> its new value. attr: scale = the rate's factor, value = 1 where weights
     * decay. */
    op_value (*record)(struct graph *graph, const struct op_attr *attr, op_value param, const op_value *moments,
                       op_value grad, op_value hyper, op_value clipping);
    /* Of several parameters that lie in one memory, as their moments and gradients do; blocks says where
     * (op_adamw_blocks) -> that memory as it is then. */
    op_value (*record_blocks)(struct graph *graph, op_value params, const op_value *moments, op_value grads,
                              op_value blocks, op_value hyper, op_value clipping);
};
extern const struct train_optimizer *const train_optimizers[]; /* ended by NULL */

/* ---- all of them by name ---- */

#define TRAIN_DECLARE_LOSS(name) extern const struct train_loss train_loss_##name;
#define TRAIN_DECLARE_LOCAL(name) extern const struct train_local train_local_##name;
#define TRAIN_DECLARE_OPTIMIZER(name) extern const struct train_optimizer train_optimizer_##name;
TRAIN_LOSS_LIST(TRAIN_DECLARE_LOSS)
TRAIN_LOCAL_LIST(TRAIN_DECLARE_LOCAL)
TRAIN_OPTIMIZER_LIST(TRAIN_DECLARE_OPTIMIZER)

#endif
