/* siglip_stream.c: the sigmoid loss of embeddings u, v [N,E]: siglip.c's loss of the scores A = u v^T, with signs from
 * mining by similarity (contrast.h; a mined pair of either direction is a positive, +1, unless the kind is `ignore`),
 * while only a slab of the scores and of the similarities is in memory at a time. Backward the scores of a slab are
 * made again and become exp(q) G in place; du = exp(q) G v for the slab's rows, dv += exp(q) G^T u from them. */
#include "op/infonce_stream.h"
#include "op/siglip.h"

#include <math.h>

/* u, v and the scale as in infonce_stream.h */
enum { BIAS = STREAM_SCALE + 1, TEXT, IMAGE, IDS, WEIGHTS };
enum { LINES = IDS, DLOSS }; /* of siglip_stream_bwd */

static const struct contrast_inputs inputs = {TEXT, IMAGE, IDS, WEIGHTS};
static const struct contrast_inputs inputs_bwd = {TEXT, IMAGE, LINES, LINES}; /* ids and weights are in the lines */

static enum mien_status check(const struct op_call *call, const char *label)
{
    struct tensor_shape scalar = SHAPE_F32(1);
    enum mien_status status = infonce_stream_check(call, label);
    if (status == MIEN_OK && !tensor_shape_equal(&call->in[BIAS], &scalar))
        status = op_shape_error(call, label, BIAS, "the bias, b[1]");
    return status;
}

/* loss[1], lines[2,N,8], positives[2] */
static enum mien_status shapes_fwd(struct op_call *call, const char *label)
{
    enum mien_status status = check(call, label);
    uint32_t n = call->in[STREAM_U].dim[0];
    if (status == MIEN_OK)
        status = contrast_check(call, label, inputs, n, false);
    call->out[0] = SHAPE_F32(1);
    call->out[1] = SHAPE_F32(2, n, 8);
    call->out[2] = SHAPE_F32(2);
    call->out_count = 3;
    return status;
}

static enum mien_status shapes_bwd(struct op_call *call, const char *label)
{
    enum mien_status status = check(call, label);
    uint32_t n = call->in[STREAM_U].dim[0];
    struct tensor_shape scalar = SHAPE_F32(1);
    if (status == MIEN_OK)
        status = contrast_check_saved(call, label, inputs_bwd, n);
    if (status == MIEN_OK && !tensor_shape_equal(&call->in[DLOSS], &scalar))
        status = op_shape_error(call, label, DLOSS, "dloss[1]");
    call->out[0] = call->out[1] = call->in[STREAM_U];
    call->out[2] = call->out[3] = scalar;
    call->out_count = 4;
    return status;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

/* A call on the host: scores and signs of all pairs. */
struct stream {
    struct siglip_host pairs;
    struct contrast_host mining;
    double *q; /* [N] a line */
};

static void stream_close(struct stream *s)
{
    siglip_host_close(&s->pairs);
    contrast_host_close(&s->mining);
    base_free(s->q);
    s->q = NULL;
}

static enum mien_status stream_open(struct stream *s, const struct op_call *call, struct contrast_inputs of)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = call->in[STREAM_U].dim[0], width = call->in[STREAM_U].dim[1];
    const float *u = call->in_data[STREAM_U], *v = call->in_data[STREAM_V];
    *s = (struct stream){0};
    TRY(siglip_host_open(&s->pairs, n, *(const float *)call->in_data[STREAM_SCALE],
                         *(const float *)call->in_data[BIAS]));
    TRY(contrast_host_open(&s->mining, call, of, n, false));
    s->q = base_alloc(n, sizeof(*s->q));
    FAIL_IF_NULL(s->q, "a line of targets");
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            double sum = 0;
            for (uint32_t e = 0; e < width; e++)
                sum += (double)u[(size_t)i * width + e] * v[(size_t)j * width + e];
            s->pairs.a[(size_t)i * n + j] = sum;
        }
    }
    return MIEN_OK;
fail:
    stream_close(s);
    return status;
}

/* Signs and weights by mining; lines and positives may be NULL. */
static void stream_mine(struct stream *s, float *lines, float *positives)
{
    for (uint32_t column = 0; column < 2; column++) {
        double count = 0, there = 0;
        for (uint32_t i = 0; i < s->pairs.n; i++) {
            struct contrast_ends ends = contrast_sign_line(&s->mining, column, i, s->q, s->pairs.sign);
            s->pairs.w[i] = contrast_weight(&s->mining, i);
            count += ends.positives;
            there += s->pairs.w[i] > 0;
            if (lines)
                contrast_save_line(&s->mining, &ends, 0, i, &lines[8 * ((size_t)column * s->pairs.n + i)]);
        }
        if (positives)
            positives[column] = (float)(count / fmax(there, 1));
    }
}

