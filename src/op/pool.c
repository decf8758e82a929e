/* pool.c: text-conditioned pooling: for image i and sentence j the patches P_ig [E] are pooled with the attention of
 * s_j, and the score is the cosine of what that gives with s_j.
 *
 * The score needs of the pooled feature h = sum_g a_g P_g only h . s = sum_g a_g D_g, with the dots D_g = s . P_g, and
 * |h|^2 = a . (P P^T) a: so no [N,M,E] is ever stored, and nearly all work is matrix products of one image's patches
 * with all sentences. Images are taken in parts, each [n,G,M]. */
#include "op/pool.h"
#include "args/pool.h"

#include <math.h>

enum { PATCHES, TEXTS, DC };

/* P[N,G,E], s[M,E] -> c[N,M] */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *patches = &call->in[PATCHES], *texts = &call->in[TEXTS];
    if (patches->rank != 3)
        return op_shape_error(call, label, PATCHES, "patch features P[N,G,E]");
    if (texts->rank != 2 || texts->dim[1] != patches->dim[2])
        return op_shape_error(call, label, TEXTS, "sentence features s[M,E], E as of input 0");
    if (!(call->attr.tau > 0))
        return base_fail(MIEN_ERR_ARG, "%s%s%s: attr tau is %g; it should be above 0", call->op->name,
                         label ? " at " : "", label ? label : "", (double)call->attr.tau);
    call->out[0] = SHAPE_F32(patches->dim[0], texts->dim[0]);
    call->out_count = 1;
    return MIEN_OK;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

/* One pair on the host; memory for all of them in turn. */
struct pair {
    uint32_t patches, width;
    double *dot, *a; /* [G] */
    double *h;       /* [E] */
    double size;     /* of h, at least POOL_LEAST */
    bool least;
    double score;
};

static enum mien_status pair_open(struct pair *pair, const struct op_call *call)
{
    enum mien_status status = MIEN_OK;
    uint32_t g = call->in[PATCHES].dim[1], e = call->in[PATCHES].dim[2];
    *pair = (struct pair){.patches = g, .width = e, .dot = base_alloc(2 * (size_t)g + e, sizeof(double))};
    FAIL_IF_NULL(pair->dot, "a pair's dots");
    pair->a = pair->dot + g;
    pair->h = pair->a + g;
fail:
    return status;
}

static void pair_pool(struct pair *pair, const float *patch, const float *text, double tau)
{
    double top = -INFINITY, sum = 0, along = 0, square = 0;
    uint32_t g, e, width = pair->width;
    for (g = 0; g < pair->patches; g++) {
        pair->dot[g] = 0;
        for (e = 0; e < width; e++)
            pair->dot[g] += (double)patch[(size_t)g * width + e] * text[e];
        top = fmax(top, pair->dot[g]);
    }
    for (g = 0; g < pair->patches; g++)
        sum += pair->a[g] = exp((pair->dot[g] - top) / tau);
    for (e = 0; e < width; e++)
        pair->h[e] = 0;
    for (g = 0; g < pair->patches; g++) {
        pair->a[g] /= sum;
        for (e = 0; e < width; e++)
            pair->h[e] += pair->a[g] * patch[(size_t)g * width + e];
    }
    for (e = 0; e < width; e++) {
        along += pair->h[e] * text[e];
        square += pair->h[e] * pair->h[e];
    }
    pair->least = sqrt(square) <= (double)POOL_LEAST;
    pair->size = fmax(sqrt(square), (double)POOL_LEAST);
    pair->score = along / pair->size;
}

static void reference(const struct op_call *call)
{
    struct pair pair;
    const float *patch = call->in_data[PATCHES], *text = call->in_data[TEXTS];
    float *c = call->out_data[0];
    uint32_t n = call->in[PATCHES].dim[0], m = call->in[TEXTS].dim[0];
    if (pair_open(&pair, call) != MIEN_OK)
        return;
    for (uint32_t i = 0; i < n; i++, patch += (size_t)pair.patches * pair.width) {
        for (uint32_t j = 0; j < m; j++) {
            pair_pool(&pair, patch, text + (size_t)j * pair.width, call->attr.tau);
            *c++ = (float)pair.score;
        }
    }
    base_free(pair.dot);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    const op_value in[] = {use->in[PATCHES], use->in[TEXTS], use->dout[0]};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] == OP_NONE)
        return;
    recorder->record(recorder, &op_pool_scores_bwd, use->attr, in, BASE_COUNT(in), out);
    din[PATCHES] = out[0];
    din[TEXTS] = out[1];
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* A part's scratch. */
struct weights {
    struct op_where dots, a, v; /* [n,G,M]: P . s, softmax of it, (P P^T) a */
    struct op_where gram;       /* [n,G,G]: P P^T */
    uint64_t cells;             /* of dots */
};

