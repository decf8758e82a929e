/* filip.c: late interaction: a list of sentences scores an image by the mean of what each finds in its best patch.
 * Images are taken in parts (pool.h). */
#include "args/filip.h"
#include "op/pool.h"

#include <math.h>

enum { PATCHES, TEXTS, WEIGHTS, ARG, DC };

enum { MOST_SENTENCES = 45000 }; /* filip_scores_bwd walks them and the patches; lavapipe ends loops after 65,535 */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (tensor_shape_rows(&call->in[TEXTS]) > MOST_SENTENCES)
        return op_shape_error(call, label, TEXTS, "s[M,K,E] of at most 45,000 sentences");
    return MIEN_OK;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

static double dot(const float *a, const float *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t e = 0; e < count; e++)
        sum += (double)a[e] * b[e];
    return sum;
}

/* The greatest dot of a sentence with an image's patches, the first of equals. */
static double best_of(const struct op_call *call, uint32_t image, uint64_t sentence, int32_t *arg)
{
    const struct tensor_shape *patches = &call->in[PATCHES];
    uint32_t g, count = patches->dim[1], width = patches->dim[2];
    const float *patch = (const float *)call->in_data[PATCHES] + (size_t)image * count * width;
    const float *text = (const float *)call->in_data[TEXTS] + sentence * width;
    double top = -INFINITY;
    for (g = 0; g < count; g++, patch += width) {
        double d = dot(patch, text, width);
        if (d > top) {
            top = d;
            *arg = (int32_t)g;
        }
    }
    return top;
}

/* Of sentence k in list j. */
static double share_of(const struct op_call *call, uint32_t j, uint32_t k)
{
    const float *w = call->in_data[WEIGHTS];
    uint32_t slots = call->in[TEXTS].dim[1];
    double sum = 0;
    if (!w)
        return 1.0 / slots;
    for (uint32_t l = 0; l < slots; l++)
        sum += fmax(w[(size_t)j * slots + l], 0);
    return sum > 0 ? fmax(w[(size_t)j * slots + k], 0) / sum : 0;
}