static void reference_fwd(const struct op_call *call)
{
    struct stream s;
    if (stream_open(&s, call, inputs) != MIEN_OK)
        return;
    stream_mine(&s, call->out_data[1], call->out_data[2]);
    *(float *)call->out_data[0] = (float)siglip_host_loss(&s.pairs);
    stream_close(&s);
}

/* y[rows of g or of its transpose] = g x, in double sums */
static void multiply(const double *g, bool transposed, const float *x, uint32_t n, uint32_t width, float *y)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t e = 0; e < width; e++) {
            double sum = 0;
            for (uint32_t j = 0; j < n; j++)
                sum += (transposed ? g[(size_t)j * n + i] : g[(size_t)i * n + j]) * x[(size_t)j * width + e];
            y[(size_t)i * width + e] = (float)sum;
        }
    }
}

static void reference_bwd(const struct op_call *call)
{
    struct stream s;
    struct contrast_saved saved = {0};
    uint32_t n = call->in[STREAM_U].dim[0], width = call->in[STREAM_U].dim[1];
    double dq_db[2] = {0}, *g = base_alloc((size_t)n * n, sizeof(*g));
    bool ready = stream_open(&s, call, inputs_bwd) == MIEN_OK;
    if (g && ready && contrast_host_load(&s.mining, call->in_data[LINES], &saved) == MIEN_OK) {
        stream_mine(&s, NULL, NULL);
        double scale = siglip_host_scale(&s.pairs, *(const float *)call->in_data[DLOSS]);
        for (size_t i = 0; i < (size_t)n * n; i++)
            g[i] = siglip_host_gradient(&s.pairs, scale, (uint32_t)(i / n), (uint32_t)(i % n), dq_db);
        multiply(g, false, call->in_data[STREAM_V], n, width, call->out_data[0]);
        multiply(g, true, call->in_data[STREAM_U], n, width, call->out_data[1]);
        for (uint32_t k = 0; k < 2; k++)
            *(float *)call->out_data[2 + k] = (float)dq_db[k];
    }
    contrast_saved_clear(&saved);
    stream_close(&s);
    base_free(g);
}

/* One gradient op gives all four, so it is recorded once whatever is wanted. */
static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    op_value text = use->in_count > TEXT ? use->in[TEXT] : OP_NONE;
    op_value image = use->in_count > IMAGE ? use->in[IMAGE] : OP_NONE;
    const op_value in[] = {use->in[STREAM_U], use->in[STREAM_V], use->in[STREAM_SCALE], use->in[BIAS], text, image,
                           use->out[1],       use->dout[0]};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] == OP_NONE)
        return;
    recorder->record(recorder, &op_siglip_stream_bwd, use->attr, in, BASE_COUNT(in), out);
    for (uint32_t i = STREAM_U; i <= BIAS; i++)
        din[i] = out[i];
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* The kernel over a slab, whose scores are made. */
static enum mien_status add_walk(struct siglip *s, const char *shader, struct op_where scores, uint32_t access)
{
    struct op_dispatch *d = siglip_add(s, shader, scores, access);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, s->c.lines, 0, 16ull * s->c.n, OP_READ);
    infonce_stream_bind_guide(&s->c, d, false, s->args.rows);
    infonce_stream_bind_guide(&s->c, d, true, s->args.rows);
    siglip_bind_part(s, d);
    contrast_spec(&s->c, d);
    op_dispatch_spec(d, 11, contrast_one_guide(&s->c.call->attr.mining));
    return MIEN_OK;
}

