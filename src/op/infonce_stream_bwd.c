/* infonce_stream_bwd.c: gradient of infonce_stream.c: the scores and similarities of a slab are made again, the scores
 * become exp(q) G in place (infonce_bwd.c), and du = exp(q) G v for the slab's rows, dv += exp(q) G^T u from them.
 * Which candidates are positives the forward pass has left in `lines`. */
#include "op/infonce_stream.h"

#include <math.h>

enum { TEXT = STREAM_TEXT, IMAGE, LSE, LINES, DLOSS };

/* ids and weights are in the lines. */
static const struct contrast_inputs inputs = {TEXT, IMAGE, LINES, LINES};

static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = infonce_stream_check(call, label);
    uint32_t n = call->in[STREAM_U].dim[0];
    if (status == MIEN_OK)
        status = contrast_check_saved(call, label, inputs, n);
    if (status != MIEN_OK)
        return status;
    struct tensor_shape lse = SHAPE_F32(2, n), scalar = SHAPE_F32(1);
    if (!tensor_shape_equal(&call->in[LSE], &lse))
        return op_shape_error(call, label, LSE, "lse[2,N] of the forward pass");
    if (!tensor_shape_equal(&call->in[DLOSS], &scalar))
        return op_shape_error(call, label, DLOSS, "dloss[1]");
    call->out[0] = call->out[1] = call->in[STREAM_U];
    call->out[2] = scalar;
    call->out_count = 3;
    return MIEN_OK;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

/* Adds scale w (P - Q) of a line, times exp(q), to the gradients in double; what dq gets from it. */
static double add_line(struct infonce_stream *stream, bool column, uint32_t anchor, double lse, double scale,
                       double *du, double *dv)
{
    uint32_t width = stream->width;
    struct contrast_ends ends = infonce_stream_line(stream, column, anchor);
    double dq = 0, w = scale * contrast_weight(&stream->host, anchor);
    for (uint32_t j = 0; j < stream->n; j++) {
        uint32_t row = column ? j : anchor, col = column ? anchor : j;
        if ((j != anchor && stream->q[j] < 0) || w == 0)
            continue;
        double g = w * (j == anchor ? expm1(-lse) - ends.rest : exp(stream->z[j] - lse) - stream->q[j]);
        dq += j == anchor ? 0 : g * stream->z[j];
        for (uint32_t e = 0; e < width; e++) {
            du[(size_t)row * width + e] += stream->s * g * stream->v[(size_t)col * width + e];
            dv[(size_t)col * width + e] += stream->s * g * stream->u[(size_t)row * width + e];
        }
    }
    return dq;
}

