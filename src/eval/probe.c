/* probe.c: logistic regression by liblbfgs. It is kept (1.10, 2010, in Debian since 2011, MIT), small, C, and takes any
 * function; liblinear, the other one there, has one-against-rest and no multinomial loss. */
#include "eval/probe.h"

#include <math.h>
#include <string.h>

#ifdef MIEN_HAVE_LBFGS
#include <lbfgs.h>
#endif

double eval_linear(const double *weights, uint32_t row, uint32_t width, const float *x)
{
    const double *w = weights + (size_t)row * (width + 1);
    double sum = w[width];
    for (uint32_t k = 0; k < width; k++)
        sum += w[k] * (double)x[k];
    return sum;
}

uint32_t eval_logistic_class(const double *weights, uint32_t classes, uint32_t width, const float *x)
{
    uint32_t best = 0;
    double most = -(double)INFINITY;
    for (uint32_t c = 0; c < classes; c++) {
        double z = eval_linear(weights, c, width, x);
        if (z > most) {
            most = z;
            best = c;
        }
    }
    return best;
}

#ifdef MIEN_HAVE_LBFGS

struct fit {
    const struct eval_samples *s;
    double c, *z; /* [classes] */
};

/* Softmax of z in place; the logarithm of its sum. */
static double soften(double *z, uint32_t count)
{
    double most = z[0], sum = 0;
    for (uint32_t c = 1; c < count; c++)
        most = fmax(most, z[c]);
    for (uint32_t c = 0; c < count; c++)
        sum += z[c] = exp(z[c] - most);
    for (uint32_t c = 0; c < count; c++)
        z[c] /= sum;
    return most + log(sum);
}

/* The penalty and its gradient. */
static double penalty(const struct eval_samples *s, const double *w, double *g)
{
    double sum = 0;
    for (uint32_t c = 0; c < s->classes; c++) {
        for (uint32_t k = 0; k < s->width; k++) {
            size_t at = (size_t)c * (s->width + 1) + k;
            sum += w[at] * w[at] / 2;
            g[at] = w[at];
        }
        g[(size_t)c * (s->width + 1) + s->width] = 0;
    }
    return sum;
}

static lbfgsfloatval_t objective(void *user, const lbfgsfloatval_t *w, lbfgsfloatval_t *g, const int n,
                                 const lbfgsfloatval_t step)
{
    const struct fit *f = user;
    const struct eval_samples *s = f->s;
    double sum = penalty(s, w, g);
    (void)n, (void)step;
    for (size_t i = 0; i < s->count; i++) {
        const float *x = s->x + (size_t)s->rows[i] * s->width;
        int32_t truth = s->truth[s->rows[i]];
        for (uint32_t c = 0; c < s->classes; c++)
            f->z[c] = eval_linear(w, c, s->width, x);
        double own = f->z[truth];
        sum += f->c * (soften(f->z, s->classes) - own);
        f->z[truth] -= 1;
        for (uint32_t c = 0; c < s->classes; c++) {
            double *row = g + (size_t)c * (s->width + 1), d = f->c * f->z[c];
            for (uint32_t k = 0; k < s->width; k++)
                row[k] += d * (double)x[k];
            row[s->width] += d;
        }
    }
    return sum;
}

enum mien_status eval_logistic_fit(const struct eval_samples *s, double c, double *weights)
{
    enum mien_status status = MIEN_OK;
    size_t n = (size_t)s->classes * (s->width + 1);
    struct fit fit = {s, c, base_alloc(s->classes, sizeof(double))};
    lbfgsfloatval_t *w = n < INT32_MAX ? lbfgs_malloc((int)n) : NULL;
    lbfgs_parameter_t param;
    FAIL_IF(!fit.z || !w, MIEN_ERR_NOMEM, "out of host memory for a logistic regression of %zu weights", n);
    lbfgs_parameter_init(&param);
    param.epsilon = 1e-6; /* of the gradient's norm, relative to the weights' */
    param.max_iterations = 1000;
    param.linesearch = LBFGS_LINESEARCH_BACKTRACKING_STRONG_WOLFE;
    memcpy(w, weights, n * sizeof(*w));
    int result = lbfgs((int)n, w, NULL, objective, NULL, &fit, &param);
    /* a line search that finds no lower value has come as near as doubles can */
    FAIL_IF(result < 0 && result != LBFGSERR_MAXIMUMITERATION && result != LBFGSERR_ROUNDING_ERROR &&
                result != LBFGSERR_MAXIMUMLINESEARCH && result != LBFGSERR_MINIMUMSTEP &&
                result != LBFGSERR_INCREASEGRADIENT,
            MIEN_ERR_FAILED, "the logistic regression failed (liblbfgs %d); are the embeddings of use?", result);
    memcpy(weights, w, n * sizeof(*w));
fail:
    if (w)
        lbfgs_free(w);
    base_free(fit.z);
    return status;
}

