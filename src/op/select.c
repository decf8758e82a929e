/* select.c: one token of each sequence by index (pooling), and the gradient. */
#include "op/op.h"

#include <string.h>

static uint32_t clamp_token(int32_t index, uint32_t tokens)
{
    if (index < 0)
        return 0;
    return (uint32_t)index < tokens ? (uint32_t)index : tokens - 1;
}

/* ---- select ------------------------------------------------------------------------------------------------------ */

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
    din[0] = OP_RECORD(recorder, &op_select_bwd, &attr, use->dout[0], use->in[1]);
}

/* Indices beyond both ends too: they are clamped. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    int32_t *index = call->in_data[1];
    for (uint64_t i = 0; i < call->in[0].dim[0]; i++)
        index[i] = (int32_t)base_rng_below(rng, call->in[0].dim[1] + 2) - 1;
}

static const struct op_variant variants[] = {{.name = "select_fwd", .tech = OP_SPAN, .bind = "x index* y"}, {0}};

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
    .signature = "x[B,T,D] index:i32[B] -> y[B,D]",
    .summary = "y[b] = x[b, index[b]]; an index outside 0..T-1 is clamped",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE},
    .prepare = prepare,
    .tolerance = {0}, /* a copy */
    .bytes = bytes,
};

/* ---- select_bwd -------------------------------------------------------------------------------------------------- */

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

/* Zeros fill whole sequences, which may be larger than a binding: its parts are of rows. */
static uint64_t rows_bwd(const struct op_call *call)
{
    return tensor_shape_rows(&call->out[0]);
}

static const struct op_variant variants_bwd[] = {
    {.name = "select_bwd", .tech = OP_SPAN, .bind = "dy* index* dx", .rows = rows_bwd},
    {0},
};

const struct op_desc op_select_bwd = {
    .name = "select_bwd",
    .signature = "dy[B,D] index:i32[B] -> dx[B,rows,D]",
    .summary = "the gradient of select: dy at row index of each sequence, zeros elsewhere; attr rows = T",
    .forward = {&op_select},
    .reference = reference_bwd,
    .variants = variants_bwd,
    .tolerance = {0}, /* a copy */
};
