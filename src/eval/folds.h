/* folds.h: inside eval: what is trained on and what is tested on, for tasks that fit something to features. */
#ifndef EVAL_FOLDS_H
#define EVAL_FOLDS_H

#include "use/rows.h"

#define EVAL_NOWHERE UINT32_MAX

/* All usable rows of a manifest, with their raw embeddings, and which of them each fold tests. */
struct eval_folds {
    struct use_rows rows; /* all usable ones */
    uint32_t count;       /* of folds; 1 = the manifest's own split */
    const char *how;      /* "split", "fold" or "subject" */
    const char *split;    /* of "split": the one that is tested */
    uint32_t *test;       /* [rows.count] the fold that tests it, or EVAL_NOWHERE */
    bool *train;          /* [rows.count] may be trained on (by the folds that do not test it) */
    float *raw;           /* [rows.count,E] */
    bool *ok;             /* [rows.count] could be read */
    uint32_t width;       /* E */
    struct base_arena arena;
};

/* how NULL: "split" where rows of the asked split (default: test, else val) stand beside others of train, else "fold".
 * "fold": each number under "fold" is tested by what was fitted to the others; "subject": each subject likewise.
 * Nothing is embedded yet. MIEN_ERR_DATA: nothing to test, or nothing to train on. */
enum mien_status eval_folds_read(const char *manifest, const char *columns, const char *how, const char *split,
                                 bool (*usable)(const struct data_row *row), const char *what, struct eval_folds *out);
/* Embeds the rows that some fold tests or trains on. */
enum mien_status eval_folds_embed(struct eval_folds *folds, struct mien_model *model,
                                  const struct mien_embed_params *params);
/* Rows that could be read and are tested by fold k, or trained on by it: indices into rows, out [rows.count]. */
size_t eval_folds_tested(const struct eval_folds *folds, uint32_t k, uint32_t *out);
size_t eval_folds_trained(const struct eval_folds *folds, uint32_t k, uint32_t *out);
void eval_folds_clear(struct eval_folds *folds);

/* Mean and, of more than one, the sample's standard deviation. */
struct eval_spread {
    double mean, deviation;
};
struct eval_spread eval_spread_of(const double *values, size_t count);

#endif