#else

enum mien_status eval_logistic_fit(const struct eval_samples *s, double c, double *weights)
{
    (void)s, (void)c, (void)weights;
    return eval_logistic_ready();
}

#endif

bool eval_logistic_available(void)
{
#ifdef MIEN_HAVE_LBFGS
    return true;
#else
    return false;
#endif
}

enum mien_status eval_logistic_ready(void)
{
    if (eval_logistic_available())
        return MIEN_OK;
    return base_fail(MIEN_ERR_FAILED, "this Mien was built without liblbfgs, which fits logistic regressions; "
                                      "install it (Debian: liblbfgs-dev) and build again");
}

/* ---- the strength of the penalty ---- */

/* Every fifth sample of a class into held, the others into kept. */
static void hold_back(const struct eval_samples *s, uint32_t *seen, struct eval_samples *kept, uint32_t *kept_rows,
                      struct eval_samples *held, uint32_t *held_rows)
{
    *kept = *held = *s;
    kept->rows = kept_rows;
    held->rows = held_rows;
    kept->count = held->count = 0;
    for (size_t i = 0; i < s->count; i++) {
        uint32_t row = s->rows[i], turn = seen[s->truth ? s->truth[row] : 0]++;
        if (turn % 5 == 1)
            held_rows[held->count++] = row;
        else
            kept_rows[kept->count++] = row;
    }
}

/* The mean recall. */
static double recall(const struct eval_samples *s, const double *weights, uint32_t *right, uint32_t *all)
{
    double sum = 0;
    uint32_t present = 0;
    memset(right, 0, s->classes * sizeof(*right));
    memset(all, 0, s->classes * sizeof(*all));
    for (size_t i = 0; i < s->count; i++) {
        uint32_t truth = (uint32_t)s->truth[s->rows[i]];
        all[truth]++;
        right[truth] +=
            eval_logistic_class(weights, s->classes, s->width, s->x + (size_t)s->rows[i] * s->width) == truth;
    }
    for (uint32_t c = 0; c < s->classes; c++) {
        sum += all[c] ? (double)right[c] / all[c] : 0;
        present += all[c] > 0;
    }
    return present ? sum / present : 0;
}

enum mien_status eval_logistic_sweep(const struct eval_samples *s, double *c, double *weights)
{
    enum mien_status status = MIEN_OK;
    size_t n = (size_t)s->classes * (s->width + 1);
    struct eval_samples kept, held;
    uint32_t *rows = base_alloc(2 * s->count + 3 * (size_t)s->classes + 1, sizeof(*rows));
    FAIL_IF_NULL(rows, "a probe");
    uint32_t *seen = rows + 2 * s->count, *right = seen + s->classes, *all = right + s->classes;
    double best = -1;
    hold_back(s, seen, &kept, rows, &held, rows + s->count);
    *c = 1;
    memset(weights, 0, n * sizeof(*weights));
    for (int e = -3; held.count > 0 && e <= 3; e++) {
        TRY(eval_logistic_fit(&kept, pow(10, e), weights)); /* from the weaker one's weights */
        double value = recall(&held, weights, right, all);
        if (value > best) {
            best = value;
            *c = pow(10, e);
        }
    }
    memset(weights, 0, n * sizeof(*weights));
    TRY(eval_logistic_fit(s, *c, weights));
fail:
    base_free(rows);
    return status;
}

/* ---- ridge ---- */

/* Solves a x = b for `count` right sides b [count,n] in place; a [n,n] positive definite, lost. */
static bool solve(double *a, double *b, uint32_t n, uint32_t count)
{
    for (uint32_t j = 0; j < n; j++) {
        for (uint32_t i = j; i < n; i++) {
            double sum = a[(size_t)i * n + j];
            for (uint32_t k = 0; k < j; k++)
                sum -= a[(size_t)i * n + k] * a[(size_t)j * n + k];
            if (i == j && !(sum > 0))
                return false;
            a[(size_t)i * n + j] = i == j ? sqrt(sum) : sum / a[(size_t)j * n + j];
        }
    }
    for (uint32_t r = 0; r < count; r++) {
        double *x = b + (size_t)r * n;
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t k = 0; k < i; k++)
                x[i] -= a[(size_t)i * n + k] * x[k];
            x[i] /= a[(size_t)i * n + i];
        }
        for (uint32_t i = n; i-- > 0;) {
            for (uint32_t k = i + 1; k < n; k++)
                x[i] -= a[(size_t)k * n + i] * x[k];
            x[i] /= a[(size_t)i * n + i];
        }
    }
    return true;
}