static void reference(const struct op_call *call)
{
    struct infonce_stream stream;
    const float *lse = call->in_data[LSE];
    size_t n = call->in[STREAM_U].dim[0], count = tensor_shape_count(&call->in[STREAM_U]);
    double *du = base_alloc(count, sizeof(*du)), *dv = base_alloc(count, sizeof(*dv)), dq = 0;
    struct contrast_saved saved = {0};
    bool ready = infonce_stream_open(&stream, call, inputs) == MIEN_OK;
    if (du && dv && ready && contrast_host_load(&stream.host, call->in_data[LINES], &saved) == MIEN_OK) {
        double weights = contrast_weight_sum(&stream.host);
        double scale = weights > 0 ? (double)*(const float *)call->in_data[DLOSS] / (2 * weights) : 0;
        for (uint32_t i = 0; i < 2 * n; i++)
            dq += add_line(&stream, i >= n, i % (uint32_t)n, lse[i], scale, du, dv);
        for (size_t i = 0; i < count; i++) {
            ((float *)call->out_data[0])[i] = (float)du[i];
            ((float *)call->out_data[1])[i] = (float)dv[i];
        }
        *(float *)call->out_data[2] = (float)dq;
    }
    infonce_stream_close(&stream);
    base_free(du);
    base_free(dv);
    contrast_saved_clear(&saved);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static enum mien_status add_scale(struct contrast *c, const struct infonce_args *args, struct op_where scale)
{
    struct op_dispatch *d = contrast_add(c, "infonce_stream_bwd_scale", args, sizeof(*args), 0);
    if (!d)
        return MIEN_ERR_NOMEM;
    op_dispatch_bind(d, OP_IN, STREAM_SCALE, OP_READ);
    op_dispatch_bind(d, OP_IN, DLOSS, OP_READ);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    contrast_bind(d, scale, 0, 2, OP_WRITE);
    return MIEN_OK;
}

/* The slab's scores become their gradient; partial sums of dq go on. */
static enum mien_status add_gradient(struct contrast *c, const struct infonce_args *args, struct op_where scores,
                                     struct op_where scale, struct op_where part)
{
    uint64_t slices = base_div_up(args->rows, args->slice_rows);
    struct op_dispatch *d = contrast_add(c, "infonce_stream_bwd", args, sizeof(*args), slices * c->n);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, scores, 0, (uint64_t)args->rows * c->n, OP_READ | OP_WRITE);
    contrast_bind(d, scale, 0, 2, OP_READ);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    op_dispatch_bind(d, OP_IN, LSE, OP_READ);
    infonce_stream_bind_guide(c, d, false, args->rows);
    infonce_stream_bind_guide(c, d, true, args->rows);
    contrast_bind(d, part, 0, slices * c->n, OP_READ | OP_WRITE);
    contrast_spec(c, d);
    op_dispatch_spec(d, 11, contrast_one_guide(&c->call->attr.mining));
    return MIEN_OK;
}

enum mien_status infonce_stream_products(struct contrast *c, uint32_t first, uint32_t rows, struct op_where gradient)
{
    enum mien_status status = MIEN_OK;
    uint32_t width = c->call->in[STREAM_U].dim[1];
    uint64_t offset = (uint64_t)first * width * 4;
    struct tensor_shape g = SHAPE_F32(rows, c->n);
    struct op_product du = {.a_shape = g,
                            .b_shape = SHAPE_F32(c->n, width),
                            .a = gradient,
                            .b = {OP_IN, STREAM_V, 0},
                            .y = {OP_OUT, 0, offset}};
    struct op_product dv = {.attr = {.trans_a = true},
                            .a_shape = g,
                            .b_shape = SHAPE_F32(rows, width),
                            .a = gradient,
                            .b = {OP_IN, STREAM_U, offset},
                            .y = {OP_OUT, 1, 0},
                            .add = first > 0};
    TRY(contrast_multiply(c, &du));
    TRY(contrast_multiply(c, &dv));
fail:
    return status;
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct contrast c;
    TRY(contrast_begin(&c, caps, call, plan, inputs, call->in[STREAM_U].dim[0], false));
    c.lines = (struct op_where){OP_IN, LINES, 0};
    c.weights = true;
    struct op_where scores = contrast_scratch(&c, (uint64_t)c.slab * c.n * 4), scale = contrast_scratch(&c, 8);
    contrast_place_guides(&c);
    struct infonce_args args = infonce_stream_args(&c);
    args.count = (uint32_t)base_div_up(c.slab, args.slice_rows) * c.n;
    struct op_where part = contrast_scratch(&c, 4ull * args.count);
    TRY(add_scale(&c, &args, scale));
    for (args.first = 0; args.first < c.n; args.first += args.rows) {
        args.rows = BASE_MIN(c.slab, c.n - args.first);
        TRY(infonce_stream_scores(&c, args.first, args.rows, scores));
        TRY(contrast_similarities(&c, args.first, args.rows));
        TRY(add_gradient(&c, &args, scores, scale, part));
        TRY(infonce_stream_products(&c, args.first, args.rows, scores));
    }
    struct op_dispatch *d = contrast_add(&c, "infonce_bwd_q", &args, sizeof(args), 0);
    FAIL_IF_NULL(d, "a plan");
    contrast_bind(d, part, 0, args.count, OP_READ);
    op_dispatch_bind(d, OP_OUT, 2, OP_WRITE);
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* lse and lines as the forward pass would leave them. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    struct infonce_stream stream;
    float loss, positives[2];
    struct contrast_saved saved = {0};
    infonce_stream_fill(call, rng, TEXT);
    if (infonce_stream_open(&stream, call, inputs) == MIEN_OK) {
        if (contrast_host_draw(&stream.host, rng, &saved) == MIEN_OK)
            infonce_stream_forward(&stream, call->in_data[LSE], call->in_data[LINES], &loss, positives);
        infonce_stream_close(&stream);
    }
    *(float *)call->in_data[DLOSS] = 0.5f + (float)base_rng_uniform(rng);
    contrast_saved_clear(&saved);
}

