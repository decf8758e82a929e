/* folds.h: inside eval: what is trained on and what is tested on, for tasks that fit something to features. */
#ifndef EVAL_FOLDS_H
#define EVAL_FOLDS_H

#include "eval/eval.h"

#define EVAL_NOWHERE UINT32_MAX

/* All usable rows of a manifest, with their raw embeddings, and which of them each fold tests. */
struct eval_folds {
    struct use_rows rows; /* all usable ones */
    uint32_t count;       /* of folds; 1 = the manifest's own split */
    const char *how;      /* "split", "fold" or "subject" */
    const char *split;    /* of "split": the one that is tested */
    bool fitted;          /* there is something to fit to */
    uint32_t *test;       /* [rows.count] the fold that tests it, or EVAL_NOWHERE */
    bool *train;          /* [rows.count] may be trained on (by the folds that do not test it) */
    float *raw;           /* [rows.count,E] */
    bool *ok;             /* [rows.count] could be read */
    uint32_t width;       /* E */
    struct base_arena arena;
};

enum eval_fit {
    EVAL_FIT,     /* rows to fit to are needed */
    EVAL_FIT_MAY, /* they are taken where there are some */
    EVAL_FIT_NOT, /* the asked split is tested, as tasks do that fit nothing */
};

/* What params->folds asks for. NULL: "fold" where rows have folds and none is of test or val, else "split": the asked
 * split (default: test, else val) by the rows of train. "fold": each number under "fold" is tested by what was fitted
 * to the others; "subject": each subject likewise. Nothing is embedded yet. MIEN_ERR_DATA: nothing to test, or nothing
 * to train on. */
enum mien_status eval_folds_read(const struct mien_eval_params *params, enum eval_fit fit,
                                 bool (*usable)(const struct data_row *row), const char *what, struct eval_folds *out);
/* MIEN_ERR_ARG: params->folds is no such word, or does not go with params->split. */
enum mien_status eval_folds_check(const struct mien_eval_params *params);
/* Embeds the rows that some fold tests or trains on. */
enum mien_status eval_folds_embed(struct eval_folds *folds, struct mien_model *model,
                                  const struct mien_eval_params *params);
/* Of those rows how many could not be read. */
uint64_t eval_folds_bad(const struct eval_folds *folds);
/* Keys split, folds, fold_count, n and bad. */
void eval_folds_head(const struct eval_folds *folds, uint64_t n, struct base_json *out);
/* Rows that could be read and are tested by fold k, or trained on by it: indices into rows, out [rows.count]. */
size_t eval_folds_tested(const struct eval_folds *folds, uint32_t k, uint32_t *out);
size_t eval_folds_trained(const struct eval_folds *folds, uint32_t k, uint32_t *out);
void eval_folds_clear(struct eval_folds *folds);

/* Mean and, of more than one, the sample's standard deviation, of the values that are numbers. */
struct eval_spread {
    double mean, deviation;
};
struct eval_spread eval_spread_of(const double *values, size_t count);

#endif
