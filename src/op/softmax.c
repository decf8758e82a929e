/* softmax.c: softmax over the last dimension, causal on request, and its gradient. */
#include "args/softmax.h"
#include "op/op.h"

#include <math.h>

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *x = &call->in[0];
    if (call->attr.causal && (x->rank < 2 || x->dim[x->rank - 1] != x->dim[x->rank - 2]))
        return op_shape_error(call, label, 0, "scores [..,T,T], as attr causal is set");
    return MIEN_OK;
}

/* How many elements of a row take part. */
static uint32_t seen_by(const struct op_call *call, uint64_t row)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    return call->attr.causal ? (uint32_t)(row % width) + 1 : width;
}

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    struct softmax_args args = {.width = width, .tokens = call->attr.causal ? width : 0};
    OP_PUSH(d, args);
}

/* ---- softmax ----------------------------------------------------------------------------------------------------- */

static void softmax_row(const float *x, uint32_t seen, uint32_t width, float *y)
{
    double top = x[0], sum = 0;
    for (uint32_t j = 1; j < seen; j++)
        top = x[j] > top ? x[j] : top; /* fmax here ends GCC 12 for AArch64 with an internal error */
    for (uint32_t j = 0; j < seen; j++)
        sum += exp(x[j] - top);
    for (uint32_t j = 0; j < width; j++)
        y[j] = j < seen ? (float)(exp(x[j] - top) / sum) : 0;
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++)
        softmax_row(x + r * width, seen_by(call, r), width, y + r * width);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_softmax_bwd, use->attr, use->dout[0], use->out[0]);
}

static const struct op_variant variants[] = {OP_ROW_VARIANTS("softmax_fwd", .bind = "x y", .args = push_args), {0}};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}}},
    {.name = "3x5", .in = {{3, 5}}, .grad = true},
    {.name = "causal_1", .attr = {.causal = true}, .in = {{2, 1, 1}}},
    {.name = "causal_7", .attr = {.causal = true}, .in = {{2, 7, 7}}, .grad = true},
    {.name = "causal_70", .attr = {.causal = true}, .in = {{3, 70, 70}}},
    {.name = "70x127", .in = {{70, 127}}},
    {.name = "513", .in = {{513}}},
    {.name = "2x8193", .in = {{2, 8193}}},
    {.name = "long_1x500009", .in = {{1, 500009}}},
    {.name = "vit_b32", .in = {{2, 12, 50, 50}}, .bench = true},
    {.name = "text_b32", .attr = {.causal = true}, .in = {{2, 8, 77, 77}}, .bench = true},
    {.name = "vit_b16", .in = {{1, 12, 197, 197}}, .bench = true},
    {.name = "vit_l14", .in = {{1, 16, 257, 257}}},
    {0},
};

const struct op_desc op_softmax = {
    .name = "softmax",
    .signature = "x[...,D] -> y[...,D]",
    .summary =
        "y = exp(x) / sum of exp(x) over the last dimension; attr causal: x[..,T,T], row t sees 0..t, zeros behind",
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* exp(-d) may err by 3 + 2d units and d by its rounding, 180 units in all at d = 88, where the result vanishes;
     * at most 1e-7 of the row's sum */
    .tolerance = {.abs = 1e-7, .rel = 2e-5, .nmse = 2e-12},
    .flops_per_element = 6,
};

/* ---- softmax_bwd ------------------------------------------------------------------------------------------------- */

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0], *y = call->in_data[1];
    float *dx = call->out_data[0];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, dy += width, y += width, dx += width) {
        uint32_t seen = seen_by(call, r);
        double along = 0;
        for (uint32_t j = 0; j < seen; j++)
            along += y[j] * ((double)dy[j] - dy[0]);
        for (uint32_t j = 0; j < width; j++)
            dx[j] = j < seen ? (float)(y[j] * (((double)dy[j] - dy[0]) - along)) : 0;
    }
}

static const struct op_variant bwd_variants[] = {
    OP_ROW_VARIANTS("softmax_bwd", .bind = "dy y dx", .args = push_args),
    {0},
};

const struct op_desc op_softmax_bwd = {
    .name = "softmax_bwd",
    .signature = "dy[...,D] y[...,D] -> dx[...,D]",
    .summary = "the gradient of softmax: y (dy - sum of y dy), taken about the row's first dy, as y sums to 1",
    .forward = {&op_softmax},
    .shapes = shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* a sum of D products whose weights sum to 1, then a difference: a few units of the greatest |dy|, times y, which
     * may be ten times the row's mean */
    .tolerance = {.abs = 5e-6, .rel = 4e-6, .nmse = 2e-12},
    .flops_per_element = 6,
    .fill = {[1] = OP_FILL_SAVED},
};
