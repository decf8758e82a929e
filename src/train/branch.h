/* branch.h: between losses.c and the local branches: an objective being recorded. */
#ifndef TRAIN_BRANCH_H
#define TRAIN_BRANCH_H

#include "train/losses.h"

/* Texts of one level, one for each image. */
struct train_level {
    op_value v, guide;      /* [B,E]; what mining compares them by */
    op_value same, weights; /* may be OP_NONE */
    op_value lines, sums;   /* of blocks */
    bool local;
};

struct train_branch {
    struct nn_scope *scope;
    struct graph *graph;
    const struct train_objective *objective;
    const struct train_features *features;
    struct op_mining mining;   /* of this step: without mining while it warms up */
    uint32_t pairs;            /* B */
    op_value image_similarity; /* [B,B] */
    op_value positives;        /* sum over the levels so far */
    const struct train_split *split;
    op_value lines[TRAIN_LEVELS_MAX], sums[TRAIN_LEVELS_MAX]; /* of blocks, by level */
};

/* Whether mining compares by this guide in this step. */
bool train_guided(const struct train_branch *b, enum op_mining_guide guide);

/* Texts of level k. */
struct train_level train_level_of(const struct train_branch *b, uint32_t k);
/* What a loss is recorded over, but scores. */
struct train_term train_term_of(const struct train_branch *b, const struct train_level *level);
/* Makes what blocks give to all, of all levels (blocks.c). */
void train_blocks_record(struct train_branch *b);

/* A level's loss [1] from scores [B,B] of image regions and texts. */
op_value train_regions_loss(struct train_branch *b, const struct train_level *level, op_value scores);
/* The same of images as a whole; more than TRAIN_MATRIX_MOST pairs are streamed. */
op_value train_whole_loss(struct train_branch *b, const struct train_level *level);
/* The mean loss [1] of levels [first, first + count). */
op_value train_mean_loss(struct train_branch *b, uint32_t first, uint32_t count,
                         op_value (*loss)(struct train_branch *, const struct train_level *));

#endif
