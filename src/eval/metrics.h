/* metrics.h: scores of a classifier, exact: no smoothing constants. */
#ifndef EVAL_METRICS_H
#define EVAL_METRICS_H

#include "base/base.h"

/* counts[truth * classes + prediction] */
struct eval_confusion {
    uint32_t classes;
    uint64_t *counts; /* base_alloc'ed */
};

enum mien_status eval_confusion_create(uint32_t classes, struct eval_confusion *out);
void eval_confusion_destroy(struct eval_confusion *confusion);
void eval_confusion_add(struct eval_confusion *confusion, uint32_t truth, uint32_t prediction);

uint64_t eval_confusion_total(const struct eval_confusion *confusion);
/* Samples of a true class. */
uint64_t eval_confusion_support(const struct eval_confusion *confusion, uint32_t truth);
/* Share of a true class that is predicted right; NaN when the class has no sample. */
double eval_recall(const struct eval_confusion *confusion, uint32_t truth);
/* Weighted average recall = accuracy; NaN without samples. */
double eval_war(const struct eval_confusion *confusion);
/* Unweighted average recall: the mean over the classes that have samples; NaN without samples. */
double eval_uar(const struct eval_confusion *confusion);

#endif
