/* contrast_host.c: mining on the host: the definition. Similarities are compared as fp32. */
#include "op/contrast.h"

#include <math.h>
#include <stdlib.h>

struct contrast_ranked {
    float value;
    uint32_t index;
};

static bool wants(const struct op_mining *m, bool image)
{
    if (m->kind == OP_MINING_NONE)
        return false;
    return m->guide == OP_GUIDE_CROSSMODAL || m->guide == OP_GUIDE_BOTH || (m->guide == OP_GUIDE_IMAGE) == image;
}

enum mien_status contrast_check(const struct op_call *call, const char *label, struct contrast_inputs inputs,
                                uint32_t n, bool similarities)
{
    const struct op_mining *m = &call->attr.mining;
    struct tensor_shape line = SHAPE_F32(n), ids = SHAPE_I32(n);
    for (uint32_t image = 0; image < 2; image++) {
        uint32_t i = image ? inputs.image : inputs.text;
        const struct tensor_shape *s = &call->in[i];
        if (wants(m, image) && !s->rank)
            return op_shape_error(call, label, i, "there: attr.mining.guide asks for it");
        if (s->rank && (s->rank != 2 || s->dim[0] != n || (similarities && s->dim[1] != n)))
            return op_shape_error(call, label, i, similarities ? "similarities [N,N]" : "a guide's embeddings [N,E]");
    }
    if (m->same_text != OP_SAME_TEXT_NEGATIVE && !call->in[inputs.ids].rank)
        return op_shape_error(call, label, inputs.ids, "there: attr.mining.same_text asks for it");
    if (call->in[inputs.ids].rank && !tensor_shape_equal(&call->in[inputs.ids], &ids))
        return op_shape_error(call, label, inputs.ids, "ids of the texts, i32 [N]");
    if (call->in[inputs.weights].rank && !tensor_shape_equal(&call->in[inputs.weights], &line))
        return op_shape_error(call, label, inputs.weights, "weights of the pairs, w[N]");
    return MIEN_OK;
}

enum mien_status contrast_check_saved(const struct op_call *call, const char *label, struct contrast_inputs inputs,
                                      uint32_t n)
{
    struct tensor_shape lines = SHAPE_F32(2, n, 8);
    const uint32_t guide[] = {inputs.text, inputs.image};
    for (uint32_t g = 0; g < 2; g++) {
        const struct tensor_shape *s = &call->in[guide[g]];
        if (wants(&call->attr.mining, g == 1) && !s->rank)
            return op_shape_error(call, label, guide[g], "there: attr.mining.guide asks for it");
        if (s->rank && (s->rank != 2 || s->dim[0] != n))
            return op_shape_error(call, label, guide[g], "a guide's embeddings [N,E]");
    }
    if (!tensor_shape_equal(&call->in[inputs.ids], &lines))
        return op_shape_error(call, label, inputs.ids, "lines[2,N,8] of the forward pass");
    return MIEN_OK;
}

static struct contrast_guide guide_of(const struct op_call *call, uint32_t input, bool similarities)
{
    const struct tensor_shape *shape = &call->in[input];
    return (struct contrast_guide){.data = call->in_data[input],
                                   .width = shape->rank && !similarities ? shape->dim[1] : 0};
}

enum mien_status contrast_host_open(struct contrast_host *host, const struct op_call *call,
                                    struct contrast_inputs inputs, uint32_t n, bool similarities)
{
    enum mien_status status = MIEN_OK;
    *host = (struct contrast_host){.n = n,
                                   .mining = call->attr.mining,
                                   .text = guide_of(call, inputs.text, similarities),
                                   .image = guide_of(call, inputs.image, similarities),
                                   .ids = call->in_data[inputs.ids],
                                   .w = call->in_data[inputs.weights]};
    host->ranked = base_alloc(n, sizeof(*host->ranked));
    FAIL_IF_NULL(host->ranked, "a line of candidates");
fail:
    return status;
}

