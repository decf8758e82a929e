/* l2norm.c: rows of unit length. */
#include "args/l2norm.h"
#include "op/op.h"

#include <math.h>
#include <string.h>

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct l2norm_args args = {.width = tensor_shape_width(&call->in[0])};
    OP_PUSH(d, args);
}

/* ---- l2norm: x[R,D] -> y[R,D], norm[R] --------------------------------------------------------------------------- */

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0], *norm = call->out_data[1];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, x += width, y += width) {
        double sum = 0;
        for (uint32_t j = 0; j < width; j++)
            sum += (double)x[j] * x[j];
        double n = fmax(sqrt(sum), (double)L2NORM_LEAST);
        for (uint32_t j = 0; j < width; j++)
            y[j] = (float)(x[j] / n);
        norm[r] = (float)n;
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_l2norm_bwd, NULL, use->dout[0], use->out[0], use->out[1]);
}

static const struct op_variant variants[] = {
    OP_ROW_VARIANTS("l2norm_fwd", .bind = "x y norm", .quads = true, .args = push_args),
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .in = {{1, 1}}},
    {.name = "3x5", .in = {{3, 5}}, .grad = true},
    {.name = "70x127", .in = {{70, 127}}},
    {.name = "1x4099", .in = {{1, 4099}}},
    {.name = "long_1x300007", .in = {{1, 300007}}},
    {.name = "embeds", .in = {{256, 512}}, .bench = true},
    {.name = "embeds_l14", .in = {{64, 768}}},
    {.name = "embeds_1024", .in = {{64, 1024}}},
    {0},
};

/* Rows that are as short as can be. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    (void)rng;
    for (uint64_t r = 5; r < tensor_shape_rows(&call->in[0]); r += 16)
        memset((float *)call->in_data[0] + r * width, 0, width * sizeof(float));
}

const struct op_desc op_l2norm = {
    .name = "l2norm",
    .signature = "x[...,D] -> y[...,D] (norm[R])",
    .summary = "y = x / norm, norm = max(|x|, 1e-12), over the last dimension",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .prepare = prepare,
    /* a sum of D squares in lanes, a square root (Vulkan: 2.5 units) and a division (2.5 units): some 10 units */
    .tolerance = {.abs = 1e-6, .rel = 2e-6, .nmse = 1e-12},
    .flops_per_element = 3,
};

/* ---- l2norm_bwd: dy[R,D], y[R,D], norm[R] -> dx[R,D] ------------------------------------------------------------- */

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0], *y = call->in_data[1], *norm = call->in_data[2];
    float *dx = call->out_data[0];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, dy += width, y += width, dx += width) {
        double along = 0;
        for (uint32_t j = 0; j < width && norm[r] > L2NORM_LEAST; j++)
            along += (double)y[j] * dy[j];
        for (uint32_t j = 0; j < width; j++)
            dx[j] = (float)((dy[j] - y[j] * along) / norm[r]);
    }
}

static const struct op_variant bwd_variants[] = {
    OP_ROW_VARIANTS("l2norm_bwd", .bind = "dy y norm dx", .quads = true, .args = push_args),
    {0},
};

const struct op_desc op_l2norm_bwd = {
    .name = "l2norm_bwd",
    .signature = "dy[...,D] y[...,D] norm[R] -> dx[...,D]",
    .summary = "the gradient of l2norm: (dy - y (y . dy)) / norm; dy / norm where norm is the least one",
    .forward = {&op_l2norm},
    .reference = bwd_reference,
    .variants = bwd_variants,
    /* a dot product of D terms, then a difference that may cancel: bounded by the size of dy / norm */
    .tolerance = {.abs = 4e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops_per_element = 3,
    .fill = {[1] = OP_FILL_SAVED},
};
