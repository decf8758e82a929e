/* metrics.c: confusion matrix, WAR, UAR. */
#include "use/metrics.h"

#include <assert.h>
#include <math.h>

enum mien_status use_confusion_create(uint32_t classes, struct use_confusion *out)
{
    *out = (struct use_confusion){.classes = classes};
    out->counts = base_alloc((size_t)classes * classes + 1, sizeof(*out->counts));
    if (!out->counts)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a confusion matrix of %u classes", classes);
    return MIEN_OK;
}

void use_confusion_destroy(struct use_confusion *confusion)
{
    base_free(confusion->counts);
    *confusion = (struct use_confusion){0};
}

void use_confusion_add(struct use_confusion *confusion, uint32_t truth, uint32_t prediction)
{
    assert(truth < confusion->classes && prediction < confusion->classes);
    confusion->counts[(size_t)truth * confusion->classes + prediction]++;
}

uint64_t use_confusion_support(const struct use_confusion *confusion, uint32_t truth)
{
    uint64_t sum = 0;
    for (uint32_t c = 0; c < confusion->classes; c++)
        sum += confusion->counts[(size_t)truth * confusion->classes + c];
    return sum;
}

uint64_t use_confusion_total(const struct use_confusion *confusion)
{
    uint64_t sum = 0;
    for (uint32_t c = 0; c < confusion->classes; c++)
        sum += use_confusion_support(confusion, c);
    return sum;
}

double use_recall(const struct use_confusion *confusion, uint32_t truth)
{
    uint64_t support = use_confusion_support(confusion, truth);
    uint64_t right = confusion->counts[(size_t)truth * confusion->classes + truth];
    return support ? (double)right / (double)support : (double)NAN;
}

double use_war(const struct use_confusion *confusion)
{
    uint64_t total = use_confusion_total(confusion), right = 0;
    for (uint32_t c = 0; c < confusion->classes; c++)
        right += confusion->counts[(size_t)c * confusion->classes + c];
    return total ? (double)right / (double)total : (double)NAN;
}

enum mien_status use_rank(const double *scores, const uint32_t *group, size_t count, size_t query, double *out)
{
    double best = -INFINITY, rank = 1;
    for (size_t j = 0; j < count; j++) {
        if (!isfinite(scores[j]))
            return base_fail(MIEN_ERR_FAILED,
                             "the score of answer %zu to query %zu is not finite; nothing can be ranked", j, query);
        if (group[j] == group[query])
            best = fmax(best, scores[j]);
    }
    for (size_t j = 0; j < count; j++) {
        if (group[j] != group[query])
            rank += scores[j] > best ? 1 : scores[j] == best ? 0.5 : 0;
    }
    *out = rank;
    return MIEN_OK;
}

uint32_t use_present(const struct use_confusion *confusion)
{
    uint32_t present = 0;
    for (uint32_t c = 0; c < confusion->classes; c++)
        present += use_confusion_support(confusion, c) > 0;
    return present;
}

double use_uar(const struct use_confusion *confusion)
{
    double sum = 0;
    uint32_t present = use_present(confusion);
    for (uint32_t c = 0; c < confusion->classes; c++)
        sum += use_confusion_support(confusion, c) ? use_recall(confusion, c) : 0;
    return present ? sum / present : (double)NAN;
}

/* ---- numbers ---- */

struct use_agreement use_agreement_of(const float *predicted, const float *truth, size_t n, size_t stride)
{
    struct use_agreement out = {NAN, NAN, NAN, NAN};
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0, absolute = 0, square = 0;
    if (n == 0)
        return out;
    for (size_t i = 0; i < n; i++) {
        mean_a += (double)predicted[i * stride] / (double)n;
        mean_b += (double)truth[i * stride] / (double)n;
    }
    for (size_t i = 0; i < n; i++) { /* around the means: no digits are lost to them */
        double a = (double)predicted[i * stride], b = (double)truth[i * stride], da = a - mean_a, db = b - mean_b;
        aa += da * da / (double)n;
        bb += db * db / (double)n;
        ab += da * db / (double)n;
        absolute += fabs(a - b) / (double)n;
        square += (a - b) * (a - b) / (double)n;
    }
    double apart = (mean_a - mean_b) * (mean_a - mean_b), whole = aa + bb + apart;
    bool constant = true, same = true;
    for (size_t i = 1; i < n; i++) {
        constant = constant && predicted[i * stride] == predicted[0];
        same = same && truth[i * stride] == truth[0];
    }
    out.pcc = constant || same ? NAN : ab / sqrt(aa * bb);
    out.ccc = constant || same ? 0 : 2 * ab / whole;
    out.mae = absolute;
    out.rmse = sqrt(square);
    return out;
}
