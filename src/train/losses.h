/* losses.h: the training objective as a graph over features of a batch. */
#ifndef TRAIN_LOSSES_H
#define TRAIN_LOSSES_H

#include "train/loss.h"

enum {
    TRAIN_LEVELS_MAX = 2 + 4, /* global and summary, and local sentences */
    TRAIN_BINS = 40,          /* of similarities, from -1 to 1 */
};

/* What is minimised: fixed for a run. Levels are the texts of an image: first the whole-face ones (global branch),
 * then the slots of local sentences (local branch). */
struct train_objective {
    const struct train_loss *loss;
    const struct train_config *config; /* for keys of the loss's own */
    uint32_t global_levels, slots;
    const struct train_local *local; /* may be NULL where there are no slots */
    float local_weight, local_tau;
    struct op_mining mining;
    bool frozen;      /* mining measures similarity with the initial weights */
    uint32_t missing; /* bit k: some rows lack level k, so its pairs need weights */
};

/* Features of a batch of B images and their texts; rows of unit length. */
struct train_features {
    op_value u;                   /* [B,E] */
    op_value raw;                 /* [B,E] before they had unit length */
    op_value v[TRAIN_LEVELS_MAX]; /* [B,E] */
    op_value patches;             /* [B,G,E], where the local branch pools */
    op_value guide_u;             /* [B,E] of the initial weights, where mining asks for them */
    op_value guide_v[TRAIN_LEVELS_MAX];
    op_value weights[TRAIN_LEVELS_MAX]; /* [B], where the level has missing rows */
    op_value same[TRAIN_LEVELS_MAX];    /* i32 [B], equal for equal texts, where same_text asks for it */
};

/* How a loss over all pairs is shared: in blocks of `part` pairs, of which pairs [first, first + count) are this
 * process's own. Each block makes its rows of the scores and its columns; gradients of features of the own pairs alone
 * are whole, those of others are zeros. */
struct train_split {
    uint32_t first, count, part;
    /* Of several processes: values of the own pairs, each [count,D], become those of all [N,D]. NULL = one process. */
    void (*gather)(void *user, op_value *values, uint32_t count);
    void *user;
};
/* Whether losses of this objective can be made in such blocks, over features [B,E]: no image regions; a loss that can;
 * parts that begin at multiples of 256 bytes. */
bool train_can_split(const struct train_objective *objective, uint32_t part, uint32_t embed);

/* Each [1], global OP_NONE where there are no texts, but positives [2] (of image anchors among texts, of text anchors
 * among images; mean over the global levels; OP_NONE without mining). */
struct train_losses {
    op_value total, global, local; /* local: OP_NONE without a local branch; not weighted */
    op_value head;                 /* likewise */
    op_value positives;
    op_value similarity[2]; /* [TRAIN_BINS] numbers of pairs, each with itself too, by the cosine of their texts of
                               level 0, and of their images; OP_NONE without mining, and where losses are streamed or in
                               blocks */
};

uint32_t train_levels(const struct train_objective *objective);
bool train_needs_patches(const struct train_objective *objective);
/* Whether texts are compared by their tokens. */
bool train_needs_same(const struct train_objective *objective);

/* mining: the warm-up is over. split: NULL = no blocks. logit_scale as bound in scope. Errors are sticky in the graph.
 */
void train_losses_record(struct nn_scope *scope, const struct train_objective *objective, bool mining,
                         const struct train_features *features, const struct train_split *split,
                         struct train_losses *out);

#endif