static enum mien_status plan_stream(struct siglip *s, struct op_where scores, uint32_t dloss)
{
    enum mien_status status = MIEN_OK;
    struct contrast *c = &s->c;
    bool backward = dloss != OP_NONE;
    TRY(siglip_begin(s, STREAM_SCALE, dloss, (struct siglip_weights){c->lines, 8}));
    for (s->args.first = 0; s->args.first < c->n; s->args.first += s->args.rows) {
        uint32_t first = s->args.first, rows = s->args.rows = BASE_MIN(c->slab, c->n - first);
        TRY(infonce_stream_scores(c, first, rows, scores));
        TRY(contrast_similarities(c, first, rows));
        if (backward) {
            TRY(add_walk(s, "siglip_stream_bwd", scores, OP_READ | OP_WRITE));
            TRY(infonce_stream_products(c, first, rows, scores));
        } else {
            TRY(add_walk(s, "siglip_stream_fwd_part", scores, OP_READ));
        }
    }
    TRY(backward ? siglip_end(s, 2, 3) : siglip_end(s, 0, OP_NONE));
fail:
    return status;
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct siglip s;
    struct contrast *c = &s.c;
    TRY(contrast_begin(c, caps, call, plan, inputs, call->in[STREAM_U].dim[0], false));
    c->lines = (struct op_where){OP_OUT, 1, 0};
    struct op_where scores = contrast_scratch(c, (uint64_t)c->slab * c->n * 4);
    contrast_place_guides(c);
    TRY(contrast_lines(c, OP_NONE, OP_NONE));
    TRY(contrast_mine(c));
    TRY(plan_stream(&s, scores, OP_NONE));
    TRY(contrast_positives(c, (struct op_where){OP_OUT, 2, 0}));
fail:
    return status;
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct siglip s;
    struct contrast *c = &s.c;
    TRY(contrast_begin(c, caps, call, plan, inputs_bwd, call->in[STREAM_U].dim[0], false));
    c->lines = (struct op_where){OP_IN, LINES, 0};
    c->weights = true;
    struct op_where scores = contrast_scratch(c, (uint64_t)c->slab * c->n * 4);
    contrast_place_guides(c);
    TRY(plan_stream(&s, scores, DLOSS));
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void fill(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = call->in[STREAM_U].dim[0];
    infonce_stream_fill(call, rng, TEXT);
    *(float *)call->in_data[BIAS] = siglip_draw_b(n, rng);
}

static void prepare_fwd(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = call->in[STREAM_U].dim[0];
    fill(call, rng);
    if (call->in_data[IDS])
        contrast_fill_ids(call->in_data[IDS], n, rng);
    if (call->in_data[WEIGHTS])
        contrast_fill_weights(call->in_data[WEIGHTS], n, rng);
}

/* Lines as the forward pass would leave them. */
static void prepare_bwd(struct op_call *call, struct base_rng *rng)
{
    struct stream s;
    struct contrast_saved saved = {0};
    fill(call, rng);
    if (stream_open(&s, call, inputs_bwd) == MIEN_OK && contrast_host_draw(&s.mining, rng, &saved) == MIEN_OK)
        stream_mine(&s, call->in_data[LINES], NULL);
    contrast_saved_clear(&saved);
    stream_close(&s);
    *(float *)call->in_data[DLOSS] = 0.5f + (float)base_rng_uniform(rng);
}

static double flops_of(const struct op_call *call, double products)
{
    const struct tensor_shape *u = &call->in[STREAM_U];
    double n = u->dim[0], widths = products * u->dim[1];
    for (uint32_t i = TEXT; i <= IMAGE; i++)
        widths += call->in[i].rank ? call->in[i].dim[1] : 0;
    return n * n * (2 * widths + 8);
}

static double flops_fwd(const struct op_call *call)
{
    return flops_of(call, 1);
}

static double flops_bwd(const struct op_call *call)
{
    return flops_of(call, 3);
}

static const struct op_variant variants_fwd[] = {{.name = "siglip_stream_fwd_part", .plan = plan_fwd}, {0}};
static const struct op_variant variants_bwd[] = {{.name = "siglip_stream_bwd", .plan = plan_bwd}, {0}};

#define MINE(...) .attr = {.mining = {__VA_ARGS__}}
#define HARD(t, i, ...) MINE(.kind = OP_MINING_HARD, .text = t, .image = i, __VA_ARGS__)

/* clang-format off */
static const struct op_case cases_fwd[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}, {1}, {1}}},
    {.name = "6x4", .in = {{6, 4}, {6, 4}, {1}, {1}}, .grad = true},
    {.name = "weights_6x4", .in = {{6, 4}, {6, 4}, {1}, {1}, {0}, {0}, {0}, {6}}, .grad = true},
    {.name = "hard_6x4", HARD(0.4f, 0.9f, .top_k = 2),
     .in = {{6, 4}, {6, 4}, {1}, {1}, {6, 4}, {6, 4}}, .grad = true},
    {.name = "ignore_6x4", MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.4f),
     .in = {{6, 4}, {6, 4}, {1}, {1}, {6, 4}, {6, 4}, {0}, {6}}, .grad = true},
    {.name = "127x33", .in = {{127, 33}, {127, 33}, {1}, {1}}},
    {.name = "256x512", .in = {{256, 512}, {256, 512}, {1}, {1}}, .bench = true},
    {.name = "513x64", .in = {{513, 64}, {513, 64}, {1}, {1}}},
    {.name = "1900x8", .in = {{1900, 8}, {1900, 8}, {1}, {1}}},
    {.name = "same_130x16", MINE(.same_text = OP_SAME_TEXT_POSITIVE),
     .in = {{130, 16}, {130, 16}, {1}, {1}, {0}, {0}, {130}}},
    {.name = "hard_127x64", HARD(0.8f, 0.9f, .top_k = 8),
     .in = {{127, 64}, {127, 64}, {1}, {1}, {127, 64}, {127, 64}}},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = {{256, 64}, {256, 64}, {1}, {1}, {256, 64}, {256, 16}, {256}, {256}}},
    {.name = "hard_1900x8", HARD(0.9f, 0.5f, .top_k = 8),
     .in = {{1900, 8}, {1900, 8}, {1}, {1}, {1900, 16}, {1900, 4}}},
    {.name = "4096x128", .in = {{4096, 128}, {4096, 128}, {1}, {1}}, .bench = true, .slow = true},
    {0},
};