static void reference(const struct op_call *call)
{
    float *c = call->out_data[0];
    int32_t *arg = call->out_data[1];
    uint32_t n = call->in[PATCHES].dim[0], m = call->in[TEXTS].dim[0], slots = call->in[TEXTS].dim[1];
    for (uint32_t i = 0; i < n * m; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < slots; k++, arg++)
            sum += share_of(call, i % m, k) * best_of(call, i / m, (uint64_t)(i % m) * slots + k, arg);
        c[i] = (float)sum;
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    OP_RECORD_INTO(din, 2, recorder, &op_filip_scores_bwd, use->attr, use->in[PATCHES], use->in[TEXTS],
                   use->in[WEIGHTS], use->out[1], use->dout[0]);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static struct filip_args args_of(const struct pool *p, uint32_t images)
{
    const struct tensor_shape *texts = &p->plan->call->in[TEXTS];
    return (struct filip_args){
        .images = images, .patches = p->patches, .texts = texts->dim[0], .slots = texts->dim[1], .width = p->width};
}

/* share[M,K] */
static void add_share(struct pool *p, struct op_where share)
{
    struct filip_args args = args_of(p, 0);
    bool weights = p->plan->call->in[WEIGHTS].rank != 0;
    args.count = args.texts;
    struct op_dispatch *d = op_plan_items(p->plan, "filip_scores_fwd_share", 0, args.count);
    op_dispatch_round(d, p->plan->caps, 4);
    op_dispatch_bind(d, OP_IN, weights ? WEIGHTS : PATCHES, OP_READ);
    op_bind_at(d, share, 0, p->texts, OP_WRITE);
    op_dispatch_spec(d, 8, weights);
    OP_PUSH(d, args);
}

static void plan_fwd(struct op_plan *plan)
{
    struct pool p;
    uint32_t lists = plan->call->in[TEXTS].dim[0];
    if (!pool_begin(&p, plan, lists))
        return;
    uint64_t cells = (uint64_t)p.step * p.patches * p.texts;
    struct op_where dots = op_plan_scratch(p.plan, 4 * cells), best = op_plan_scratch(p.plan, 4ull * p.step * p.texts);
    struct op_where share = op_plan_scratch(p.plan, 4ull * p.texts);
    add_share(&p, share);
    for (uint32_t first = 0; first < p.images; first += p.step) {
        uint32_t n = BASE_MIN(p.step, p.images - first);
        struct filip_args args = args_of(&p, n);
        args.count = n * p.texts;
        pool_dots(&p, first, n, dots);
        struct op_dispatch *d = op_plan_items(plan, "filip_scores_fwd_best", 0, args.count);
        op_dispatch_round(d, plan->caps, 4);
        op_bind_at(d, dots, 0, (uint64_t)n * p.patches * p.texts, OP_READ);
        op_bind_at(d, best, 0, args.count, OP_WRITE);
        op_bind_at(d, pool_part(OP_OUT, 1, first, p.texts), 0, args.count, OP_WRITE);
        OP_PUSH(d, args);
        args.count = n * lists;
        d = op_plan_items(plan, "filip_scores_fwd", 0, args.count);
        op_bind_at(d, best, 0, (uint64_t)n * p.texts, OP_READ);
        op_bind_at(d, share, 0, p.texts, OP_READ);
        op_bind_at(d, pool_part(OP_OUT, 0, first, lists), 0, args.count, OP_WRITE);
        OP_PUSH(d, args);
    }
}

static const struct op_variant variants[] = {{.name = "filip_scores_fwd", .steps = plan_fwd}, {0}};

static const struct op_case cases[] = {
    {.name = "1x1x1x1x1", .in = {{1, 1, 1}, {1, 1, 1}}},
    {.name = "2x3x4x3x2", .in = {{2, 3, 4}, {3, 2, 4}}, .grad = true},
    {.name = "weights_3x2x5x3x3", .in = {{3, 2, 5}, {3, 3, 5}, {3, 3}}, .grad = true},
    {.name = "weights_7x13x33x127x1", .in = {{7, 13, 33}, {127, 1, 33}, {127, 1}}},
    {.name = "70x127x12x3x7", .in = {{70, 127, 12}, {3, 7, 12}}},
    {.name = "2x513x20x33x2", .in = {{2, 513, 20}, {33, 2, 20}}},
    {.name = "parts_130x49x17x350x2", .in = {{130, 49, 17}, {350, 2, 17}, {350, 2}}},
    {.name = "parts_700x49x127x5x2", .in = {{700, 49, 127}, {5, 2, 127}, {5, 2}}},
    {.name = "64x36x64x64x4", .in = {{64, 36, 64}, {64, 4, 64}, {64, 4}}, .bench = true},
    {.name = "vit_b32_32x49x512x32x1", .in = {{32, 49, 512}, {32, 1, 512}}, .bench = true},
    {.name = "vit_l14_8x576x768x64x4", .in = {{8, 576, 768}, {64, 4, 768}, {64, 4}}, .slow = true},
    {0},
};

static double flops(const struct op_call *call)
{
    double rows = (double)tensor_shape_rows(&call->in[PATCHES]), width = call->in[PATCHES].dim[2];
    return rows * (double)tensor_shape_rows(&call->in[TEXTS]) * (2 * width + 2);
}

/* Small whole numbers times a power of two, so that dots are exact and the best patches the same everywhere; some are
 * equal. Rows are about of unit length. */
static void fill_whole(float *x, uint64_t rows, uint32_t width, struct base_rng *rng)
{
    int bits = (int)ceil(log2(4 * sqrt(width)));
    for (uint64_t i = 0; i < rows * width; i++)
        x[i] = ldexpf((float)base_rng_below(rng, 15) - 7, -bits);
}

/* Weights 0, 0.5, 1, 1.5; whole lists without any. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    float *w = call->in_data[WEIGHTS];
    uint32_t width = call->in[PATCHES].dim[2], slots = call->in[TEXTS].dim[1];
    fill_whole(call->in_data[PATCHES], tensor_shape_rows(&call->in[PATCHES]), width, rng);
    fill_whole(call->in_data[TEXTS], tensor_shape_rows(&call->in[TEXTS]), width, rng);
    for (uint64_t i = 0; w && i < tensor_shape_rows(&call->in[TEXTS]); i++)
        w[i] = i / slots % 8 == 2 ? 0 : 0.5f * (float)base_rng_below(rng, 4);
}

const struct op_desc op_filip_scores = {
    .name = "filip_scores",
    .signature = "P[N,G,E] s[M,K,E] w?[M,K] -> c[N,M] (arg:i32[N,M,K])",
    .summary = "c = sum_k w_jk max_g s_jk . P_ig / sum_k w_jk, 0 for a list without weight; arg: the best patches",
    .constants = 1u << WEIGHTS,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* a division of 2.5 units, a product and a sum of K terms */
    .tolerance = {.abs = 4e-7, .rel = 1e-6, .nmse = 1e-12},
    .grad_eps = 1.0 / (1 << 12), /* dots nearer to each other than that are equal, or rare */
    .flops = flops,
};

/* ---- filip_scores_bwd -------------------------------------------------------------------------------------------- */