static double flops(const struct op_call *call)
{
    const struct tensor_shape *u = &call->in[STREAM_U];
    double n = u->dim[0], widths = 3.0 * u->dim[1];
    for (uint32_t i = TEXT; i <= IMAGE; i++)
        widths += call->in[i].rank ? call->in[i].dim[1] : 0;
    return n * n * (2 * widths + 16);
}

static const struct op_variant variants[] = {{.name = "infonce_stream_bwd", .plan = plan_bwd}, {0}};

#define MINE(...) .attr = {.mining = {__VA_ARGS__}}
#define INPUTS(n, e, ...)                                                                                              \
    {                                                                                                                  \
        {n, e}, {n, e}, {1}, __VA_ARGS__, {2, n}, {2, n, 8},                                                           \
        {                                                                                                              \
            1                                                                                                          \
        }                                                                                                              \
    }
#define NO_GUIDE                                                                                                       \
    {0},                                                                                                               \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define GUIDES(n, t, i)                                                                                                \
    {n, t},                                                                                                            \
    {                                                                                                                  \
        n, i                                                                                                           \
    }

static const struct op_case cases[] = {
    {.name = "1x1", .in = INPUTS(1, 1, NO_GUIDE)},
    {.name = "7x5", .in = INPUTS(7, 5, NO_GUIDE)},
    {.name = "127x33", .in = INPUTS(127, 33, NO_GUIDE)},
    {.name = "256x512", .in = INPUTS(256, 512, NO_GUIDE), .bench = true},
    {.name = "513x64", .in = INPUTS(513, 64, NO_GUIDE)},
    {.name = "1900x8", .in = INPUTS(1900, 8, NO_GUIDE)},
    {.name = "same_130x16", MINE(.same_text = OP_SAME_TEXT_POSITIVE), .in = INPUTS(130, 16, NO_GUIDE)},
    {.name = "hard_127x64",
     MINE(.kind = OP_MINING_HARD, .top_k = 8, .text = 0.8f, .image = 0.9f),
     .in = INPUTS(127, 64, GUIDES(127, 64, 64))},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = INPUTS(256, 64, GUIDES(256, 64, 16))},
    {.name = "ignore_256x64",
     MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f),
     .in = INPUTS(256, 64, GUIDES(256, 64, 64))},
    {.name = "soft_1900x8",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.9f, .image = 0.5f, .weight = 0.3f, .tau = 0.05f),
     .in = INPUTS(1900, 8, GUIDES(1900, 16, 4))},
    {.name = "4096x128", .in = INPUTS(4096, 128, NO_GUIDE), .bench = true, .slow = true},
    {0},
};

const struct op_desc op_infonce_stream_bwd = {
    .name = "infonce_stream_bwd",
    .summary =
        "du, dv [N,E] and dq[1] of infonce_stream from u, v, q, the guides, lse[2,N], lines[2,N,8] and dloss[1]; "
        "attr mining",
    .in_count = 8,
    .out_count = 3,
    .optional = 1u << TEXT | 1u << IMAGE,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* softmax values carry their exponents' absolute error, up to 100 * 4e-7, as a relative one */
    .tolerance = {.abs = 4e-6, .rel = 6e-5, .nmse = 1e-10},
    .flops = flops,
};
