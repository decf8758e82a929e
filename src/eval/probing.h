/* probing.h: inside eval: what tasks share that classify by a logistic regression on frozen features. */
#ifndef EVAL_PROBING_H
#define EVAL_PROBING_H

#include "eval/confusion.h"
#include "eval/folds.h"
#include "eval/probe.h"
#include "use/classes.h"

struct eval_probing {
    struct eval_folds folds;
    struct use_classes classes;
    int32_t *truth; /* [folds.rows.count] class, or USE_NO_CLASS */
    uint32_t *trained, *tested;
    double *weights; /* [classes, E + 1] */
    const char **names;
};

/* Rows, classes (params->classes or all labels of the manifest) and embeddings. */
enum mien_status eval_probing_open(struct mien_model *model, const struct mien_eval_params *params,
                                   struct eval_probing *out);
void eval_probing_close(struct eval_probing *probing);
/* Samples that a fold trains on, with a class. */
struct eval_samples eval_probing_samples(const struct eval_probing *probing, uint32_t fold);
/* Adds what a fold's rows are taken for. */
void eval_probing_test(const struct eval_probing *probing, uint32_t fold, struct use_confusion *confusion);
/* What can be said before a model is there: MIEN_ERR_FAILED without liblbfgs; MIEN_ERR_ARG as eval_folds_check. */
enum mien_status eval_probing_check(const struct mien_eval_params *params);

#endif
