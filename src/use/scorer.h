/* scorer.h: the one zero-shot scorer, of evaluation and of validation in training: rows go to the class whose
 * sentences are most like them. */
#ifndef USE_SCORER_H
#define USE_SCORER_H

#include "use/classes.h"
#include "use/metrics.h"

/* Classes as a model sees them now. */
struct use_scorer {
    const struct use_classes *classes; /* borrowed */
    uint32_t width;
    float *embeds; /* [classes->count,width] */
};

/* params as use_classes_embed. MIEN_ERR_ARG also: two classes of the same tokens. */
enum mien_status use_scorer_create(struct mien_model *model, const struct use_classes *classes,
                                   const struct mien_labels_params *params, struct use_scorer *out);
void use_scorer_clear(struct use_scorer *scorer);

/* Rows whose embeddings are known. */
struct use_scored {
    const float *embeds;  /* [count,width] of unit length */
    const bool *ok;       /* [count] could be read */
    const int32_t *truth; /* [count] class, or USE_NO_CLASS */
    size_t count;
};

/* The confusion matrix of the rows that could be read and have a class, made in *out; the class that each row looks
 * like most into prediction [count], which may be NULL. Ties go to the class that is named first. */
enum mien_status use_scorer_run(const struct use_scorer *scorer, const struct use_scored *rows, uint32_t *prediction,
                                struct use_confusion *out);

#endif