void contrast_host_close(struct contrast_host *host)
{
    base_free(host->ranked);
    *host = (struct contrast_host){0};
}

double contrast_weight(const struct contrast_host *host, uint32_t pair)
{
    return host->w ? fmax((double)host->w[pair], 0) : 1;
}

double contrast_weight_sum(const struct contrast_host *host)
{
    double sum = 0;
    for (uint32_t i = 0; i < host->n; i++)
        sum += contrast_weight(host, i);
    return sum;
}

static float guide_value(const struct contrast_guide *guide, uint32_t n, uint32_t a, uint32_t b)
{
    double sum = 0;
    if (guide->width == 0)
        return guide->data[(size_t)a * n + b];
    for (uint32_t e = 0; e < guide->width; e++)
        sum += (double)guide->data[(size_t)a * guide->width + e] * guide->data[(size_t)b * guide->width + e];
    return (float)sum;
}

static float similarity(const struct contrast_host *host, bool column, uint32_t a, uint32_t b)
{
    const struct op_mining *m = &host->mining;
    if (m->guide == OP_GUIDE_BOTH)
        return (guide_value(&host->text, host->n, a, b) + guide_value(&host->image, host->n, a, b)) / 2;
    bool image = m->guide == OP_GUIDE_IMAGE || (m->guide == OP_GUIDE_CROSSMODAL && column);
    return guide_value(image ? &host->image : &host->text, host->n, a, b);
}

static float threshold(const struct op_mining *m, bool column)
{
    return m->guide == OP_GUIDE_IMAGE || (m->guide == OP_GUIDE_CROSSMODAL && column) ? m->image : m->text;
}

static bool same(const struct contrast_host *host, enum op_same_text rule, uint32_t a, uint32_t b)
{
    return host->mining.same_text == rule && host->ids && host->ids[a] == host->ids[b];
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
    const struct op_mining *m = &host->mining;
    uint32_t count = 0;
    for (uint32_t j = 0; j < host->n && m->kind != OP_MINING_NONE; j++) {
        if (j == anchor || contrast_weight(host, j) == 0 || same(host, OP_SAME_TEXT_IGNORE, anchor, j))
            continue;
        float value = similarity(host, column, anchor, j);
        if (value >= threshold(m, column))
            host->ranked[count++] = (struct contrast_ranked){value, j};
    }
    if (m->top_k == 0 || count <= m->top_k)
        return count;
    qsort(host->ranked, count, sizeof(*host->ranked), by_rank);
    return m->top_k;
}