static struct weights make_weights(struct pool *p)
{
    uint64_t cells = (uint64_t)p->step * p->patches * p->texts;
    struct weights w = {.dots = pool_scratch(p, cells), .a = pool_scratch(p, cells), .v = pool_scratch(p, cells)};
    w.gram = pool_scratch(p, (uint64_t)p->step * p->patches * p->patches);
    return w;
}

static struct pool_args args_of(const struct pool *p, uint32_t n)
{
    return (struct pool_args){
        .count = n * p->texts, .patches = p->patches, .texts = p->texts, .sharp = 1 / p->call->attr.tau};
}

/* gram = P P^T and v = gram a of each image. */
static enum mien_status add_gram(struct pool *p, uint32_t first, uint32_t n, const struct weights *w)
{
    enum mien_status status = MIEN_OK;
    struct tensor_shape patches = SHAPE_F32(n, p->patches, p->width);
    struct op_where at = pool_part(OP_IN, PATCHES, first, (uint64_t)p->patches * p->width);
    const struct op_product gram = {
        .attr = {.trans_b = true}, .a_shape = patches, .b_shape = patches, .a = at, .b = at, .y = w->gram};
    const struct op_product v = {.a_shape = SHAPE_F32(n, p->patches, p->patches),
                                 .b_shape = SHAPE_F32(n, p->patches, p->texts),
                                 .a = w->gram,
                                 .b = w->a,
                                 .y = w->v};
    TRY(pool_product(p, &gram));
    TRY(pool_product(p, &v));
fail:
    return status;
}

static enum mien_status add_weights(struct pool *p, uint32_t first, uint32_t n, struct weights *w)
{
    enum mien_status status = MIEN_OK;
    struct pool_args args = args_of(p, n);
    w->cells = (uint64_t)n * p->patches * p->texts;
    TRY(pool_dots(p, first, n, w->dots));
    struct op_dispatch *d = pool_add(p, "pool_scores_fwd_softmax", &args, sizeof(args), args.count);
    FAIL_IF_NULL(d, "a plan");
    pool_bind(d, w->dots, w->cells, OP_READ);
    pool_bind(d, w->a, w->cells, OP_WRITE);
    TRY(add_gram(p, first, n, w));
fail:
    return status;
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct pool p;
    TRY(pool_begin(&p, caps, call, plan, call->in[TEXTS].dim[0]));
    struct weights w = make_weights(&p);
    for (uint32_t first = 0; first < p.images; first += p.step) {
        uint32_t n = BASE_MIN(p.step, p.images - first);
        struct pool_args args = args_of(&p, n);
        TRY(add_weights(&p, first, n, &w));
        struct op_dispatch *d = pool_add(&p, "pool_scores_fwd", &args, sizeof(args), args.count);
        FAIL_IF_NULL(d, "a plan");
        pool_bind(d, w.dots, w.cells, OP_READ);
        pool_bind(d, w.a, w.cells, OP_READ);
        pool_bind(d, w.v, w.cells, OP_READ);
        pool_bind(d, pool_part(OP_OUT, 0, first, p.texts), args.count, OP_WRITE);
    }
fail:
    return status;
}

static const struct op_variant variants[] = {{.name = "pool_scores_fwd", .plan = plan_fwd}, {0}};

#define TAU .attr = {.tau = 0.07f}
#define ZEROS .attr = {.tau = 0.07f, .value = 1} /* pool_fill: the last image has no features */
static const struct op_case cases[] = {
    {.name = "1x1x1x1", TAU, .in = {{1, 1, 1}, {1, 1}}},
    {.name = "2x3x4x3", .attr = {.tau = 0.5f}, .in = {{2, 3, 4}, {3, 4}}, .grad = true},
    {.name = "3x2x5x1", TAU, .in = {{3, 2, 5}, {1, 5}}, .grad = true},
    {.name = "5x1x8x9", TAU, .in = {{5, 1, 8}, {9, 8}}},
    {.name = "zeros_5x3x8x9", ZEROS, .in = {{5, 3, 8}, {9, 8}}},
    {.name = "7x13x33x127", TAU, .in = {{7, 13, 33}, {127, 33}}},
    {.name = "70x127x12x3", TAU, .in = {{70, 127, 12}, {3, 12}}},
    {.name = "2x513x20x66", TAU, .in = {{2, 513, 20}, {66, 20}}},
    {.name = "parts_130x49x17x700", TAU, .in = {{130, 49, 17}, {700, 17}}},
    {.name = "64x36x64x64", TAU, .in = {{64, 36, 64}, {64, 64}}, .bench = true},
    {.name = "vit_b32_32x49x512x32", TAU, .in = {{32, 49, 512}, {32, 512}}, .bench = true},
    {.name = "vit_b16_4x196x512x64", TAU, .in = {{4, 196, 512}, {64, 512}}},
    {.name = "vit_b32_256x49x512x256", TAU, .in = {{256, 49, 512}, {256, 512}}, .bench = true, .slow = true},
    {.name = "vit_l14_8x576x768x64", TAU, .in = {{8, 576, 768}, {64, 768}}, .slow = true},
    {0},
};

