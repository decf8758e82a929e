/* mien/eval.h: how good a model is: evaluation protocols over a manifest.
 * Threads: a call belongs to the thread of its model; a result is the caller's alone, and independent of the model.
 * Lifetime: parameters are borrowed during the call; a result lives until it is destroyed. */
#ifndef MIEN_EVAL_H
#define MIEN_EVAL_H

#include "mien/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The middle 95 % of a score over 1,000 bootstrap resamples of the data (Efron 1979); NaN where it is undefined. */
struct mien_interval {
    double low, high;
};

/* ---- zero-shot classification ---- */

/* A zeroed struct with a manifest means the defaults. Strings are borrowed during the call. */
struct mien_zero_shot_params {
    const char *manifest;       /* JSON Lines, see data.h */
    const char *split;          /* "train", "val", "test", "all"; NULL = test, else val, else all: the first that has
                                   rows */
    const char *const *classes; /* [class_count] names, "a and b" a compound; NULL = all labels of the manifest,
                                   whatever the split. Rows of other labels are then left out */
    size_t class_count;
    struct mien_labels_params labels; /* which sentences stand for a label (model.h); zeroed = Mien's own templates */
    uint32_t frames;                  /* of a clip, at most; see mien_embed_params */
    uint64_t seed;                    /* of the bootstrap */
    mien_progress_fn progress;        /* of images; may be NULL. Cancelled: no result */
    void *user;
};

/* One image in the plane of the two directions in which the embeddings vary most. */
struct mien_map_point {
    float x, y;
    uint32_t truth, prediction; /* indices into classes */
};

struct mien_zero_shot {
    char **classes; /* names: sorted, or as they were given */
    size_t class_count;
    size_t present;      /* of them, those that have samples in the split */
    uint64_t *confusion; /* [truth * class_count + prediction] */
    double *recall;      /* of each class; NaN for a class without samples */
    uint64_t n;          /* samples */
    uint64_t bad;        /* samples left out because their image could not be read; named in the log */
    double war;          /* weighted average recall = accuracy */
    double uar;          /* unweighted average recall: the mean over the classes that have samples */
    struct mien_interval war_interval, uar_interval;
    struct mien_interval *recall_interval; /* of each class */
    struct mien_map_point *map;            /* up to MIEN_MAP_POINTS images, evenly spaced in the split */
    size_t map_count;
    char split[8]; /* which one was used */
};
enum { MIEN_MAP_POINTS = 600 };

/* Classifies every image and clip that has a label by its similarity to the labels'
 * sentences (mien_labels_create). A row with several labels (a compound emotion) is of the class "a and b", in the
 * order of their bytes whichever way round the row names them, whose embedding is the unit mean of its labels'
 * embeddings. Training chooses the best model on data.val by this `uar`. The caller destroys *out. MIEN_ERR_DATA: the
 * manifest cannot be read, or has no labelled image or clip of the classes in the split; MIEN_ERR_ARG: an unknown
 * split, a class that is named twice, two classes of the same tokens ("Joy" and "joy"; both are named). */
MIEN_API enum mien_status mien_eval_zero_shot(struct mien_model *model, const struct mien_zero_shot_params *params,
                                              struct mien_zero_shot **out);

/* Frees the result and what it points to. Thread-safe. */
MIEN_API void mien_zero_shot_destroy(struct mien_zero_shot **result);

/* ---- retrieval ---- */

/* Which of an image's texts stand for it. */
enum mien_retrieval_text {
    MIEN_RETRIEVAL_CAPTION, /* all levels: the unit mean of the embeddings of all its sentences */
    MIEN_RETRIEVAL_GLOBAL,
    MIEN_RETRIEVAL_SUMMARY,
};

struct mien_retrieval_params {
    const char *manifest;
    const char *split; /* as above */
    enum mien_retrieval_text text;
    size_t limit; /* at most so many images, evenly spaced in the split; 0 = 1,000: their ranks depend on the number */
    uint32_t frames; /* of a clip, at most; see mien_embed_params */
    uint64_t seed;
    mien_progress_fn progress; /* as above */
    void *user;
};

/* One direction. The rank of a query is that of the best right answer: 1 + how many wrong ones score higher + half of
 * those that score the same. Texts that are the same word for word are right for each other's images. */
struct mien_ranks {
    double recall_at[3]; /* share of queries with rank <= 1, 5, 10 */
    struct mien_interval interval[3];
    double median, mean; /* rank */
};

/* A query image with the texts that are most like it. */
struct mien_retrieval_example {
    char *image; /* path; of a clip: its video, directory or first frame */
    char *truth; /* its own text */
    char *texts[3];
    float scores[3]; /* cosine; texts that are the same are listed once */
    size_t count;    /* of texts */
};

struct mien_retrieval {
    uint64_t n; /* pairs */
    uint64_t bad;
    double chance;                /* of R@1: the mean share of right answers */
    struct mien_ranks image_text; /* queries are images */
    struct mien_ranks text_image;
    struct mien_retrieval_example *examples; /* up to 8, evenly spaced */
    size_t example_count;
    char split[8];
};

/* How well images or clips and their captions find each other. MIEN_ERR_DATA: the manifest
 * cannot be read, or has no image with such a text in the split. The caller destroys *out. */
MIEN_API enum mien_status mien_eval_retrieval(struct mien_model *model, const struct mien_retrieval_params *params,
                                              struct mien_retrieval **out);

/* Frees the result and what it points to. Thread-safe. */
MIEN_API void mien_retrieval_destroy(struct mien_retrieval **result);

/* ---- report ---- */

/* Writes one self-contained HTML page (no script, no outside file) about training runs (directories with log.jsonl)
 * and evaluations (files that `mien eval --json` wrote): curves, confusion matrix, recall with intervals, embedding
 * map, retrieval examples with their pictures, device and configuration. The page appears whole or not at all. Needs no
 * GPU. MIEN_ERR_DATA: an input is neither, or is damaged (path, line). */
MIEN_API enum mien_status mien_report(const char *const *inputs, size_t count, const char *path);

#ifdef __cplusplus
}
#endif
#endif
