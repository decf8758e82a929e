/* bootstrap.c: percentile intervals. */
#include "eval/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t low = (size_t)at, high = BASE_MIN(low + 1, count - 1);
    return sorted[low] + (at - (double)low) * (sorted[high] - sorted[low]);
}

struct eval_interval eval_middle(double *values, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i]))
            values[kept++] = values[i];
    }
    if (kept == 0)
        return EVAL_NO_INTERVAL;
    qsort(values, kept, sizeof(*values), by_value);
    return (struct eval_interval){quantile(values, kept, 0.025), quantile(values, kept, 0.975)};
}

/* The cell of every sample, as truth * classes + prediction. */
static uint32_t *list_samples(const struct use_confusion *confusion, uint64_t total)
{
    size_t at = 0, cells = (size_t)confusion->classes * confusion->classes;
    uint32_t *samples = base_alloc(total + 1, sizeof(*samples));
    for (size_t cell = 0; samples && cell < cells; cell++) {
        for (uint64_t k = 0; k < confusion->counts[cell]; k++)
            samples[at++] = (uint32_t)cell;
    }
    return samples;
}

enum mien_status eval_confusion_intervals(const struct use_confusion *confusion, uint64_t seed,
                                          struct eval_interval *war, struct eval_interval *uar,
                                          struct eval_interval *recall)
{
    enum mien_status status = MIEN_OK;
    uint64_t total = use_confusion_total(confusion);
    struct use_confusion drawn = {0};
    uint32_t *samples = list_samples(confusion, total);
    double *values = base_alloc((size_t)EVAL_RESAMPLES * (confusion->classes + 2), sizeof(*values));
    struct base_rng rng = base_rng_make(seed, "bootstrap", total, confusion->classes);
    size_t cells = (size_t)confusion->classes * confusion->classes;
    FAIL_IF(!samples || !values || total > UINT32_MAX, MIEN_ERR_NOMEM, "out of host memory for intervals");
    TRY(use_confusion_create(confusion->classes, &drawn));
    for (size_t b = 0; b < EVAL_RESAMPLES; b++) {
        memset(drawn.counts, 0, cells * sizeof(*drawn.counts));
        for (uint64_t i = 0; i < total; i++)
            drawn.counts[samples[base_rng_below(&rng, (uint32_t)total)]]++;
        values[b] = use_war(&drawn);
        values[EVAL_RESAMPLES + b] = use_uar(&drawn);
        for (uint32_t c = 0; c < confusion->classes; c++)
            values[(size_t)(2 + c) * EVAL_RESAMPLES + b] = use_recall(&drawn, c);
    }
    *war = eval_middle(values, EVAL_RESAMPLES);
    *uar = eval_middle(values + EVAL_RESAMPLES, EVAL_RESAMPLES);
    for (uint32_t c = 0; c < confusion->classes; c++)
        recall[c] = eval_middle(values + (size_t)(2 + c) * EVAL_RESAMPLES, EVAL_RESAMPLES);
fail:
    use_confusion_destroy(&drawn);
    base_free(values);
    base_free(samples);
    return status;
}

enum mien_status eval_mean_interval(const double *values, size_t count, uint64_t seed, struct eval_interval *out)
{
    double *means = base_alloc(EVAL_RESAMPLES, sizeof(*means));
    struct base_rng rng = base_rng_make(seed, "bootstrap mean", count, 0);
    if (!means || count > UINT32_MAX) {
        base_free(means);
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for intervals");
    }
    for (size_t b = 0; b < EVAL_RESAMPLES; b++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += values[base_rng_below(&rng, (uint32_t)count)];
        means[b] = sum / (double)count;
    }
    *out = eval_middle(means, EVAL_RESAMPLES);
    base_free(means);
    return MIEN_OK;
}
