/* layernorm.c: layer normalisation over the last dimension. Saves mean and 1/std of each row for the backward pass. */
#include "args/layernorm.h"
#include "op/op.h"

#include <math.h>

/* x[R,D], w[D], b[D] -> y[R,D], mean[R], rstd[R] */
static enum mien_status shapes(struct op_call *call, const char *label)
{
    struct tensor_shape vector = SHAPE_F32(tensor_shape_width(&call->in[0]));
    if (!tensor_shape_equal(&call->in[1], &vector))
        return op_shape_error(call, label, 1, "w[D], D the width of input 0");
    if (!tensor_shape_equal(&call->in[2], &vector))
        return op_shape_error(call, label, 2, "b[D], D the width of input 0");
    call->out[0] = call->in[0];
    call->out[1] = call->out[2] = SHAPE_F32((uint32_t)tensor_shape_rows(&call->in[0]));
    call->out_count = 3;
    return MIEN_OK;
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0], *w = call->in_data[1], *b = call->in_data[2];
    float *y = call->out_data[0], *mean = call->out_data[1], *rstd = call->out_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, x += width, y += width) {
        double m = 0, v = 0;
        for (uint32_t j = 0; j < width; j++)
            m += x[j];
        m /= width;
        for (uint32_t j = 0; j < width; j++)
            v += (x[j] - m) * (x[j] - m);
        double s = 1 / sqrt(v / width + (double)call->attr.eps);
        for (uint32_t j = 0; j < width; j++)
            y[j] = (float)((x[j] - m) * s * w[j] + b[j]);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const char *shader, enum op_row_tech tech)
{
    struct layernorm_args args = {.rows = (uint32_t)tensor_shape_rows(&call->in[0]),
                                  .width = tensor_shape_width(&call->in[0]),
                                  .eps = call->attr.eps};
    struct op_dispatch *d = op_plan_rows(plan, caps, shader, tech, args.rows);
    if (!d)
        return MIEN_ERR_NOMEM;
    for (uint32_t i = 0; i < 3; i++)
        op_dispatch_bind(d, OP_IN, i, OP_READ);
    for (uint32_t o = 0; o < 3; o++)
        op_dispatch_bind(d, OP_OUT, o, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
    return MIEN_OK;
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "layernorm_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "layernorm_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "layernorm_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "layernorm_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .plan = plan_sg},
    {.name = "layernorm_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "layernorm_fwd", .plan = plan_group},
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .attr = {.eps = 1e-5f}, .in = {{1, 1}, {1}, {1}}, .grad = true},
    {.name = "2x3", .attr = {.eps = 1e-5f}, .in = {{2, 3}, {3}, {3}}, .grad = true},
    {.name = "5x17", .attr = {.eps = 1e-5f}, .in = {{5, 17}, {17}, {17}}, .grad = true},
    {.name = "3x127", .attr = {.eps = 1e-5f}, .in = {{3, 127}, {127}, {127}}},
    {.name = "130x64", .attr = {.eps = 1e-5f}, .in = {{2, 65, 64}, {64}, {64}}},
    {.name = "1x4099", .attr = {.eps = 1e-5f}, .in = {{1, 4099}, {4099}, {4099}}},
    {.name = "vit_tiny", .attr = {.eps = 1e-5f}, .in = {{32, 37, 128}, {128}, {128}}, .bench = true},
    {.name = "vit_b32", .attr = {.eps = 1e-5f}, .in = {{2, 50, 768}, {768}, {768}}, .bench = true},
    {0},
};

static double flops(const struct op_call *call)
{
    return 8.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_layernorm = {
    .name = "layernorm",
    .summary = "y[R,D] = (x[R,D] - mean) * rstd * w[D] + b[D]; also mean[R], rstd[R]; attr eps",
    .in_count = 3,
    .out_count = 3,
    .aux_outputs = 1u << 1 | 1u << 2,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "not yet",
    .variants = variants,
    .cases = cases,
    .tolerance = {.abs = 4e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops = flops,
};
