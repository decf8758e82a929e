/* head.h: a head under training: its targets, and its loss. */
#ifndef TRAIN_HEAD_H
#define TRAIN_HEAD_H

#include "nn/nn.h"
#include "train/config.h"

/* Fixed for a run. */
struct train_head {
    enum io_head_kind kind; /* IO_HEAD_NONE: there is none */
    uint32_t targets, loss; /* enum train_head_loss */
    float weight;           /* beside the contrastive loss; 0: the head alone */
    bool missing;           /* some rows lack targets */
};

/* A batch's places in a program; OP_NONE where there is nothing to say. */
struct train_head_in {
    op_value values;  /* f32 [B,n], standardised; 0 where there is none */
    op_value classes; /* i32 [B]; -1 where there is none */
    op_value mask;    /* f32 [B,n]: 1, or 0 where there is no value */
    op_value scale;   /* f32 [1]: elements over those that there are; of rmse its square root */
};

void train_head_inputs(const struct train_head *head, struct graph *graph, uint32_t batch, struct train_head_in *out);
/* The loss [1] of raw embeddings [B,E]. Errors are sticky in the graph. */
op_value train_head_record(struct nn_scope *scope, const struct train_head *head, const struct train_head_in *in,
                           op_value raw);

struct trainer;

/* What the rows are to say: recipe.head, head_config and head_truth; with the head alone rows that lack a target leave
 * the run, which is said. */
enum mien_status train_head_survey(struct trainer *t);
struct train_step;
struct data_batch;
void train_head_fill(struct trainer *t, const struct train_step *p, uint32_t slot, const struct data_batch *batch);

/* How good the head is on rows: the mean over its targets of the CCC, or the UAR of its classes; NaN where no row says.
 * raw [count,E], rows [count] of manifest; those count that are ok. */
struct mien_model;
struct data_manifest;
enum mien_status train_head_score(const struct mien_model *model, const struct data_manifest *manifest,
                                  const uint32_t *rows, size_t count, const float *raw, const bool *ok, double *out);

#endif