struct ridge {
    uint32_t width, targets;
    double *gram, *right, *mean, *target_mean, *work; /* centred: [D,D], [T,D], [D], [T], [D,D] */
};

static void gather(const struct eval_samples *s, struct ridge *r)
{
    size_t d = s->width;
    memset(r->gram, 0, d * d * sizeof(double));
    memset(r->right, 0, r->targets * d * sizeof(double));
    memset(r->mean, 0, d * sizeof(double));
    memset(r->target_mean, 0, r->targets * sizeof(double));
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < d; k++)
            r->mean[k] += (double)s->x[s->rows[i] * d + k] / (double)s->count;
        for (uint32_t t = 0; t < r->targets; t++)
            r->target_mean[t] += s->value[(size_t)s->rows[i] * r->targets + t] / (double)s->count;
    }
    for (size_t i = 0; i < s->count; i++) {
        const float *x = s->x + s->rows[i] * d;
        for (size_t a = 0; a < d; a++) {
            double xa = (double)x[a] - r->mean[a];
            for (size_t b = 0; b <= a; b++)
                r->gram[a * d + b] += xa * ((double)x[b] - r->mean[b]);
            for (uint32_t t = 0; t < r->targets; t++)
                r->right[t * d + a] += xa * (s->value[(size_t)s->rows[i] * r->targets + t] - r->target_mean[t]);
        }
    }
}

/* From gathered sums. */
static enum mien_status ridge_fit(const struct eval_samples *s, const struct ridge *r, double strength, double *weights)
{
    size_t d = s->width;
    double trace = 0;
    for (size_t a = 0; a < d; a++)
        trace += r->gram[a * d + a];
    memcpy(r->work, r->gram, d * d * sizeof(double));
    for (size_t a = 0; a < d; a++)
        r->work[a * d + a] += strength * fmax(trace / (double)d, 1e-30);
    double *x = weights; /* [T,D], then spread out for the intercepts */
    memcpy(x, r->right, r->targets * d * sizeof(double));
    if (!solve(r->work, x, (uint32_t)d, r->targets))
        return base_fail(MIEN_ERR_FAILED, "the features of %zu samples do not allow a regression", s->count);
    for (uint32_t t = r->targets; t-- > 0;) {
        double b = r->target_mean[t];
        memmove(weights + t * (d + 1), x + t * d, d * sizeof(double));
        for (size_t k = 0; k < d; k++)
            b -= weights[t * (d + 1) + k] * r->mean[k];
        weights[t * (d + 1) + d] = b;
    }
    return MIEN_OK;
}

static double squares(const struct eval_samples *s, const double *weights)
{
    double sum = 0;
    for (size_t i = 0; i < s->count; i++)
        for (uint32_t t = 0; t < s->classes; t++) {
            double off = eval_linear(weights, t, s->width, s->x + (size_t)s->rows[i] * s->width) -
                         s->value[(size_t)s->rows[i] * s->classes + t];
            sum += off * off;
        }
    return sum;
}

enum mien_status eval_ridge_sweep(const struct eval_samples *s, double *strength, double *weights)
{
    enum mien_status status = MIEN_OK;
    struct eval_samples kept, held;
    size_t d = s->width;
    struct ridge r = {.width = s->width, .targets = s->classes};
    uint32_t seen = 0, *rows = base_alloc(2 * s->count + 1, sizeof(*rows));
    r.gram = base_alloc(2 * d * d + (r.targets + 1) * d + r.targets, sizeof(double));
    FAIL_IF(!rows || !r.gram, MIEN_ERR_NOMEM, "out of host memory for a regression");
    r.work = r.gram + d * d;
    r.right = r.work + d * d;
    r.mean = r.right + r.targets * d;
    r.target_mean = r.mean + d;
    double best = (double)INFINITY;
    hold_back(s, &seen, &kept, rows, &held, rows + s->count);
    *strength = 1;
    gather(&kept, &r);
    for (int e = -4; held.count > 0 && kept.count > 1 && e <= 2; e++) {
        TRY(ridge_fit(&kept, &r, pow(10, e), weights));
        double value = squares(&held, weights);
        if (value < best) {
            best = value;
            *strength = pow(10, e);
        }
    }
    gather(s, &r);
    TRY(ridge_fit(s, &r, *strength, weights));
fail:
    base_free(rows);
    base_free(r.gram);
    return status;
}
