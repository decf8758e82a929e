/* validate.h: how good the model under training is on data.val. */
#ifndef TRAIN_VALIDATE_H
#define TRAIN_VALIDATE_H

#include "train/config.h"

struct train_val;
struct trainer;

/* NaN where there is nothing to measure by: no captions, fewer than two classes. */
struct train_scores {
    double loss;     /* of the global branch without mining, in batches of run.batch in the manifest's order */
    double war, uar; /* zero-shot by labels: what mien_eval gives for these rows, to the bit (use/scorer.h) */
    double head;     /* of the model's head: its classes' UAR, or the mean CCC of its targets */
    uint64_t images; /* and clips that could be read */
};

/* The rows of data.val (split val or absent), their texts and classes. MIEN_ERR_DATA when there is none, or
 * nothing that run.patience could measure by; MIEN_ERR_ARG when two labels are the same to the tokenizer. */
enum mien_status train_val_open(const struct trainer *t, struct train_val **out);
void train_val_close(struct train_val **val);

/* What models are compared by on data.val: "uar", "head" or "loss". */
const char *train_val_measure(const struct train_val *val);

/* No step may be in flight. Pictures that cannot be read are left out, with a warning. */
enum mien_status train_val_run(struct train_val *val, struct train_scores *out);

#endif