#define INPUTS(n, e, t, i) {{n, e}, {n, e}, {1}, {1}, {t ? n : 0, t}, {i ? n : 0, i}, {2, n, 8}, {1}}

static const struct op_case cases_bwd[] = {
    {.name = "1x1", .in = INPUTS(1, 1, 0, 0)},
    {.name = "7x5", .in = INPUTS(7, 5, 0, 0)},
    {.name = "127x33", .in = INPUTS(127, 33, 0, 0)},
    {.name = "256x512", .in = INPUTS(256, 512, 0, 0), .bench = true},
    {.name = "513x64", .in = INPUTS(513, 64, 0, 0)},
    {.name = "1900x8", .in = INPUTS(1900, 8, 0, 0)},
    {.name = "same_130x16", MINE(.same_text = OP_SAME_TEXT_POSITIVE), .in = INPUTS(130, 16, 0, 0)},
    {.name = "hard_127x64", HARD(0.8f, 0.9f, .top_k = 8), .in = INPUTS(127, 64, 64, 64)},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = INPUTS(256, 64, 64, 16)},
    {.name = "ignore_256x64", MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f),
     .in = INPUTS(256, 64, 64, 64)},
    {.name = "hard_1900x8", HARD(0.9f, 0.5f, .top_k = 8), .in = INPUTS(1900, 8, 16, 4)},
    {.name = "4096x128", .in = INPUTS(4096, 128, 0, 0), .bench = true, .slow = true},
    {0},
};
/* clang-format on */

const struct op_desc op_siglip_stream = {
    .name = "siglip_stream",
    .summary = "loss[1] of siglip on A = u[N,E] v[N,E]^T with b[1] and signs mined from guides text[N,E'], "
               "image[N,E''] and ids i32[N], weights[N], all optional, a slab of A at a time; also lines[2,N,8], mean "
               "numbers of positives[2]; attr mining",
    .in_count = 8,
    .out_count = 3,
    .optional = 1u << TEXT | 1u << IMAGE | 1u << IDS | 1u << WEIGHTS,
    .index_inputs = 1u << IDS,
    .constants = 1u << TEXT | 1u << IMAGE | 1u << WEIGHTS,
    .aux_outputs = 1u << 1 | 1u << 2,
    .shapes = shapes_fwd,
    .reference = reference_fwd,
    .grad = grad,
    .variants = variants_fwd,
    .cases = cases_fwd,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare_fwd,
    /* exp(q) a_ij, up to 100 times the rounding of a dot product of unit rows, 2e-7, is a relative error of softplus */
    .tolerance = {.abs = 1e-6, .rel = 4e-5, .nmse = 1e-11},
    .flops = flops_fwd,
};

const struct op_desc op_siglip_stream_bwd = {
    .name = "siglip_stream_bwd",
    .summary = "du, dv [N,E], dq[1] and db[1] of siglip_stream from u, v, q, b, the guides, lines[2,N,8] and dloss[1]; "
               "attr mining",
    .in_count = 8,
    .out_count = 4,
    .optional = 1u << TEXT | 1u << IMAGE,
    .shapes = shapes_bwd,
    .reference = reference_bwd,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants_bwd,
    .cases = cases_bwd,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare_bwd,
    /* as forward: a relative error of the sigmoids, up to 100 * 2e-7 */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = flops_bwd,
};
