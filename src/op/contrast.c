/* contrast.c: what the descriptors of the contrastive ops share: their inputs, shape rules, cost, and inputs for tests.
 */
#include "op/contrast.h"
#include "op/signature.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 4096 }; /* of given scores and similarities, which are bound whole: 64 MiB */

static uint32_t place_of(const struct op_desc *op, const char *name)
{
    struct op_signature signature;
    op_signature(op, &signature);
    for (uint32_t i = 0; i < signature.in_count; i++) {
        if (op_tensor_named(&signature.in[i], name, strlen(name)))
            return i;
    }
    return OP_NONE;
}

uint32_t contrast_input(const struct op_call *call, const char *name)
{
    uint32_t place = place_of(call->op, name);
    return place != OP_NONE && call->in[place].rank ? place : OP_NONE;
}

uint32_t contrast_pairs(const struct op_call *call)
{
    bool first = contrast_input(call, "q") != OP_NONE || contrast_input(call, "u") != OP_NONE;
    return first ? call->in[0].dim[0] : call->out[0].dim[0];
}

static bool wants_guide(const struct op_mining *m, bool image)
{
    if (m->kind == OP_MINING_NONE)
        return false;
    return m->guide == OP_GUIDE_CROSSMODAL || m->guide == OP_GUIDE_BOTH || (m->guide == OP_GUIDE_IMAGE) == image;
}

/* An input that an option asks for. */
static enum mien_status check_there(const struct op_call *call, const char *label, bool asked, const char *name,
                                    const char *expected)
{
    uint32_t place = place_of(call->op, name);
    bool missing = asked && place != OP_NONE && !call->in[place].rank;
    return missing ? op_shape_error(call, label, place, expected) : MIEN_OK;
}

enum mien_status contrast_lines_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = MIEN_OK;
    const struct op_mining *m = &call->attr.mining;
    TRY(check_there(call, label, wants_guide(m, false), "text", "there: attr.mining.guide asks for it"));
    TRY(check_there(call, label, wants_guide(m, true), "image", "there: attr.mining.guide asks for it"));
fail:
    return status;
}

enum mien_status contrast_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = MIEN_OK;
    const struct op_mining *m = &call->attr.mining;
    bool stream = contrast_input(call, "u") != OP_NONE;
    for (uint32_t i = 0; i < call->in_count && !stream; i++) {
        if (call->in[i].rank == 2 && call->in[i].dim[0] > MOST_ROWS && call->in[i].dim[1] > MOST_ROWS)
            return op_shape_error(call, label, i, "[N,N], N at most 4096");
    }
    TRY(contrast_lines_shapes(call, label));
    TRY(check_there(call, label, m->same_text != OP_SAME_TEXT_NEGATIVE, "id",
                    "there: attr.mining.same_text asks for it"));
fail:
    return status;
}

double contrast_flops(const struct op_call *call)
{
    static const char *const guides[] = {"text", "image"};
    bool backward = contrast_input(call, "dloss") != OP_NONE;
    double n = call->in[0].dim[0], rows = call->attr.count ? call->attr.count : n,
           widths = (backward ? 3.0 : 1.0) * call->in[0].dim[1];
    for (uint32_t g = 0; g < 2; g++) {
        uint32_t at = contrast_input(call, guides[g]);
        widths += at == OP_NONE ? 0 : (backward ? 1.0 : 2.0) * call->in[at].dim[1]; /* to mine, and to use */
    }
    widths -= backward && call->attr.count ? call->in[0].dim[1] : 0; /* of a block there is one gradient */
    return rows * n * (2 * widths + (backward ? 16 : 8));
}

/* ---- inputs for tests -------------------------------------------------------------------------------------------- */

/* Cosines: noise of width 0.2, the diagonal higher by up to 0.6: some lines saturated, some wrong. */
static void fill_scores(float *a, uint32_t n, struct base_rng *rng)
{
    for (size_t i = 0; i < (size_t)n * n; i++) {
        double value = 0.2 * base_rng_normal(rng) + (i % (n + 1) == 0 ? 0.6 * base_rng_uniform(rng) : 0);
        a[i] = (float)fmin(fmax(value, -1), 1);
    }
}

/* Unit rows; v_i near u_i, so that some lines are saturated and some wrong. */
static void fill_embeddings(float *u, float *v, uint32_t n, uint32_t width, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++, u += width, v += width) {
        double noise = 2 * base_rng_uniform(rng), square[2] = {0};
        for (uint32_t e = 0; e < width; e++) {
            u[e] = (float)base_rng_normal(rng);
            v[e] = (float)(u[e] + noise * base_rng_normal(rng));
            square[0] += (double)u[e] * u[e];
            square[1] += (double)v[e] * v[e];
        }
        for (uint32_t e = 0; e < width; e++) {
            u[e] = (float)(u[e] / sqrt(square[0]));
            v[e] = (float)(v[e] / sqrt(square[1]));
        }
    }
}

