/* select.c: one token of each sequence by index (pooling), and the gradient. */
#include "args/rows.h"
#include "op/part.h"

#include <string.h>

static uint32_t clamp_token(int32_t index, uint32_t tokens)
{
    if (index < 0)
        return 0;
    return (uint32_t)index < tokens ? (uint32_t)index : tokens - 1;
}

/* ---- select: x[B,T,D], index[B] -> y[B,D] --------------------------------------------------------------------- */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->in[0].rank != 3)
        return op_shape_error(call, label, 0, "x[B,T,D]");
    if (call->in[1].rank != 1 || call->in[1].dim[0] != dim[0])
        return op_shape_error(call, label, 1, "index[B]");
    call->out[0] = SHAPE_F32(dim[0], dim[2]);
    call->out_count = 1;
    return MIEN_OK;
}

static void reference(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    const float *x = call->in_data[0];
    const int32_t *index = call->in_data[1];
    float *y = call->out_data[0];
    for (size_t b = 0; b < dim[0]; b++)
        memcpy(y + b * dim[2], x + (b * dim[1] + clamp_token(index[b], dim[1])) * dim[2], dim[2] * sizeof(*y));
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.rows = recorder->shape(recorder, use->in[0]).dim[1]};
    din[0] = din[1] = OP_NONE;
    if (use->wants[0] && use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_select_bwd, &attr, use->dout[0], use->in[1]);
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    const uint32_t *dim = call->in[0].dim;
    uint64_t sequence = (uint64_t)dim[1] * dim[2], most = op_part_rows(caps, sequence);
    if (most == 0)
        return op_part_too_large(caps, call, sequence);
    for (uint64_t first = 0; first < dim[0]; first += most) {
        uint32_t rows = (uint32_t)BASE_MIN(most, dim[0] - first);
        struct op_part in = op_part_of(first * sequence, rows * sequence);
        struct op_part out = op_part_of(first * dim[2], (uint64_t)rows * dim[2]);
        struct rows_args args = {.rows = rows,
                                 .width = dim[2],
                                 .first = (uint32_t)first,
                                 .tokens = dim[1],
                                 .in_skip = in.skip,
                                 .out_skip = out.skip};
        struct op_dispatch *d = op_plan_span(plan, caps, "select_fwd", rows, args.width, 1, 1);
        if (!d)
            return MIEN_ERR_NOMEM;
        op_part_bind(d, OP_IN, 0, OP_READ, in);
        op_dispatch_bind(d, OP_IN, 1, OP_READ);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

/* Indices beyond both ends too: they are clamped. */
static void fill_index(int32_t *index, uint64_t count, uint32_t tokens, struct base_rng *rng)
{
    for (uint64_t i = 0; i < count; i++)
        index[i] = (int32_t)base_rng_below(rng, tokens + 2) - 1;
}

static void prepare(struct op_call *call, struct base_rng *rng)
{
    fill_index(call->in_data[1], call->in[0].dim[0], call->in[0].dim[1], rng);
}

static const struct op_variant variants[] = {{.name = "select_fwd", .plan = plan_fwd}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1, 1, 1}, {1}}, .grad = true},
    {.name = "5x7x3", .in = {{5, 7, 3}, {5}}, .grad = true},
    {.name = "3x50x513", .in = {{3, 50, 513}, {3}}},
    {.name = "long_1x2x600011", .in = {{1, 2, 600011}, {1}}},
    {.name = "text_small", .in = {{64, 32, 128}, {64}}, .bench = true},
    {.name = "text_b32", .in = {{16, 77, 512}, {16}}, .bench = true},
    {.name = "image_l14", .in = {{4, 257, 1024}, {4}}},
    {0},
};

static double bytes(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_bytes(&call->out[0]) + (double)tensor_shape_bytes(&call->in[1]);
}

const struct op_desc op_select = {
    .name = "select",
    .summary = "y[B,D] = x[B,T,D][b, index[B]]; an index outside 0..T-1 is clamped",
    .in_count = 2,
    .out_count = 1,
    .index_inputs = 1u << 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE},
    .prepare = prepare,
    .tolerance = {.abs = 0, .rel = 0, .nmse = 0}, /* a copy */
    .bytes = bytes,
};

