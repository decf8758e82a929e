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

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (!(call->attr.tau > 0))
        return base_fail(MIEN_ERR_ARG, "%s%s%s: attr tau is %g; it should be above 0", call->op->name,
                         label ? " at " : "", label ? label : "", (double)call->attr.tau);
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
    OP_RECORD_INTO(din, 2, recorder, &op_pool_scores_bwd, use->attr, use->in[PATCHES], use->in[TEXTS], use->dout[0]);
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
    struct weights w = {.dots = op_plan_scratch(p->plan, 4 * cells),
                        .a = op_plan_scratch(p->plan, 4 * cells),
                        .v = op_plan_scratch(p->plan, 4 * cells)};
    w.gram = op_plan_scratch(p->plan, 4ull * p->step * p->patches * p->patches);
    return w;
}

static struct pool_args args_of(const struct pool *p, uint32_t n)
{
    return (struct pool_args){
        .count = n * p->texts, .patches = p->patches, .texts = p->texts, .sharp = 1 / p->plan->call->attr.tau};
}

/* gram = P P^T and v = gram a of each image. */
static void add_gram(struct pool *p, uint32_t first, uint32_t n, const struct weights *w)
{
    struct tensor_shape patches = SHAPE_F32(n, p->patches, p->width);
    struct op_where at = pool_part(OP_IN, PATCHES, first, (uint64_t)p->patches * p->width);
    const struct op_product gram = {
        .attr = {.trans_b = true}, .a_shape = patches, .b_shape = patches, .a = at, .b = at, .y = w->gram};
    const struct op_product v = {.a_shape = SHAPE_F32(n, p->patches, p->patches),
                                 .b_shape = SHAPE_F32(n, p->patches, p->texts),
                                 .a = w->gram,
                                 .b = w->a,
                                 .y = w->v};
    pool_product(p, &gram);
    pool_product(p, &v);
}

static void add_weights(struct pool *p, uint32_t first, uint32_t n, struct weights *w)
{
    struct pool_args args = args_of(p, n);
    w->cells = (uint64_t)n * p->patches * p->texts;
    pool_dots(p, first, n, w->dots);
    struct op_dispatch *d = op_plan_items(p->plan, "pool_scores_fwd_softmax", 0, args.count);
    op_dispatch_round(d, p->plan->caps, 4);
    op_bind_at(d, w->dots, 0, w->cells, OP_READ);
    op_bind_at(d, w->a, 0, w->cells, OP_WRITE);
    OP_PUSH(d, args);
    op_plan_cut(p->plan, 24.0 * (double)w->cells); /* two exponentials, as eight operations each */
    add_gram(p, first, n, w);
}

static void plan_fwd(struct op_plan *plan)
{
    struct pool p;
    if (!pool_begin(&p, plan, plan->call->in[TEXTS].dim[0]))
        return;
    struct weights w = make_weights(&p);
    for (uint32_t first = 0; first < p.images; first += p.step) {
        uint32_t n = BASE_MIN(p.step, p.images - first);
        struct pool_args args = args_of(&p, n);
        add_weights(&p, first, n, &w);
        struct op_dispatch *d = op_plan_items(plan, "pool_scores_fwd", 0, args.count);
        op_bind_at(d, w.dots, 0, w.cells, OP_READ);
        op_bind_at(d, w.a, 0, w.cells, OP_READ);
        op_bind_at(d, w.v, 0, w.cells, OP_READ);
        op_bind_at(d, pool_part(OP_OUT, 0, first, p.texts), 0, args.count, OP_WRITE);
        OP_PUSH(d, args);
        op_plan_cut(plan, 16.0 * (double)w.cells);
    }
}

static const struct op_variant variants[] = {{.name = "pool_scores_fwd", .steps = plan_fwd}, {0}};

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

const struct op_desc op_pool_scores = {
    .name = "pool_scores",
    .signature = "P[N,G,E] s[M,E] -> c[N,M]",
    .summary = "c = cosine of s_j and sum_g a_g P_ig, a = softmax_g(s_j . P_ig / tau); attr tau",
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = pool_fill,
    /* a dot errs by some 2e-7, its weight by that / tau = 3e-6 relatively, but weights sum to 1: the score errs by that
     * times how much the dots of an image differ */
    .tolerance = {.abs = 4e-7, .rel = 1e-6, .nmse = 1e-12},
    .flops = flops,
};

/* ---- pool_scores_bwd --------------------------------------------------------------------------------------------- */

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
    double *dpatch = base_alloc(patches + texts + e, sizeof(double));
    if (dpatch && pair_open(&pair, call) == MIEN_OK) {
        double *dtext = dpatch + patches;
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
static void add_products(struct pool *p, uint32_t first, uint32_t n, const struct weights *w)
{
    uint64_t per_image = (uint64_t)p->patches * p->width;
    struct op_where patches = pool_part(OP_IN, PATCHES, first, per_image), dp = pool_part(OP_OUT, 0, first, per_image);
    struct tensor_shape p_shape = SHAPE_F32(n, p->patches, p->width), x_shape = SHAPE_F32(n, p->patches, p->texts);
    const struct op_product by_dots = {
        .a_shape = x_shape, .b_shape = p->plan->call->in[TEXTS], .a = w->dots, .b = {OP_IN, TEXTS, 0}, .y = dp};
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
    pool_product(p, &by_dots);
    pool_product(p, &gram);
    pool_product(p, &by_size);
    pool_product(p, &ds);
}

static void plan_bwd(struct op_plan *plan)
{
    struct pool p;
    if (!pool_begin(&p, plan, plan->call->in[TEXTS].dim[0]))
        return;
    struct weights w = make_weights(&p);
    for (uint32_t first = 0; first < p.images; first += p.step) {
        uint32_t n = BASE_MIN(p.step, p.images - first);
        struct pool_args args = args_of(&p, n);
        add_weights(&p, first, n, &w);
        struct op_dispatch *d = op_plan_items(plan, "pool_scores_bwd", 0, args.count);
        op_bind_at(d, w.dots, 0, w.cells, OP_READ | OP_WRITE);
        op_bind_at(d, w.a, 0, w.cells, OP_READ);
        op_bind_at(d, w.v, 0, w.cells, OP_READ | OP_WRITE);
        op_bind_at(d, pool_part(OP_IN, DC, first, p.texts), 0, args.count, OP_READ);
        OP_PUSH(d, args);
        op_plan_cut(plan, 28.0 * (double)w.cells);
        add_products(&p, first, n, &w);
    }
}

static double bwd_flops(const struct op_call *call)
{
    const struct tensor_shape *patches = &call->in[PATCHES];
    double n = patches->dim[0], g = patches->dim[1], e = patches->dim[2], m = call->in[TEXTS].dim[0];
    return flops(call) + 2 * n * g * (2 * m * e + m * g + g * e);
}

static const struct op_variant bwd_variants[] = {{.name = "pool_scores_bwd", .steps = plan_bwd}, {0}};

const struct op_desc op_pool_scores_bwd = {
    .name = "pool_scores_bwd",
    .signature = "P[N,G,E] s[M,E] dc[N,M] -> dP[N,G,E] ds[M,E]",
    .summary = "the gradients of pool_scores; attr tau",
    .forward = {&op_pool_scores},
    .shapes = shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* weights err by 3e-6 relatively, and terms of the size dc / tau, 14 dc, of both signs sum to dP */
    .tolerance = {.abs = 4e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = bwd_flops,
};