/* Multiply-adds of the products: dots, gram and (gram a). */
static double product_flops(const struct op_call *call)
{
    const struct tensor_shape *patches = &call->in[PATCHES];
    double n = patches->dim[0], g = patches->dim[1], e = patches->dim[2], m = call->in[TEXTS].dim[0];
    return 2 * n * g * (m * e + g * e + m * g);
}

static double flops(const struct op_call *call)
{
    return product_flops(call) + 12.0 * (double)tensor_shape_rows(&call->in[PATCHES]) * call->in[TEXTS].dim[0];
}

static void prepare(struct op_call *call, struct base_rng *rng)
{
    pool_fill(call, rng);
}

const struct op_desc op_pool_scores = {
    .name = "pool_scores",
    .summary = "c[N,M] = cosine of s[M,E]_j and sum_g a_g P[N,G,E]_ig, a = softmax_g(s_j . P_ig / tau); attr tau",
    .in_count = 2,
    .out_count = 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* a dot errs by some 2e-7, its weight by that / tau = 3e-6 relatively, but weights sum to 1: the score errs by that
     * times how much the dots of an image differ */
    .tolerance = {.abs = 4e-7, .rel = 1e-6, .nmse = 1e-12},
    .flops = flops,
};

/* ---- pool_scores_bwd: P[N,G,E], s[M,E], dc[N,M] -> dP, ds ----------------------------------------------------------
 */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = shapes(call, label);
    if (status != MIEN_OK)
        return status;
    if (!tensor_shape_equal(&call->in[DC], &call->out[0]))
        return op_shape_error(call, label, DC, "dc[N,M]");
    call->out[0] = call->in[PATCHES];
    call->out[1] = call->in[TEXTS];
    call->out_count = 2;
    return MIEN_OK;
}

/* Adds a pair's gradients in double; dh [E] is memory. */
static void add_pair(const struct pair *pair, const float *patch, const float *text, double tau, double dc, double *dh,
                     double *dpatch, double *dtext)
{
    uint32_t g, e, width = pair->width;
    double along = 0;
    for (e = 0; e < width; e++) {
        double f = pair->h[e] / pair->size;
        dtext[e] += dc * f;
        dh[e] = dc * (text[e] - (pair->least ? 0 : f * pair->score)) / pair->size;
        along += dh[e] * pair->h[e];
    }
    for (g = 0; g < pair->patches; g++, patch += width, dpatch += width) {
        double da = 0, de;
        for (e = 0; e < width; e++)
            da += dh[e] * patch[e];
        de = pair->a[g] * (da - along) / tau;
        for (e = 0; e < width; e++) {
            dpatch[e] += pair->a[g] * dh[e] + de * text[e];
            dtext[e] += de * patch[e];
        }
    }
}

static void bwd_reference(const struct op_call *call)
{
    struct pair pair;
    const float *patch = call->in_data[PATCHES], *text = call->in_data[TEXTS], *dc = call->in_data[DC];
    size_t patches = tensor_shape_count(&call->in[PATCHES]), texts = tensor_shape_count(&call->in[TEXTS]);
    uint32_t n = call->in[PATCHES].dim[0], m = call->in[TEXTS].dim[0], e = call->in[PATCHES].dim[2];
    double *dpatch = base_alloc(patches + texts + e, sizeof(double)), *dtext = dpatch + patches;
    if (dpatch && pair_open(&pair, call) == MIEN_OK) {
        for (uint32_t i = 0; i < n * m; i++) {
            size_t at = (size_t)(i / m) * pair.patches * e, to = (size_t)(i % m) * e;
            pair_pool(&pair, patch + at, text + to, call->attr.tau);
            add_pair(&pair, patch + at, text + to, call->attr.tau, dc[i], dtext + texts, dpatch + at, dtext + to);
        }
        for (size_t i = 0; i < patches; i++)
            ((float *)call->out_data[0])[i] = (float)dpatch[i];
        for (size_t i = 0; i < texts; i++)
            ((float *)call->out_data[1])[i] = (float)dtext[i];
        base_free(pair.dot);
    }
    base_free(dpatch);
}

