/* l2norm.c: rows of unit length. */
#include "args/l2norm.h"
#include "op/op.h"

#include <math.h>

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const struct op_row_bind *bind, uint32_t bind_count, const char *shader,
                                enum op_row_tech tech)
{
    struct l2norm_args args = {.width = tensor_shape_width(&call->in[0])};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = shader,
                                          .tech = tech,
                                          .rows = tensor_shape_rows(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = bind_count,
                                          .args = &args,
                                          .args_size = sizeof(args),
                                          .option = {args.width % 4 == 0}, /* QUADS */
                                          .option_count = 1});
}

/* ---- l2norm: x[R,D] -> y[R,D], norm[R] -----------------------------------------------------------------------------
 */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = call->in[0];
    call->out[1] = SHAPE_F32((uint32_t)tensor_shape_rows(&call->in[0]));
    call->out_count = 2;
    return MIEN_OK;
}

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
    if (use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_l2norm_bwd, NULL, use->dout[0], use->out[0], use->out[1]);
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                 const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    const struct op_row_bind bind[] = {
        {OP_IN, 0, OP_READ, width}, {OP_OUT, 0, OP_WRITE, width}, {OP_OUT, 1, OP_WRITE, 1}};
    return plan_as(caps, call, plan, bind, BASE_COUNT(bind), shader, tech);
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "l2norm_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "l2norm_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "l2norm_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "l2norm_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "l2norm_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = plan_sg},
    {.name = "l2norm_fwd", .plan = plan_group},
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

static double flops(const struct op_call *call)
{
    return 3.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_l2norm = {
    .name = "l2norm",
    .summary = "y[R,D] = x[R,D] / norm, norm[R] = max(|x|, 1e-12)",
    .in_count = 1,
    .out_count = 2,
    .aux_outputs = 1u << 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* a sum of D squares in lanes, a square root (Vulkan: 2.5 units) and a division (2.5 units): some 10 units */
    .tolerance = {.abs = 1e-6, .rel = 2e-6, .nmse = 1e-12},
    .flops = flops,
};

/* ---- l2norm_bwd: dy[R,D], y[R,D], norm[R] -> dx[R,D] ----------------------------------------------------------------
 */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    struct tensor_shape norm = SHAPE_F32((uint32_t)tensor_shape_rows(&call->in[0]));
    if (!tensor_shape_equal(&call->in[1], &call->in[0]))
        return op_shape_error(call, label, 1, "y, of the shape of dy");
    if (!tensor_shape_equal(&call->in[2], &norm))
        return op_shape_error(call, label, 2, "norm[R], R the rows of dy");
    call->out[0] = call->in[0];
    call->out_count = 1;
    return MIEN_OK;
}

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

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                 const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    const struct op_row_bind bind[] = {
        {OP_IN, 0, OP_READ, width}, {OP_IN, 1, OP_READ, width}, {OP_IN, 2, OP_READ, 1}, {OP_OUT, 0, OP_WRITE, width}};
    return plan_as(caps, call, plan, bind, BASE_COUNT(bind), shader, tech);
}

static enum mien_status bwd_plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "l2norm_bwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status bwd_plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "l2norm_bwd_row", OP_ROW_SERIAL);
}

static enum mien_status bwd_plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "l2norm_bwd", OP_ROW_GROUP);
}

static const struct op_variant bwd_variants[] = {
    {.name = "l2norm_bwd_row", .fits = op_fits_serial, .plan = bwd_plan_row},
    {.name = "l2norm_bwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = bwd_plan_sg},
    {.name = "l2norm_bwd", .plan = bwd_plan_group},
    {0},
};

static const struct op_case bwd_cases[] = {
    {.name = "1x1", .in = {{1, 1}, {1, 1}, {1}}},
    {.name = "70x127", .in = {{70, 127}, {70, 127}, {70}}},
    {.name = "1x4099", .in = {{1, 4099}, {1, 4099}, {1}}},
    {.name = "long_1x300007", .in = {{1, 300007}, {1, 300007}, {1}}},
    {.name = "embeds", .in = {{256, 512}, {256, 512}, {256}}, .bench = true},
    {.name = "embeds_l14", .in = {{64, 768}, {64, 768}, {64}}},
    {.name = "embeds_1024", .in = {{64, 1024}, {64, 1024}, {64}}},
    {0},
};

/* Norms between 0.1 and 1.1, and some at the least one. */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    float *norm = call->in_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++)
        norm[r] = r % 16 == 5 ? L2NORM_LEAST : (float)(0.1 + base_rng_uniform(rng));
}

const struct op_desc op_l2norm_bwd = {
    .name = "l2norm_bwd",
    .summary = "dx[R,D] = (dy[R,D] - y[R,D] (y . dy)) / norm[R]; dy / norm where norm is the least one",
    .in_count = 3,
    .out_count = 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "second derivatives are not needed",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_UNIT, OP_FILL_PREPARE},
    .prepare = bwd_prepare,
    /* a dot product of D terms, then a difference that may cancel: bounded by the size of dy / norm */
    .tolerance = {.abs = 4e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops = flops,
};