static void bwd_reference(const struct op_call *call)
{
    const float *patch = call->in_data[PATCHES], *text = call->in_data[TEXTS], *dc = call->in_data[DC];
    const int32_t *arg = call->in_data[ARG];
    size_t patches = tensor_shape_count(&call->in[PATCHES]), texts = tensor_shape_count(&call->in[TEXTS]);
    uint32_t g = call->in[PATCHES].dim[1], width = call->in[PATCHES].dim[2], slots = call->in[TEXTS].dim[1];
    uint32_t sentences = (uint32_t)tensor_shape_rows(&call->in[TEXTS]);
    double *dpatch = base_alloc(patches + texts, sizeof(double));
    if (!dpatch)
        return;
    double *dtext = dpatch + patches;
    for (size_t pair = 0; pair < (size_t)call->in[PATCHES].dim[0] * sentences; pair++) {
        size_t image = pair / sentences, t = pair % sentences;
        size_t p = (image * g + (size_t)arg[pair]) * width, s = t * width;
        double give = dc[pair / slots] * share_of(call, (uint32_t)(t / slots), (uint32_t)(t % slots));
        for (uint32_t e = 0; e < width; e++) {
            dpatch[p + e] += give * text[s + e];
            dtext[s + e] += give * patch[p + e];
        }
    }
    for (size_t i = 0; i < patches; i++)
        ((float *)call->out_data[0])[i] = (float)dpatch[i];
    for (size_t i = 0; i < texts; i++)
        ((float *)call->out_data[1])[i] = (float)dtext[i];
    base_free(dpatch);
}

static void add_part(struct pool *p, uint32_t first, uint32_t n, struct op_where share)
{
    uint64_t per_image = (uint64_t)p->patches * p->width;
    struct filip_args args = args_of(p, n);
    bool quads = p->width % 4 == 0;
    for (uint32_t side = 0; side < 2; side++) { /* patches, sentences */
        args.count = (side == 0 ? n : p->texts) * (quads ? p->width / 4 : p->width);
        args.again = first > 0;
        struct op_dispatch *d =
            op_plan_items(p->plan, side == 0 ? "filip_scores_bwd" : "filip_scores_bwd_texts", 0, args.count);
        op_dispatch_round(d, p->plan->caps, side == 0 && quads ? 2 : 4);
        op_dispatch_spec(d, 8, quads);
        OP_PUSH(d, args);
        if (side == 0)
            op_dispatch_bind(d, OP_IN, TEXTS, OP_READ);
        else
            op_bind_at(d, pool_part(OP_IN, PATCHES, first, per_image), 0, n * per_image, OP_READ);
        op_bind_at(d, share, 0, p->texts, OP_READ);
        op_bind_at(d, pool_part(OP_IN, ARG, first, p->texts), 0, (uint64_t)n * p->texts, OP_READ);
        op_bind_at(d, pool_part(OP_IN, DC, first, args.texts), 0, (uint64_t)n * args.texts, OP_READ);
        if (side == 0)
            op_bind_at(d, pool_part(OP_OUT, 0, first, per_image), 0, n * per_image, OP_READ | OP_WRITE);
        else
            op_dispatch_bind(d, OP_OUT, 1, OP_READ | OP_WRITE);
        op_plan_cut(p->plan, 4.0 * n * p->texts * p->width);
    }
}

static void plan_bwd(struct op_plan *plan)
{
    struct pool p;
    if (!pool_begin(&p, plan, plan->call->in[TEXTS].dim[0]))
        return;
    struct op_where share = op_plan_scratch(p.plan, 4ull * p.texts);
    add_share(&p, share);
    for (uint32_t first = 0; first < p.images; first += p.step)
        add_part(&p, first, BASE_MIN(p.step, p.images - first), share);
}

static const struct op_variant bwd_variants[] = {{.name = "filip_scores_bwd", .steps = plan_bwd}, {0}};

static double bwd_flops(const struct op_call *call)
{
    double pairs = (double)call->in[PATCHES].dim[0] * (double)tensor_shape_rows(&call->in[TEXTS]);
    return 5 * pairs * call->in[PATCHES].dim[2];
}

const struct op_desc op_filip_scores_bwd = {
    .name = "filip_scores_bwd",
    .signature = "P[N,G,E] s[M,K,E] w?[M,K] arg:i32[N,M,K] dc[N,M] -> dP[N,G,E] ds[M,K,E]",
    .summary = "the gradients of filip_scores: to the best patches alone",
    .forward = {&op_filip_scores},
    .shapes = shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* terms with 4 units of rounding each, up to a few hundred of both signs in a sum */
    .tolerance = {.abs = 2e-6, .rel = 1e-6, .nmse = 1e-12},
    .flops = bwd_flops,
};