/* From membership (1 positive, 0 negative, -1 left out; the anchor's own is not read) to targets. */
static void normalise(struct contrast_host *host, bool column, uint32_t anchor, double *q, struct contrast_ends *ends)
{
    const struct op_mining *m = &host->mining;
    bool soft = m->kind == OP_MINING_SOFT;
    double norm = 0, others = 0, weight = soft ? (double)m->weight : 1;
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

struct contrast_ends contrast_line(struct contrast_host *host, bool column, uint32_t anchor, double *q)
{
    const struct op_mining *m = &host->mining;
    uint32_t mined = rank_candidates(host, column, anchor);
    bool full = m->kind != OP_MINING_NONE && mined > 0 && mined == m->top_k;
    struct contrast_ends ends = {.cut = (double)threshold(m, column), .last = MINE_ALL, .positives = 1};
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
    normalise(host, column, anchor, q, &ends);
    if (full) {
        qsort(host->ranked, mined, sizeof(*host->ranked), by_rank);
        ends.cut = (double)host->ranked[mined - 1].value;
        ends.last = host->ranked[mined - 1].index;
    }
    if (contrast_weight(host, anchor) == 0)
        ends.factor = ends.rest = ends.positives = 0;
    else if (m->kind == OP_MINING_NONE && m->same_text != OP_SAME_TEXT_POSITIVE)
        ends.factor = 0; /* nothing asks for it */
    return ends;
}

struct contrast_ends contrast_sign_line(struct contrast_host *host, bool column, uint32_t anchor, double *q,
                                        float *sign)
{
    struct contrast_ends ends = contrast_line(host, column, anchor, q);
    for (uint32_t j = 0; j < host->n; j++) {
        float *of = &sign[column ? (size_t)j * host->n + anchor : (size_t)anchor * host->n + j];
        float mine = anchor == j || q[j] > 0 ? 1 : q[j] < 0 ? 0 : -1, rows = column ? *of : -1;
        *of = mine > 0 || rows > 0 ? 1 : mine < 0 && rows < 0 ? -1 : 0;
        if (contrast_weight(host, anchor) == 0 || contrast_weight(host, j) == 0)
            *of = 0;
    }
    return ends;
}

void contrast_save_line(const struct contrast_host *host, const struct contrast_ends *ends, double own, uint32_t anchor,
                        float line[8])
{
    const double value[8] = {own,
                             contrast_weight(host, anchor),
                             host->ids ? host->ids[anchor] : 0,
                             ends->cut,
                             ends->last,
                             ends->factor,
                             ends->rest,
                             ends->positives};
    for (uint32_t k = 0; k < 8; k++)
        line[k] = (float)value[k];
}

static enum mien_status saved_alloc(struct contrast_host *host, struct contrast_saved *saved)
{
    enum mien_status status = MIEN_OK;
    host->ids = saved->ids = base_alloc(host->n, sizeof(*saved->ids));
    host->w = saved->w = base_alloc(host->n, sizeof(*saved->w));
    FAIL_IF_NULL(saved->ids, "ids");
    FAIL_IF_NULL(saved->w, "weights");
fail:
    return status;
}

enum mien_status contrast_host_load(struct contrast_host *host, const float *lines, struct contrast_saved *saved)
{
    enum mien_status status = saved_alloc(host, saved);
    for (uint32_t i = 0; status == MIEN_OK && i < host->n; i++) {
        saved->ids[i] = (int32_t)lines[8 * (size_t)i + 2];
        saved->w[i] = lines[8 * (size_t)i + 1];
    }
    return status;
}

void contrast_saved_clear(struct contrast_saved *saved)
{
    base_free(saved->ids);
    base_free(saved->w);
    *saved = (struct contrast_saved){0};
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

void contrast_fill_guide(float *guide, uint32_t n, uint32_t width, struct base_rng *rng)
{
    uint32_t used = 4, clusters = n / 4 + 1;
    while (used * 4 <= width)
        used *= 4;
    float value = (float)(1 / sqrt((double)used));
    for (uint32_t i = 0; i < n; i++) {
        float *row = guide + (size_t)i * width;
        const float *like = guide + (size_t)base_rng_below(rng, BASE_MIN(BASE_MAX(i, 1), clusters)) * width;
        for (uint32_t e = 0; e < width; e++) {
            float drawn = base_rng_below(rng, 2) ? value : -value;
            row[e] = e >= used ? 0 : i < clusters ? drawn : like[e];
        }
        for (uint32_t flips = base_rng_below(rng, 3); flips > 0; flips--)
            row[base_rng_below(rng, used)] *= -1;
    }
}

void contrast_fill_ids(int32_t *ids, uint32_t n, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++)
        ids[i] = (int32_t)base_rng_below(rng, n / 2 + 1);
}

void contrast_fill_weights(float *w, uint32_t n, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++)
        w[i] = i == n / 2 ? 1 : 0.5f * (float)base_rng_below(rng, 4);
}

enum mien_status contrast_host_draw(struct contrast_host *host, struct base_rng *rng, struct contrast_saved *saved)
{
    enum mien_status status = saved_alloc(host, saved);
    if (status == MIEN_OK) {
        contrast_fill_ids(saved->ids, host->n, rng);
        contrast_fill_weights(saved->w, host->n, rng);
    }
    return status;
}
