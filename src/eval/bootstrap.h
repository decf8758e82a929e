/* bootstrap.h: percentile intervals by resampling (Efron 1979): how far a score moves with another draw of the data. */
#ifndef EVAL_BOOTSTRAP_H
#define EVAL_BOOTSTRAP_H

#include "use/metrics.h"

#include <math.h>

enum { EVAL_RESAMPLES = 1000 };

struct eval_interval {
    double low, high;
};
#define EVAL_NO_INTERVAL ((struct eval_interval){(double)NAN, (double)NAN})

/* The middle 95 % of `count` values, NaN ones left out, which are sorted in place; NaN when none is left. The quantile
 * is the value at rank q * (count - 1), linear between neighbours. */
struct eval_interval eval_middle(double *values, size_t count);

/* Intervals of WAR, UAR and each class's recall [classes] over EVAL_RESAMPLES draws of as many samples, with
 * replacement. Resampling the cells of a confusion matrix is resampling the samples. One seed gives one result. */
enum mien_status eval_confusion_intervals(const struct use_confusion *confusion, uint64_t seed,
                                          struct eval_interval *war, struct eval_interval *uar,
                                          struct eval_interval *recall);

/* The interval of the mean of values [count]. */
enum mien_status eval_mean_interval(const double *values, size_t count, uint64_t seed, struct eval_interval *out);

#endif
