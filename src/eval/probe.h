/* probe.h: models of few parameters on fixed features: multinomial logistic regression and ridge regression. */
#ifndef EVAL_PROBE_H
#define EVAL_PROBE_H

#include "base/base.h"

/* Samples as rows of features. */
struct eval_samples {
    const float *x;       /* [..., width]; sample i is row rows[i] */
    const uint32_t *rows; /* [count] */
    const int32_t *truth; /* by row: its class; or */
    const double *value;  /* by row and target: [..., targets] */
    size_t count;
    uint32_t width, classes; /* or targets */
};

/* Weights [classes, width + 1], the last of each the intercept, which minimise
 *     c * sum over samples of -ln softmax(W x + b)[truth] + |W|^2 / 2
 * (scikit-learn's LogisticRegression(C=c)), by L-BFGS (Nocedal 1980; liblbfgs). They begin as `weights` holds them.
 * MIEN_ERR_FAILED: built without liblbfgs. */
enum mien_status eval_logistic_fit(const struct eval_samples *samples, double c, double *weights);
/* MIEN_ERR_FAILED where that cannot be. */
enum mien_status eval_logistic_ready(void);
bool eval_logistic_available(void);
/* The likeliest class of a row of features; of equal ones the first. */
uint32_t eval_logistic_class(const double *weights, uint32_t classes, uint32_t width, const float *x);

/* The same with the strength of the penalty chosen: of c = 1e-3, 1e-2, ..., 1e3 the one with the best mean recall on
 * every fifth sample of each class, from the second on, held back (of equal ones the smallest), and then all samples.
 * It is 1 where no class has two samples. */
enum mien_status eval_logistic_sweep(const struct eval_samples *samples, double *c, double *weights);

/* Weights [targets, width + 1] of ridge regression: minimise sum (w x + b - value)^2 + lambda |w|^2, b not penalised;
 * lambda = count * the strength of 1e-4, 1e-3, ..., 1e2 (times the mean variance of a feature) that is best on every
 * fifth sample, held back. In closed form, by Cholesky's decomposition. */
enum mien_status eval_ridge_sweep(const struct eval_samples *samples, double *strength, double *weights);
double eval_linear(const double *weights, uint32_t row, uint32_t width, const float *x);

#endif
