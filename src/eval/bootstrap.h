/* bootstrap.h: percentile intervals by resampling (Efron 1979): how far a score moves with another draw of the data. */
#ifndef EVAL_BOOTSTRAP_H
#define EVAL_BOOTSTRAP_H

#include "use/metrics.h"
#include "mien/eval.h"

enum { EVAL_RESAMPLES = 1000 };

/* The middle 95 % of `count` values, NaN ones left out, which are sorted in place; NaN when none is left. The quantile
 * is the value at rank q * (count - 1), linear between neighbours. */
struct mien_interval eval_interval(double *values, size_t count);

/* Intervals of WAR, UAR and each class's recall [classes] over EVAL_RESAMPLES draws of as many samples, with
 * replacement. Resampling the cells of a confusion matrix is resampling the samples. One seed gives one result. */
enum mien_status eval_confusion_intervals(const struct use_confusion *confusion, uint64_t seed,
                                          struct mien_interval *war, struct mien_interval *uar,
                                          struct mien_interval *recall);

/* The interval of the mean of values [count]. */
enum mien_status eval_mean_interval(const double *values, size_t count, uint64_t seed, struct mien_interval *out);

#endif