/* ---- select_bwd: dy[B,D], index[B], attr.rows = T -> dx[B,T,D] --------------------------------------------------- */

static enum mien_status shapes_bwd(struct op_call *call, const char *label)
{
    const uint32_t *dim = call->in[0].dim;
    if (call->attr.rows == 0)
        return base_fail(MIEN_ERR_ARG, "select_bwd%s%s: attr.rows should be the tokens of a sequence",
                         label ? " at " : "", label ? label : "");
    if (call->in[0].rank != 2)
        return op_shape_error(call, label, 0, "dy[B,D]");
    if (call->in[1].rank != 1 || call->in[1].dim[0] != dim[0])
        return op_shape_error(call, label, 1, "index[B]");
    call->out[0] = SHAPE_F32(dim[0], call->attr.rows, dim[1]);
    call->out_count = 1;
    return MIEN_OK;
}

static void reference_bwd(const struct op_call *call)
{
    const uint32_t *dim = call->in[0].dim;
    const float *dy = call->in_data[0];
    const int32_t *index = call->in_data[1];
    float *dx = call->out_data[0];
    memset(dx, 0, tensor_shape_bytes(&call->out[0]));
    for (size_t b = 0; b < dim[0]; b++)
        memcpy(dx + (b * call->attr.rows + clamp_token(index[b], call->attr.rows)) * dim[1], dy + b * dim[1],
               dim[1] * sizeof(*dx));
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    uint32_t width = call->in[0].dim[1];
    uint64_t count = tensor_shape_rows(&call->out[0]), most = op_part_rows(caps, width);
    if (most == 0)
        return op_part_too_large(caps, call, width);
    for (uint64_t first = 0; first < count; first += most) {
        uint32_t rows = (uint32_t)BASE_MIN(most, count - first);
        struct op_part out = op_part_of(first * width, (uint64_t)rows * width);
        struct rows_args args = {
            .rows = rows, .width = width, .first = (uint32_t)first, .tokens = call->attr.rows, .out_skip = out.skip};
        struct op_dispatch *d = op_plan_span(plan, caps, "select_bwd", rows, args.width, 1, 1);
        if (!d)
            return MIEN_ERR_NOMEM;
        op_dispatch_bind(d, OP_IN, 0, OP_READ);
        op_dispatch_bind(d, OP_IN, 1, OP_READ);
        op_part_bind(d, OP_OUT, 0, OP_WRITE, out);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

static void prepare_bwd(struct op_call *call, struct base_rng *rng)
{
    fill_index(call->in_data[1], call->in[0].dim[0], call->attr.rows, rng);
}

static const struct op_variant variants_bwd[] = {{.name = "select_bwd", .plan = plan_bwd}, {0}};

static const struct op_case cases_bwd[] = {
    {.name = "one", .attr = {.rows = 1}, .in = {{1, 1}, {1}}},
    {.name = "5x7x3", .attr = {.rows = 7}, .in = {{5, 3}, {5}}},
    {.name = "3x50x513", .attr = {.rows = 50}, .in = {{3, 513}, {3}}},
    {.name = "long_1x2x600011", .attr = {.rows = 2}, .in = {{1, 600011}, {1}}, .slow = true},
    {.name = "text_small", .attr = {.rows = 32}, .in = {{64, 128}, {64}}, .bench = true},
    {.name = "text_b32", .attr = {.rows = 77}, .in = {{16, 512}, {16}}, .bench = true},
    {.name = "image_l14", .attr = {.rows = 257}, .in = {{4, 1024}, {4}}},
    {0},
};

const struct op_desc op_select_bwd = {
    .name = "select_bwd",
    .summary = "dx[B,T,D] = dy[B,D] at row index[B], zeros elsewhere; attr rows = T",
    .in_count = 2,
    .out_count = 1,
    .index_inputs = 1u << 1,
    .shapes = shapes_bwd,
    .reference = reference_bwd,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants_bwd,
    .cases = cases_bwd,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE},
    .prepare = prepare_bwd,
    .tolerance = {.abs = 0, .rel = 0, .nmse = 0}, /* a copy */
};
