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

double use_f1(double tp, double fp, double fn)
{
    return tp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : (double)NAN;
}

enum mien_status use_rank(const double *scores, const uint32_t *group, size_t count, size_t query, double *out)
{
    double best = -(double)INFINITY, rank = 1;
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

/* Population moments around the means, so that no digits are lost to them. */
struct moments {
    double mean_a, mean_b, aa, bb, ab, absolute, square;
    bool constant; /* one of the two is */
};

/* Whether the numbers differ by no more than a sum of them is rounded by: what is fitted to a constant does. */
static bool is_constant(const double *a, size_t n, size_t stride)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, a[i * stride]);
        high = fmax(high, a[i * stride]);
    }
    return high - low <= 1e-12 * fmax(fabs(low), fabs(high));
}

static struct moments moments_of(const double *a, const double *b, size_t n, size_t stride)
{
    struct moments m = {0};
    for (size_t i = 0; i < n; i++) {
        m.mean_a += a[i * stride] / (double)n;
        m.mean_b += b[i * stride] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double x = a[i * stride], y = b[i * stride], dx = x - m.mean_a, dy = y - m.mean_b;
        m.aa += dx * dx / (double)n;
        m.bb += dy * dy / (double)n;
        m.ab += dx * dy / (double)n;
        m.absolute += fabs(x - y) / (double)n;
        m.square += (x - y) * (x - y) / (double)n;
    }
    m.constant = n == 0 || is_constant(a, n, stride) || is_constant(b, n, stride);
    return m;
}

struct use_agreement use_agreement_of(const double *predicted, const double *truth, size_t n, size_t stride)
{
    struct moments m = moments_of(predicted, truth, n, stride);
    double apart = (m.mean_a - m.mean_b) * (m.mean_a - m.mean_b);
    if (n == 0)
        return (struct use_agreement){(double)NAN, (double)NAN, (double)NAN, (double)NAN};
    return (struct use_agreement){.pcc = m.constant ? (double)NAN : m.ab / sqrt(m.aa * m.bb),
                                  .ccc = m.constant ? 0 : 2 * m.ab / (m.aa + m.bb + apart),
                                  .mae = m.absolute,
                                  .rmse = sqrt(m.square)};
}

struct use_agreement use_agreement_emoclip(const double *predicted, const double *truth, size_t n, size_t stride)
{
    const double tiny = 1e-5;
    struct moments m = moments_of(predicted, truth, n, stride);
    struct use_agreement out = use_agreement_of(predicted, truth, n, stride);
    double apart = (m.mean_a - m.mean_b) * (m.mean_a - m.mean_b), count = (double)n;
    if (n == 0)
        return out;
    out.pcc = m.ab * count / (sqrt(m.aa * count * m.bb * count) + tiny);
    out.ccc = 2 * out.pcc * sqrt(m.aa) * sqrt(m.bb) / (m.aa + m.bb + apart + tiny);
    return out;
}
