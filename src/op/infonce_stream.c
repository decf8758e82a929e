/* infonce_stream.c: symmetric InfoNCE of embeddings u, v [N,E]: infonce.c's loss of the scores A = u v^T, with targets
 * mined by similarity (contrast.h), while only a slab of the scores and of the similarities is in memory at a time. */
#include "op/infonce_stream.h"

#include <math.h>

static const struct contrast_inputs inputs = {STREAM_TEXT, STREAM_IMAGE, STREAM_IDS, STREAM_WEIGHTS};

enum mien_status infonce_stream_check(const struct op_call *call, const char *label)
{
    const struct tensor_shape *u = &call->in[STREAM_U], scalar = SHAPE_F32(1);
    if (u->rank != 2)
        return op_shape_error(call, label, STREAM_U, "embeddings u[N,E]");
    if (!tensor_shape_equal(&call->in[STREAM_V], u))
        return op_shape_error(call, label, STREAM_V, "embeddings v[N,E], like u");
    if (!tensor_shape_equal(&call->in[STREAM_SCALE], &scalar))
        return op_shape_error(call, label, STREAM_SCALE, "the logarithm of the scale, q[1]");
    return MIEN_OK;
}

/* loss[1], lse[2,N], lines[2,N,8], positives[2] */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    enum mien_status status = infonce_stream_check(call, label);
    uint32_t n = call->in[STREAM_U].dim[0];
    if (status == MIEN_OK)
        status = contrast_check(call, label, inputs, n, false);
    if (status != MIEN_OK)
        return status;
    call->out[0] = SHAPE_F32(1);
    call->out[1] = SHAPE_F32(2, n);
    call->out[2] = SHAPE_F32(2, n, 8);
    call->out[3] = SHAPE_F32(2);
    call->out_count = 4;
    return MIEN_OK;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

enum mien_status infonce_stream_open(struct infonce_stream *stream, const struct op_call *call,
                                     struct contrast_inputs of)
{
    enum mien_status status = MIEN_OK;
    *stream = (struct infonce_stream){.n = call->in[STREAM_U].dim[0],
                                      .width = call->in[STREAM_U].dim[1],
                                      .s = exp((double)*(const float *)call->in_data[STREAM_SCALE]),
                                      .u = call->in_data[STREAM_U],
                                      .v = call->in_data[STREAM_V]};
    TRY(contrast_host_open(&stream->host, call, of, stream->n, false));
    stream->z = base_alloc(stream->n, sizeof(double));
    stream->q = base_alloc(stream->n, sizeof(double));
    FAIL_IF_NULL(stream->z, "a line of scores");
    FAIL_IF_NULL(stream->q, "a line of targets");
    return MIEN_OK;
fail:
    infonce_stream_close(stream);
    return status;
}

void infonce_stream_close(struct infonce_stream *stream)
{
    contrast_host_close(&stream->host);
    base_free(stream->z);
    base_free(stream->q);
    *stream = (struct infonce_stream){0};
}

static double dot(const float *a, const float *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t e = 0; e < count; e++)
        sum += (double)a[e] * b[e];
    return sum;
}

struct contrast_ends infonce_stream_line(struct infonce_stream *stream, bool column, uint32_t anchor)
{
    const float *from = column ? stream->v : stream->u, *to = column ? stream->u : stream->v;
    const float *line = from + (size_t)anchor * stream->width;
    double own = dot(line, to + (size_t)anchor * stream->width, stream->width);
    for (uint32_t j = 0; j < stream->n; j++)
        stream->z[j] = stream->s * (dot(line, to + (size_t)j * stream->width, stream->width) - own);
    return contrast_line(&stream->host, column, anchor, stream->q);
}

/* lse of the line in z and q, relative to its own element; *loss = lse - sum of q z. */
static double line_lse(const struct infonce_stream *stream, uint32_t anchor, double *loss)
{
    double top = 0, total = 0, aim = 0;
    for (uint32_t j = 0; j < stream->n; j++) {
        if (j == anchor || stream->q[j] < 0)
            continue;
        double peak = fmax(top, stream->z[j]);
        total = total * exp(top - peak) + exp(stream->z[j] - peak);
        top = peak;
        aim += stream->q[j] * stream->z[j];
    }
    double lse = top > 0 ? top + log(exp(-top) + total) : log1p(total);
    *loss = lse - aim;
    return lse;
}