/* Lines of some eighths that sum to 1, with one candidate in 16 left out; none at a pair of weight 0. */
static void fill_targets(float *targets, uint32_t n, bool column, const float *w, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++) {
        float own = 1;
        for (uint32_t j = 0; j < n; j++) {
            float *q = &targets[column ? (size_t)j * n + i : (size_t)i * n + j];
            uint32_t draw = base_rng_below(rng, BASE_MAX(n, 16));
            bool positive = draw % 16 < 4 && draw < 16 && own > 0.25f && !(w && w[j] <= 0);
            *q = positive ? 0.125f : draw % 16 == 5 ? -1 : 0;
            own -= positive && i != j ? 0.125f : 0;
        }
        targets[(size_t)i * n + i] = own;
    }
}

/* Symmetric, ones on the diagonal, in steps of 1/64, so that ties are common; one in five at 0.875 or above. */
static void fill_similarities(float *s, uint32_t n, struct base_rng *rng)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            uint32_t near = base_rng_below(rng, 5) == 0, step = base_rng_below(rng, near ? 9 : 120);
            float value = i == j ? 1 : ((near ? 56.0f : -64.0f) + (float)step) / 64;
            s[(size_t)i * n + j] = s[(size_t)j * n + i] = value;
        }
    }
}

/* Embeddings [N,E] of length 1 in clusters, E at least 4. Components are 0 or +- one power of two, so that all
 * similarities are exact in fp32, whatever the order of the sums, and often equal. */
static void fill_guide(float *guide, uint32_t n, uint32_t width, struct base_rng *rng)
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

static void fill_guides(struct op_call *call, uint32_t n, bool embeddings, struct base_rng *rng)
{
    static const char *const names[] = {"text", "image"};
    for (uint32_t g = 0; g < 2; g++) {
        uint32_t at = contrast_input(call, names[g]);
        if (at != OP_NONE && embeddings)
            fill_guide(call->in_data[at], n, call->in[at].dim[1], rng);
        else if (at != OP_NONE)
            fill_similarities(call->in_data[at], n, rng);
    }
}

/* 0, 0.5, 1, 1.5, not all 0 */
static void fill_weights(float *w, uint32_t n, struct base_rng *rng)
{
    for (uint32_t i = 0; w && i < n; i++)
        w[i] = i == n / 2 ? 1 : 0.5f * (float)base_rng_below(rng, 4);
}

static void *data_of(const struct op_call *call, const char *name)
{
    uint32_t at = contrast_input(call, name);
    return at == OP_NONE ? NULL : call->in_data[at];
}

static void fill_scale(struct op_call *call, uint32_t n, struct base_rng *rng)
{
    float *q = data_of(call, "q");
    if (q) /* exp(q) from 10 to its upper bound 100; 1 for very small N: finite differences want a curved loss */
        *q = n < 8 ? 0.2f : (float)(2.3 + 2.3 * base_rng_uniform(rng));
}

static void fill_bias(struct op_call *call, uint32_t n, struct base_rng *rng)
{
    float *b = data_of(call, "b");
    if (b) /* some of Z is above 0 and most below */
        *b = n < 8 ? -0.25f : (float)(-12 * base_rng_uniform(rng));
}

static void fill_given(struct op_call *call, uint32_t n, struct base_rng *rng)
{
    static const char *const targets[] = {"Qr", "Qc"};
    float *w = data_of(call, "w"), *sign = data_of(call, "sign");
    fill_scores(data_of(call, "A"), n, rng);
    fill_scale(call, n, rng);
    fill_weights(w, n, rng);
    for (uint32_t t = 0; t < 2; t++) {
        if (data_of(call, targets[t]))
            fill_targets(data_of(call, targets[t]), n, t == 1, w, rng);
    }
    fill_bias(call, n, rng);
    for (size_t i = 0; sign && i < (size_t)n * n; i++) {
        uint32_t draw = base_rng_below(rng, 16);
        sign[i] = i % (n + 1) == 0 || draw < 3 ? 1 : draw == 3 ? 0 : -1;
    }
}

static void fill_mined(struct op_call *call, uint32_t n, struct base_rng *rng)
{
    float *u = data_of(call, "u");
    int32_t *id = data_of(call, "id");
    if (u)
        fill_embeddings(u, data_of(call, "v"), n, call->in[0].dim[1], rng);
    fill_scale(call, n, rng);
    fill_guides(call, n, u, rng);
    fill_bias(call, n, rng);
    for (uint32_t i = 0; id && i < n; i++) /* few different ones */
        id[i] = (int32_t)base_rng_below(rng, n / 2 + 1);
    fill_weights(data_of(call, "w"), n, rng);
}

void contrast_prepare(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = contrast_pairs(call);
    if (contrast_input(call, "A") != OP_NONE)
        fill_given(call, n, rng);
    else
        fill_mined(call, n, rng);
}
