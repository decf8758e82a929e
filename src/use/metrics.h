/* metrics.h: scores of a classifier, exact: no smoothing constants. */
#ifndef USE_METRICS_H
#define USE_METRICS_H

#include "base/base.h"

/* counts[truth * classes + prediction] */
struct use_confusion {
    uint32_t classes;
    uint64_t *counts; /* base_alloc'ed */
};

enum mien_status use_confusion_create(uint32_t classes, struct use_confusion *out);
void use_confusion_destroy(struct use_confusion *confusion);
void use_confusion_add(struct use_confusion *confusion, uint32_t truth, uint32_t prediction);

uint64_t use_confusion_total(const struct use_confusion *confusion);
/* Samples of a true class. */
uint64_t use_confusion_support(const struct use_confusion *confusion, uint32_t truth);
/* Classes that have samples. */
uint32_t use_present(const struct use_confusion *confusion);
/* Share of a true class that is predicted right; NaN when the class has no sample. */
double use_recall(const struct use_confusion *confusion, uint32_t truth);
/* Weighted average recall = accuracy; NaN without samples. */
double use_war(const struct use_confusion *confusion);
/* Unweighted average recall: the mean over the classes that have samples; NaN without samples. */
double use_uar(const struct use_confusion *confusion);

/* 2 tp / (2 tp + fp + fn) of true positives, false positives and false negatives; NaN where nothing is positive. */
double use_f1(double tp, double fp, double fn);

/* The rank, from 1, of the answers to a query: scores [count], of which those with group[j] == group[query] are right;
 * the best of them counts, each wrong one above it is one place, one of the same score half a place. MIEN_ERR_FAILED
 * when a score is not finite: a comparison with NaN would rank anything first. */
enum mien_status use_rank(const double *scores, const uint32_t *group, size_t count, size_t query, double *out);

/* ---- numbers ---- */

/* Of n predictions against n true values; method.md B.7 without its epsilons, population moments. */
struct use_agreement {
    double pcc; /* NaN where one of the two is constant */
    double ccc; /* 0 there, also where both are the same constant: 1 would be said of nothing */
    double mae, rmse;
};
/* Of every stride-th number from the first on. n = 0 gives NaN throughout. */
struct use_agreement use_agreement_of(const double *predicted, const double *truth, size_t n, size_t stride);
/* As EmoCLIP's utils.py has PCC and CCC: 1e-5 added to each denominator. */
struct use_agreement use_agreement_emoclip(const double *predicted, const double *truth, size_t n, size_t stride);

#endif