void infonce_stream_forward(struct infonce_stream *stream, float *lse, float *lines, float *loss, float *positives)
{
    uint32_t n = stream->n, width = stream->width;
    double sum = 0, weights = contrast_weight_sum(&stream->host), of_line;
    for (uint32_t column = 0; column < 2; column++) {
        double count = 0, there = 0;
        for (uint32_t i = 0; i < n; i++, lines += 8) {
            double w = contrast_weight(&stream->host, i);
            struct contrast_ends ends = infonce_stream_line(stream, column, i);
            *lse++ = (float)line_lse(stream, i, &of_line);
            sum += w * of_line;
            count += ends.positives;
            there += w > 0;
            double own = dot(stream->u + (size_t)i * width, stream->v + (size_t)i * width, width);
            contrast_save_line(&stream->host, &ends, own, i, lines);
        }
        positives[column] = (float)(count / fmax(there, 1));
    }
    *loss = weights > 0 ? (float)(sum / (2 * weights)) : 0;
}

static void reference(const struct op_call *call)
{
    struct infonce_stream stream;
    if (infonce_stream_open(&stream, call, inputs) == MIEN_OK)
        infonce_stream_forward(&stream, call->out_data[1], call->out_data[2], call->out_data[0], call->out_data[3]);
    infonce_stream_close(&stream);
}

/* One gradient op gives all three, so it is recorded once whatever is wanted. */
static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    op_value text = use->in_count > STREAM_TEXT ? use->in[STREAM_TEXT] : OP_NONE;
    op_value image = use->in_count > STREAM_IMAGE ? use->in[STREAM_IMAGE] : OP_NONE;
    const op_value in[] = {use->in[STREAM_U], use->in[STREAM_V], use->in[STREAM_SCALE], text, image,
                           use->out[1],       use->out[2],       use->dout[0]};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] == OP_NONE)
        return;
    recorder->record(recorder, &op_infonce_stream_bwd, use->attr, in, BASE_COUNT(in), out);
    din[STREAM_U] = out[0];
    din[STREAM_V] = out[1];
    din[STREAM_SCALE] = out[2];
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

struct infonce_args infonce_stream_args(const struct contrast *c)
{
    const struct op_mining *m = &c->call->attr.mining;
    bool software = c->caps->class_ == VK_CLASS_SOFTWARE;
    uint64_t least = base_div_up(c->n, 8ull * 60000); /* a software driver's longest loop, in blocks of 8 */
    return (struct infonce_args){.n = c->n,
                                 .row_slices = (uint32_t)(software ? least : BASE_MIN(32, base_div_up(c->n, 8))),
                                 .col_slices = (uint32_t)base_div_up(c->slab, software ? 256 : 64),
                                 .slice_rows = software ? 128 : 32,
                                 .scale = c->scale,
                                 .tau = m->kind == OP_MINING_SOFT ? m->tau : 1};
}

enum mien_status infonce_stream_scores(struct contrast *c, uint32_t first, uint32_t rows, struct op_where scores)
{
    uint32_t width = c->call->in[STREAM_U].dim[1];
    struct op_product p = {.attr = {.trans_b = true},
                           .a_shape = SHAPE_F32(rows, width),
                           .b_shape = SHAPE_F32(c->n, width),
                           .a = {OP_IN, STREAM_U, (uint64_t)first * width * 4},
                           .b = {OP_IN, STREAM_V, 0},
                           .y = scores};
    return contrast_multiply(c, &p);
}

void infonce_stream_bind_guide(const struct contrast *c, struct op_dispatch *d, bool column, uint32_t rows)
{
    bool none = c->call->attr.mining.kind == OP_MINING_NONE;
    contrast_bind(d, c->guide[column], 0, none ? 16ull * c->n : (uint64_t)rows * c->n, OP_READ);
}

static enum mien_status add_parts(struct contrast *c, struct infonce_args args, struct op_where scores, bool column,
                                  struct op_where part)
{
    uint32_t slices = column ? args.col_slices : args.row_slices;
    args.by_column = column;
    struct op_dispatch *d = contrast_add(c, "infonce_stream_fwd_part", &args, sizeof(args),
                                         (uint64_t)slices * (column ? args.n : args.rows));
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, scores, 0, (uint64_t)args.rows * c->n, OP_READ);
    op_dispatch_bind(d, OP_IN, STREAM_SCALE, OP_READ);
    infonce_stream_bind_guide(c, d, column, args.rows);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    contrast_bind(d, part, 0, 4ull * slices * c->n, OP_READ | OP_WRITE);
    contrast_spec(c, d);
    return MIEN_OK;
}

