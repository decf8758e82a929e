/* contrast_host.c: the contrastive losses' references: scores, mining (the definition), and what they add up.
 * Similarities are compared as fp32. */
#include "op/contrast.h"

#include <math.h>
#include <stdlib.h>

struct contrast_ranked {
    float value;
    uint32_t index;
};

static const void *data_of(const struct op_call *call, const char *name)
{
    uint32_t at = contrast_input(call, name);
    return at == OP_NONE ? NULL : call->in_data[at];
}

static struct contrast_guide guide_of(const struct op_call *call, const char *name, bool embeddings)
{
    uint32_t at = contrast_input(call, name);
    return (struct contrast_guide){.data = data_of(call, name),
                                   .width = at != OP_NONE && embeddings ? call->in[at].dim[1] : 0};
}

static enum mien_status host_alloc(struct contrast_host *host, bool backward)
{
    enum mien_status status = MIEN_OK;
    size_t n = host->n;
    host->ranked = base_alloc(n, sizeof(*host->ranked));
    host->q = base_alloc(n, sizeof(*host->q));
    host->g = base_alloc(backward ? n * n : 1, sizeof(*host->g));
    host->sign = base_alloc(host->siglip || host->call->attr.mining.signs ? n * n : 1, sizeof(*host->sign));
    FAIL_IF(!host->ranked || !host->q || !host->g || !host->sign, MIEN_ERR_NOMEM, "%s: no memory for its reference",
            host->call->op->name);
fail:
    return status;
}

enum mien_status contrast_host_open(struct contrast_host *host, const struct op_call *call)
{
    const float *q = data_of(call, "q"), *b = data_of(call, "b"), *u = data_of(call, "u");
    const float *dloss = data_of(call, "dloss");
    *host = (struct contrast_host){.call = call,
                                   .n = contrast_pairs(call),
                                   .width = u ? call->in[0].dim[1] : 0,
                                   .s = q ? exp((double)*q) : 0,
                                   .b = b ? (double)*b : 0,
                                   .siglip = b,
                                   .a = u ? u : data_of(call, "A"),
                                   .v = data_of(call, "v"),
                                   .target = {data_of(call, "Qr"), data_of(call, "Qc")},
                                   .w = data_of(call, "w"),
                                   .lines = data_of(call, "lines"),
                                   .id = data_of(call, "id"),
                                   .text = guide_of(call, "text", u),
                                   .image = guide_of(call, "image", u)};
    double weights = contrast_weight_sum(host);
    host->scale = weights > 0 ? (dloss ? (double)*dloss : 1) / (2 * weights) : 0;
    return host_alloc(host, dloss);
}

void contrast_host_close(struct contrast_host *host)
{
    base_free(host->ranked);
    base_free(host->q);
    base_free(host->g);
    base_free(host->sign);
    *host = (struct contrast_host){0};
}

double contrast_weight(const struct contrast_host *host, uint32_t pair)
{
    const float *w = host->lines ? &host->lines[8 * (size_t)pair + 1] : host->w ? &host->w[pair] : NULL;
    return w ? fmax((double)*w, 0) : 1;
}

double contrast_weight_sum(const struct contrast_host *host)
{
    double sum = 0;
    for (uint32_t i = 0; i < host->n; i++)
        sum += contrast_weight(host, i);
    return sum;
}

static double dot(const float *a, const float *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t e = 0; e < count; e++)
        sum += (double)a[e] * b[e];
    return sum;
}

double contrast_score(const struct contrast_host *host, uint32_t row, uint32_t column)
{
    size_t width = host->width;
    return width ? dot(host->a + row * width, host->v + column * width, host->width)
                 : (double)host->a[(size_t)row * host->n + column];
}

/* ---- mining ------------------------------------------------------------------------------------------------------ */

static float guide_value(const struct contrast_guide *guide, uint32_t n, uint32_t a, uint32_t b)
{
    size_t width = guide->width;
    return width ? (float)dot(guide->data + a * width, guide->data + b * width, guide->width)
                 : guide->data[(size_t)a * n + b];
}

