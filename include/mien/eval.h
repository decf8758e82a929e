/* mien/eval.h: how good a model is: evaluation protocols over a manifest. */
#ifndef MIEN_EVAL_H
#define MIEN_EVAL_H

#include "mien/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called now and then with images done of all. */
typedef void (*mien_eval_progress_fn)(void *user, size_t done, size_t total);

/* A zeroed struct with a manifest means the defaults. Strings are borrowed during the call. */
struct mien_zero_shot_params {
    const char *manifest;         /* JSON Lines, see data.h */
    const char *split;            /* "train", "val", "test", "all"; NULL = test, else val, else all: the first that has
                                     rows */
    const char *const *templates; /* NULL = Mien's own */
    size_t template_count;
    mien_eval_progress_fn progress; /* may be NULL */
    void *user;
};

struct mien_zero_shot {
    char **classes; /* label words, sorted */
    size_t class_count;
    uint64_t *confusion; /* [truth * class_count + prediction] */
    double *recall;      /* of each class; NaN for a class without samples */
    uint64_t n;          /* samples */
    uint64_t bad;        /* samples left out because their image could not be read; named in the log */
    double war;          /* weighted average recall = accuracy */
    double uar;          /* unweighted average recall */
    char split[8];       /* which one was used */
};

/* Classifies every row that has one label by its image's similarity to the labels' sentences (mien_model_embed_labels);
 * the classes are the labels that occur in the split. The caller destroys *out. MIEN_ERR_DATA: the manifest cannot be
 * read, or has no labelled image in the split; MIEN_ERR_ARG: an unknown split. */
MIEN_API enum mien_status mien_eval_zero_shot(struct mien_model *model, const struct mien_zero_shot_params *params,
                                              struct mien_zero_shot **out);
MIEN_API void mien_zero_shot_destroy(struct mien_zero_shot **result);

#ifdef __cplusplus
}
#endif
#endif