/* lse, the lines' losses and their mean. */
static enum mien_status add_ends(struct contrast *c, const struct infonce_args *args, const struct op_where part[2])
{
    struct op_where loss = contrast_scratch(c, 8ull * c->n);
    struct op_dispatch *d = contrast_add(c, "infonce_stream_fwd_join", args, sizeof(*args), 2ull * c->n);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, part[0], 0, 4ull * args->row_slices * c->n, OP_READ);
    contrast_bind(d, part[1], 0, 4ull * args->col_slices * c->n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    contrast_bind(d, loss, 0, 2ull * c->n, OP_WRITE);
    d = contrast_add(c, "infonce_stream_fwd", args, sizeof(*args), 0);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, loss, 0, 2ull * c->n, OP_READ);
    contrast_bind(d, c->lines, 0, 16ull * c->n, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    return contrast_positives(c, (struct op_where){OP_OUT, 3, 0});
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct contrast c;
    TRY(contrast_begin(&c, caps, call, plan, inputs, call->in[STREAM_U].dim[0], false));
    c.lines = (struct op_where){OP_OUT, 2, 0};
    struct op_where scores = contrast_scratch(&c, (uint64_t)c.slab * c.n * 4);
    contrast_place_guides(&c);
    TRY(contrast_lines(&c, STREAM_U, STREAM_V));
    TRY(contrast_mine(&c));
    struct infonce_args args = infonce_stream_args(&c);
    const struct op_where part[2] = {contrast_scratch(&c, 16ull * args.row_slices * c.n),
                                     contrast_scratch(&c, 16ull * args.col_slices * c.n)};
    for (args.first = 0; args.first < c.n; args.first += args.rows) {
        args.rows = BASE_MIN(c.slab, c.n - args.first);
        TRY(infonce_stream_scores(&c, args.first, args.rows, scores));
        TRY(contrast_similarities(&c, args.first, args.rows));
        TRY(add_parts(&c, args, scores, false, part[0]));
        TRY(add_parts(&c, args, scores, true, part[1]));
    }
    TRY(add_ends(&c, &args, part));
fail:
    return status;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Unit rows; v_i near u_i, so that some lines are saturated and some wrong; exp(q) from 10 to its upper bound 100, 1
 * for very small N, where finite differences want a curved loss. */
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

void infonce_stream_fill(struct op_call *call, struct base_rng *rng, uint32_t text)
{
    uint32_t n = call->in[STREAM_U].dim[0];
    float *q = call->in_data[STREAM_SCALE];
    fill_embeddings(call->in_data[STREAM_U], call->in_data[STREAM_V], n, call->in[STREAM_U].dim[1], rng);
    q[0] = n < 8 ? 0.2f : (float)(2.3 + 2.3 * base_rng_uniform(rng));
    for (uint32_t i = text; i <= text + 1; i++) {
        if (call->in[i].rank)
            contrast_fill_guide(call->in_data[i], n, call->in[i].dim[1], rng);
    }
}

static void prepare(struct op_call *call, struct base_rng *rng)
{
    uint32_t n = call->in[STREAM_U].dim[0];
    infonce_stream_fill(call, rng, STREAM_TEXT);
    if (call->in_data[STREAM_IDS])
        contrast_fill_ids(call->in_data[STREAM_IDS], n, rng);
    if (call->in_data[STREAM_WEIGHTS])
        contrast_fill_weights(call->in_data[STREAM_WEIGHTS], n, rng);
}

static double flops(const struct op_call *call)
{
    const struct tensor_shape *u = &call->in[STREAM_U];
    double n = u->dim[0], widths = u->dim[1];
    for (uint32_t i = STREAM_TEXT; i <= STREAM_IMAGE; i++)
        widths += call->in[i].rank ? 2.0 * call->in[i].dim[1] : 0; /* to mine, and to use */
    return n * n * (2 * widths + 8);
}

static const struct op_variant variants[] = {{.name = "infonce_stream_fwd", .plan = plan_fwd}, {0}};

#define MINE(...) .attr = {.mining = {__VA_ARGS__}}

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}, {1}}},
    {.name = "2x3", .in = {{2, 3}, {2, 3}, {1}}, .grad = true},
    {.name = "7x5", .in = {{7, 5}, {7, 5}, {1}}, .grad = true},
    {.name = "127x33", .in = {{127, 33}, {127, 33}, {1}}},
    {.name = "256x512", .in = {{256, 512}, {256, 512}, {1}}, .bench = true},
    {.name = "513x64", .in = {{513, 64}, {513, 64}, {1}}},
    {.name = "1900x8", .in = {{1900, 8}, {1900, 8}, {1}}},
    {.name = "weights_7x4", .in = {{7, 4}, {7, 4}, {1}, {0}, {0}, {0}, {7}}, .grad = true},
    {.name = "weights_129x12", .in = {{129, 12}, {129, 12}, {1}, {0}, {0}, {0}, {129}}},
    {.name = "hard_6x4",
     MINE(.kind = OP_MINING_HARD, .top_k = 2, .text = 0.4f, .image = 0.4f),
     .in = {{6, 4}, {6, 4}, {1}, {6, 4}, {6, 4}},
     .grad = true},
    {.name = "soft_6x4",
     MINE(.kind = OP_MINING_SOFT, .guide = OP_GUIDE_TEXT, .text = 0.4f, .weight = 0.5f, .tau = 0.5f),
     .in = {{6, 4}, {6, 4}, {1}, {6, 4}},
     .grad = true},
    {.name = "ignore_6x4",
     MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .top_k = 2, .text = 0.4f,
          .same_text = OP_SAME_TEXT_POSITIVE),
     .in = {{6, 4}, {6, 4}, {1}, {6, 4}, {6, 4}, {6}, {6}},
     .grad = true},
    {.name = "same_130x16",
     MINE(.same_text = OP_SAME_TEXT_POSITIVE),
     .in = {{130, 16}, {130, 16}, {1}, {0}, {0}, {130}}},
    {.name = "hard_127x64",
     MINE(.kind = OP_MINING_HARD, .top_k = 8, .text = 0.8f, .image = 0.9f),
     .in = {{127, 64}, {127, 64}, {1}, {127, 64}, {127, 64}}},
    {.name = "hard_top40_200x16",
     MINE(.kind = OP_MINING_HARD, .guide = OP_GUIDE_IMAGE, .top_k = 40, .image = -0.5f),
     .in = {{200, 16}, {200, 16}, {1}, {0}, {200, 16}}},
    {.name = "soft_256x64",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,
          .same_text = OP_SAME_TEXT_IGNORE),
     .in = {{256, 64}, {256, 64}, {1}, {256, 64}, {256, 16}, {256}, {256}}},
    {.name = "ignore_256x64",
     MINE(.kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f),
     .in = {{256, 64}, {256, 64}, {1}, {256, 64}, {256, 64}}},
    {.name = "soft_1900x8",
     MINE(.kind = OP_MINING_SOFT, .top_k = 8, .text = 0.9f, .image = 0.5f, .weight = 0.3f, .tau = 0.05f),
     .in = {{1900, 8}, {1900, 8}, {1}, {1900, 16}, {1900, 4}}},
    {.name = "4096x128", .in = {{4096, 128}, {4096, 128}, {1}}, .bench = true, .slow = true},
    {0},
};

const struct op_desc op_infonce_stream = {
    .name = "infonce_stream",
    .summary = "loss[1] of infonce on A = u[N,E] v[N,E]^T with targets mined from guides text[N,E'], image[N,E''] and "
               "ids i32[N], weights[N], all optional, a slab of A at a time; also lse[2,N], lines[2,N,8], mean numbers "
               "of positives[2]; attr mining",
    .in_count = 7,
    .out_count = 4,
    .optional = 1u << STREAM_TEXT | 1u << STREAM_IMAGE | 1u << STREAM_IDS | 1u << STREAM_WEIGHTS,
    .index_inputs = 1u << STREAM_IDS,
    .constants = 1u << STREAM_TEXT | 1u << STREAM_IMAGE | 1u << STREAM_WEIGHTS,
    .aux_outputs = 1u << 1 | 1u << 2 | 1u << 3,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_PREPARE},
    .prepare = prepare,
    /* exp(q) (a_ij - a_ii), up to 100 times the rounding of two dot products of unit rows, 4e-7 */
    .tolerance = {.abs = 4e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = flops,
};