static bool by_image(const struct op_mining *m, bool column)
{
    return m->guide == OP_GUIDE_IMAGE || (m->guide == OP_GUIDE_CROSSMODAL && column);
}

static float similarity(const struct contrast_host *host, bool column, uint32_t a, uint32_t b)
{
    const struct op_mining *m = &host->call->attr.mining;
    if (m->guide == OP_GUIDE_BOTH)
        return (guide_value(&host->text, host->n, a, b) + guide_value(&host->image, host->n, a, b)) / 2;
    return guide_value(by_image(m, column) ? &host->image : &host->text, host->n, a, b);
}

static float threshold(const struct op_mining *m, bool column)
{
    return by_image(m, column) ? m->image : m->text;
}

static int32_t id_of(const struct contrast_host *host, uint32_t pair)
{
    return host->lines ? (int32_t)host->lines[8 * (size_t)pair + 2] : host->id ? host->id[pair] : 0;
}

static bool same(const struct contrast_host *host, enum op_same_text rule, uint32_t a, uint32_t b)
{
    return host->call->attr.mining.same_text == rule && (host->id || host->lines) && id_of(host, a) == id_of(host, b);
}

static int by_rank(const void *a, const void *b)
{
    const struct contrast_ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

/* Ranks the candidates that reach the threshold; how many of them are mined. */
static uint32_t rank_candidates(struct contrast_host *host, bool column, uint32_t anchor)
{
    const struct op_mining *m = &host->call->attr.mining;
    uint32_t count = 0;
    for (uint32_t j = 0; j < host->n && m->kind != OP_MINING_NONE; j++) {
        if (j == anchor || contrast_weight(host, j) == 0 || same(host, OP_SAME_TEXT_IGNORE, anchor, j))
            continue;
        float value = similarity(host, column, anchor, j);
        if (value >= threshold(m, column))
            host->ranked[count++] = (struct contrast_ranked){value, j};
    }
    if (m->top_k == 0 || count < m->top_k)
        return count;
    qsort(host->ranked, count, sizeof(*host->ranked), by_rank);
    return m->top_k;
}

/* From membership (1 positive, 0 negative, -1 left out; the anchor's own is not read) to targets. */
static void normalise(struct contrast_host *host, bool column, uint32_t anchor, struct contrast_ends *ends)
{
    const struct op_mining *m = &host->call->attr.mining;
    bool soft = m->kind == OP_MINING_SOFT;
    double norm = 0, others = 0, weight = soft ? (double)m->weight : 1, *q = host->q;
    for (uint32_t j = 0; j < host->n; j++) {
        bool positive = j == anchor || q[j] > 0;
        double share = positive && soft ? exp(((double)similarity(host, column, anchor, j) - 1) / (double)m->tau) : 1;
        q[j] = positive ? share : q[j];
        norm += positive ? share : 0;
    }
    for (uint32_t j = 0; j < host->n; j++) {
        if (j == anchor || q[j] <= 0)
            continue;
        q[j] *= weight / norm;
        others += q[j];
    }
    q[anchor] = 1 - others;
    ends->factor = weight / norm;
    ends->rest = -others;
}

static struct contrast_ends mine_line(struct contrast_host *host, bool column, uint32_t anchor)
{
    const struct op_mining *m = &host->call->attr.mining;
    double *q = host->q;
    uint32_t mined = rank_candidates(host, column, anchor);
    struct contrast_ends ends = {.cut = (double)threshold(m, column), .last = MINE_ALL, .positives = 1};
    if (mined > 0 && mined == m->top_k) {
        ends.cut = (double)host->ranked[mined - 1].value;
        ends.last = host->ranked[mined - 1].index;
    }
    for (uint32_t j = 0; j < host->n; j++) {
        bool hidden = contrast_weight(host, j) == 0 || same(host, OP_SAME_TEXT_IGNORE, anchor, j);
        q[j] = hidden ? -1 : same(host, OP_SAME_TEXT_POSITIVE, anchor, j);
    }
    for (uint32_t k = 0; k < mined; k++) {
        double *of = &q[host->ranked[k].index];
        if (*of == 0)
            *of = m->kind == OP_MINING_IGNORE ? -2 : 1;
    }
    q[anchor] = 0;
    for (uint32_t j = 0; j < host->n; j++) {
        ends.positives += q[j] > 0 || q[j] == -2;
        q[j] = q[j] < 0 ? -1 : q[j];
    }
    normalise(host, column, anchor, &ends);
    if (contrast_weight(host, anchor) == 0)
        ends.factor = ends.rest = ends.positives = 0;
    else if (m->kind == OP_MINING_NONE && m->same_text != OP_SAME_TEXT_POSITIVE)
        ends.factor = 0; /* nothing asks for it */
    return ends;
}

/* Targets given for each element; absent ones are the identity. */
static struct contrast_ends given_line(struct contrast_host *host, bool column, uint32_t anchor)
{
    const float *target = host->target[column];
    size_t base = column ? anchor : (size_t)anchor * host->n, step = column ? host->n : 1;
    for (uint32_t j = 0; j < host->n; j++)
        host->q[j] = contrast_weight(host, j) == 0 ? -1 : target ? (double)target[base + j * step] : j == anchor;
    return (struct contrast_ends){.rest = target ? (double)target[base + anchor * step] - 1 : 0};
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void save_line(const struct contrast_host *host, const struct contrast_ends *ends, uint32_t anchor, float *line)
{
    const double value[8] = {host->siglip ? 0 : contrast_score(host, anchor, anchor),
                             contrast_weight(host, anchor),
                             id_of(host, anchor),
                             ends->cut,
                             ends->last,
                             ends->factor,
                             ends->rest,
                             ends->positives};
    for (uint32_t k = 0; k < 8; k++)
        line[k] = (float)value[k];
}

void contrast_each_line(struct contrast_host *host, contrast_each *each, float *lines, float *positives)
{
    bool given = host->a && !host->width;
    for (uint32_t column = 0; column < 2; column++) {
        double count = 0, there = 0;
        for (uint32_t i = 0; i < host->n; i++) {
            struct contrast_ends ends = given ? given_line(host, column, i) : mine_line(host, column, i);
            each(host, column, i, &ends);
            count += ends.positives;
            there += contrast_weight(host, i) > 0;
            if (lines)
                save_line(host, &ends, i, &lines[8 * ((size_t)column * host->n + i)]);
        }
        if (positives)
            positives[column] = (float)(count / fmax(there, 1));
    }
}

void contrast_add_signs(struct contrast_host *host, bool column, uint32_t anchor, const struct contrast_ends *ends)
{
    (void)ends;
    for (uint32_t j = 0; j < host->n; j++) {
        float *of = &host->sign[column ? (size_t)j * host->n + anchor : (size_t)anchor * host->n + j];
        double q = host->q[j];
        float mine = anchor == j || q > 0 ? 1 : q < 0 ? 0 : -1, rows = column ? *of : -1;
        *of = mine > 0 || rows > 0 ? 1 : mine < 0 && rows < 0 ? -1 : 0;
        if (contrast_weight(host, anchor) == 0 || contrast_weight(host, j) == 0)
            *of = 0;
    }
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

/* du = g v, dv = g^T u [N,E], in double sums. */
static void multiply(const struct contrast_host *host, double *du, double *dv)
{
    size_t n = host->n, width = host->width;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double g = host->g[i * n + j];
            for (size_t e = 0; e < width && g != 0; e++) {
                du[i * width + e] += g * host->v[j * width + e];
                dv[j * width + e] += g * host->a[i * width + e];
            }
        }
    }
}

static void store(const double *x, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)x[i];
}

void contrast_give_gradients(const struct contrast_host *host)
{
    void *const *out = host->call->out_data;
    size_t n = host->n, count = n * host->width;
    uint32_t next = host->width ? 2 : 1;
    double *du = base_alloc(2 * count + 1, sizeof(*du));
    if (host->width && du) {
        multiply(host, du, du + count);
        store(du, count, out[0]);
        store(du + count, count, out[1]);
    } else if (!host->width) {
        store(host->g, n * n, out[0]);
    }
    base_free(du);
    *(float *)out[next] = (float)host->dq;
    if (next + 1 < host->call->out_count)
        *(float *)out[next + 1] = (float)host->db;
}