/* With X = dc/dD in w->dots and B in w->v (pool_scores_bwd.comp): dP = X s + (B a^T) P, ds += X^T P. */
static enum mien_status add_products(struct pool *p, uint32_t first, uint32_t n, const struct weights *w)
{
    enum mien_status status = MIEN_OK;
    uint64_t per_image = (uint64_t)p->patches * p->width;
    struct op_where patches = pool_part(OP_IN, PATCHES, first, per_image), dp = pool_part(OP_OUT, 0, first, per_image);
    struct tensor_shape p_shape = SHAPE_F32(n, p->patches, p->width), x_shape = SHAPE_F32(n, p->patches, p->texts);
    const struct op_product by_dots = {
        .a_shape = x_shape, .b_shape = p->call->in[TEXTS], .a = w->dots, .b = {OP_IN, TEXTS, 0}, .y = dp};
    const struct op_product gram = {
        .attr = {.trans_b = true}, .a_shape = x_shape, .b_shape = x_shape, .a = w->v, .b = w->a, .y = w->gram};
    const struct op_product by_size = {.a_shape = SHAPE_F32(n, p->patches, p->patches),
                                       .b_shape = p_shape,
                                       .a = w->gram,
                                       .b = patches,
                                       .y = dp,
                                       .add = true};
    const struct op_product ds = {.attr = {.trans_a = true, .flatten = true},
                                  .a_shape = x_shape,
                                  .b_shape = p_shape,
                                  .a = w->dots,
                                  .b = patches,
                                  .y = {OP_OUT, 1, 0},
                                  .add = first > 0};
    TRY(pool_product(p, &by_dots));
    TRY(pool_product(p, &gram));
    TRY(pool_product(p, &by_size));
    TRY(pool_product(p, &ds));
fail:
    return status;
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct pool p;
    TRY(pool_begin(&p, caps, call, plan, call->in[TEXTS].dim[0]));
    struct weights w = make_weights(&p);
    for (uint32_t first = 0; first < p.images; first += p.step) {
        uint32_t n = BASE_MIN(p.step, p.images - first);
        struct pool_args args = args_of(&p, n);
        TRY(add_weights(&p, first, n, &w));
        struct op_dispatch *d = pool_add(&p, "pool_scores_bwd", &args, sizeof(args), args.count);
        FAIL_IF_NULL(d, "a plan");
        pool_bind(d, w.dots, w.cells, OP_READ | OP_WRITE);
        pool_bind(d, w.a, w.cells, OP_READ);
        pool_bind(d, w.v, w.cells, OP_READ | OP_WRITE);
        pool_bind(d, pool_part(OP_IN, DC, first, p.texts), args.count, OP_READ);
        TRY(add_products(&p, first, n, &w));
    }
fail:
    return status;
}

static double bwd_flops(const struct op_call *call)
{
    const struct tensor_shape *patches = &call->in[PATCHES];
    double n = patches->dim[0], g = patches->dim[1], e = patches->dim[2], m = call->in[TEXTS].dim[0];
    return flops(call) + 2 * n * g * (2 * m * e + m * g + g * e);
}

static const struct op_variant bwd_variants[] = {{.name = "pool_scores_bwd", .plan = plan_bwd}, {0}};

static const struct op_case bwd_cases[] = {
    {.name = "1x1x1x1", TAU, .in = {{1, 1, 1}, {1, 1}, {1, 1}}},
    {.name = "5x1x8x9", TAU, .in = {{5, 1, 8}, {9, 8}, {5, 9}}},
    {.name = "zeros_5x3x8x9", ZEROS, .in = {{5, 3, 8}, {9, 8}, {5, 9}}},
    {.name = "7x13x33x127", TAU, .in = {{7, 13, 33}, {127, 33}, {7, 127}}},
    {.name = "70x127x12x3", TAU, .in = {{70, 127, 12}, {3, 12}, {70, 3}}},
    {.name = "parts_130x49x17x700", TAU, .in = {{130, 49, 17}, {700, 17}, {130, 700}}},
    {.name = "64x36x64x64", TAU, .in = {{64, 36, 64}, {64, 64}, {64, 64}}, .bench = true},
    {.name = "vit_b32_32x49x512x32", TAU, .in = {{32, 49, 512}, {32, 512}, {32, 32}}, .bench = true},
    {.name = "vit_l14_8x576x768x64", TAU, .in = {{8, 576, 768}, {64, 768}, {8, 64}}, .slow = true},
    {0},
};

const struct op_desc op_pool_scores_bwd = {
    .name = "pool_scores_bwd",
    .summary = "dP[N,G,E] and ds[M,E] of pool_scores from P, s and dc[N,M]; attr tau",
    .in_count = 3,
    .out_count = 2,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_NORMAL},
    .prepare = prepare,
    /* weights err by 3e-6 relatively, and terms of the size dc / tau, 14 dc, of both signs sum to dP */
    .tolerance = {.abs = 4e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = bwd_flops,
};
