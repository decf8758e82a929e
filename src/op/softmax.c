/* softmax.c: softmax over the last dimension, causal on request, and its gradient. */
#include "args/softmax.h"
#include "op/op.h"

#include <math.h>

static enum mien_status check(const struct op_call *call, const char *label)
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

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    struct softmax_args args = {.width = width, .tokens = call->attr.causal ? width : 0};
    /* x -> y, or dy, y -> dx */
    struct op_row_bind bind[3] = {{OP_IN, 0, OP_READ, width}, {OP_IN, 1, OP_READ, width}};
    uint32_t count = call->op->in_count;
    bind[count++] = (struct op_row_bind){OP_OUT, 0, OP_WRITE, width};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = shader,
                                          .tech = tech,
                                          .rows = tensor_shape_rows(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = count,
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

/* ---- softmax ------------------------------------------------------------------------------------------------------
 */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    call->out[0] = call->in[0];
    call->out_count = 1;
    return check(call, label);
}

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
    if (use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_softmax_bwd, use->attr, use->dout[0], use->out[0]);
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "softmax_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "softmax_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = plan_sg},
    {.name = "softmax_fwd", .plan = plan_group},
    {0},
};

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

static double flops(const struct op_call *call)
{
    return 6.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_softmax = {
    .name = "softmax",
    .summary = "y[..,D] = exp(x) / sum of exp(x) over the last dimension; attr causal: x[..,T,T], row t sees 0..t, "
               "zeros behind",
    .in_count = 1,
    .out_count = 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* exp(-d) may err by 3 + 2d units and d by its rounding, 180 units in all at d = 88, where the result vanishes;
     * at most 1e-7 of the row's sum */
    .tolerance = {.abs = 1e-7, .rel = 2e-5, .nmse = 2e-12},
    .flops = flops,
};

/* ---- softmax_bwd: dy, y -> dx ------------------------------------------------------------------------------------ */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    if (!tensor_shape_equal(&call->in[1], &call->in[0]))
        return op_shape_error(call, label, 1, "y, of the shape of dy");
    return shapes(call, label);
}

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

static enum mien_status bwd_plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_bwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status bwd_plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_bwd_row", OP_ROW_SERIAL);
}

static enum mien_status bwd_plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "softmax_bwd", OP_ROW_GROUP);
}

static const struct op_variant bwd_variants[] = {
    {.name = "softmax_bwd_row", .fits = op_fits_serial, .plan = bwd_plan_row},
    {.name = "softmax_bwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = bwd_plan_sg},
    {.name = "softmax_bwd", .plan = bwd_plan_group},
    {0},
};

static const struct op_case bwd_cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}}},
    {.name = "3x5", .in = {{3, 5}, {3, 5}}},
    {.name = "causal_70", .attr = {.causal = true}, .in = {{3, 70, 70}, {3, 70, 70}}},
    {.name = "70x127", .in = {{70, 127}, {70, 127}}},
    {.name = "2x8193", .in = {{2, 8193}, {2, 8193}}},
    {.name = "long_1x500009", .in = {{1, 500009}, {1, 500009}}},
    {.name = "vit_b32", .in = {{2, 12, 50, 50}, {2, 12, 50, 50}}, .bench = true},
    {.name = "text_b32", .attr = {.causal = true}, .in = {{2, 8, 77, 77}, {2, 8, 77, 77}}, .bench = true},
    {.name = "vit_b16", .in = {{1, 12, 197, 197}, {1, 12, 197, 197}}, .bench = true},
    {.name = "vit_l14", .in = {{1, 16, 257, 257}, {1, 16, 257, 257}}},
    {0},
};

/* y as the forward pass gives it for normal x, the last row peaked */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    float *y = call->in_data[1];
    uint64_t rows = tensor_shape_rows(&call->in[1]);
    uint32_t width = tensor_shape_width(&call->in[1]);
    for (uint64_t r = 0; r < rows; r++, y += width) {
        for (uint32_t j = 0; j < width; j++)
            y[j] = (float)(base_rng_normal(rng) * (r + 1 == rows ? 2 : 1));
        softmax_row(y, seen_by(call, r), width, y);
    }
}

const struct op_desc op_softmax_bwd = {
    .name = "softmax_bwd",
    .summary = "dx[..,D] = y (dy - sum of y dy), from dy and softmax's y; y sums to 1, and the sum is taken about the "
               "row's first dy; attr causal as softmax",
    .in_count = 2,
    .out_count = 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE},
    .prepare = bwd_prepare,
    /* a sum of D products whose weights sum to 1, then a difference: a few units of the greatest |dy|, times y, which
     * may be ten times the row's mean */
    .tolerance = {.abs = 5e-6, .rel = 4e-6, .nmse = 2e-12},
    .flops = flops,
};
