/* layernorm.c: layer normalisation over the last dimension. Saves mean and 1/std of each row for the backward pass. */
#include "args/layernorm.h"
#include "op/op.h"
#include "op/sum.h"

#include <math.h>

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const struct op_row_bind *bind, uint32_t bind_count, const char *shader,
                                enum op_row_tech tech)
{
    struct layernorm_args args = {.width = tensor_shape_width(&call->in[0]), .eps = call->attr.eps};
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

/* ---- layernorm: x[R,D], w[D], b[D] -> y[R,D], mean[R], rstd[R] ------------------------------------------------------
 */

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

static void statistics(const float *x, uint32_t width, double eps, double *mean, double *rstd)
{
    double m = 0, v = 0;
    for (uint32_t j = 0; j < width; j++)
        m += x[j];
    m /= width;
    for (uint32_t j = 0; j < width; j++)
        v += (x[j] - m) * (x[j] - m);
    *mean = m;
    *rstd = 1 / sqrt(v / width + eps);
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0], *w = call->in_data[1], *b = call->in_data[2];
    float *y = call->out_data[0], *mean = call->out_data[1], *rstd = call->out_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, x += width, y += width) {
        double m, s;
        statistics(x, width, call->attr.eps, &m, &s);
        for (uint32_t j = 0; j < width; j++)
            y[j] = (float)((x[j] - m) * s * w[j] + b[j]);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    if (use->dout[0] == OP_NONE)
        return;
    const op_value in[] = {use->dout[0], use->in[0], use->in[1], use->out[1], use->out[2]};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    recorder->record(recorder, &op_layernorm_bwd, use->attr, in, BASE_COUNT(in), out);
    for (uint32_t i = 0; i < 3; i++)
        din[i] = out[i];
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                 const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, width}, {OP_IN, 1, OP_READ, 0},
                                       {OP_IN, 2, OP_READ, 0},     {OP_OUT, 0, OP_WRITE, width},
                                       {OP_OUT, 1, OP_WRITE, 1},   {OP_OUT, 2, OP_WRITE, 1}};
    return plan_as(caps, call, plan, bind, BASE_COUNT(bind), shader, tech);
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "layernorm_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "layernorm_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_fwd(caps, call, plan, "layernorm_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "layernorm_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "layernorm_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = plan_sg},
    {.name = "layernorm_fwd", .plan = plan_group},
    {0},
};

static const struct op_case cases[] = {
    {.name = "1x1", .attr = {.eps = 1e-5f}, .in = {{1, 1}, {1}, {1}}, .grad = true},
    {.name = "2x3", .attr = {.eps = 1e-5f}, .in = {{2, 3}, {3}, {3}}, .grad = true},
    {.name = "5x17", .attr = {.eps = 1e-5f}, .in = {{5, 17}, {17}, {17}}, .grad = true},
    {.name = "3x127", .attr = {.eps = 1e-5f}, .in = {{3, 127}, {127}, {127}}},
    {.name = "130x64", .attr = {.eps = 1e-5f}, .in = {{2, 65, 64}, {64}, {64}}},
    {.name = "4x4099", .attr = {.eps = 1e-5f}, .in = {{4, 4099}, {4099}, {4099}}},
    {.name = "long_1x171001", .attr = {.eps = 1e-5f}, .in = {{1, 171001}, {171001}, {171001}}},
    {.name = "vit_tiny", .attr = {.eps = 1e-5f}, .in = {{32, 37, 128}, {128}, {128}}, .bench = true},
    {.name = "vit_b32", .attr = {.eps = 1e-5f}, .in = {{2, 50, 768}, {768}, {768}}, .bench = true},
    {.name = "text_b32", .attr = {.eps = 1e-5f}, .in = {{4, 77, 512}, {512}, {512}}},
    {.name = "vit_b16", .attr = {.eps = 1e-5f}, .in = {{1, 197, 768}, {768}, {768}}},
    {.name = "vit_l14", .attr = {.eps = 1e-5f}, .in = {{1, 257, 1024}, {1024}, {1024}}, .bench = true},
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
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* about sqrt(D) units in the moments, 2 in the inverse root, 3 in the last line, which may cancel against b */
    .tolerance = {.abs = 4e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops = flops,
};

/* ---- layernorm_bwd: dy[R,D], x[R,D], w[D], mean[R], rstd[R] -> dx[R,D], dw[D], db[D]
 * --------------------------------- */

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    struct tensor_shape vector = SHAPE_F32(tensor_shape_width(&call->in[0]));
    struct tensor_shape column = SHAPE_F32((uint32_t)tensor_shape_rows(&call->in[0]));
    if (!tensor_shape_equal(&call->in[1], &call->in[0]))
        return op_shape_error(call, label, 1, "x, of the shape of dy");
    if (!tensor_shape_equal(&call->in[2], &vector))
        return op_shape_error(call, label, 2, "w[D], D the width of dy");
    for (uint32_t i = 3; i < 5; i++) {
        if (!tensor_shape_equal(&call->in[i], &column))
            return op_shape_error(call, label, i, "mean[R] and rstd[R], R the rows of dy");
    }
    call->out[0] = call->in[0];
    call->out[1] = call->out[2] = vector;
    call->out_count = 3;
    return MIEN_OK;
}

static void bwd_row(const struct op_call *call, uint64_t r, uint32_t width)
{
    const float *dy = (const float *)call->in_data[0] + r * width, *x = (const float *)call->in_data[1] + r * width;
    const float *w = call->in_data[2], *mean = call->in_data[3], *rstd = call->in_data[4];
    float *dx = (float *)call->out_data[0] + r * width;
    double first = 0, second = 0;
    for (uint32_t j = 0; j < width; j++) {
        double t = (double)dy[j] * w[j], n = ((double)x[j] - mean[r]) * rstd[r];
        first += t;
        second += t * n;
    }
    for (uint32_t j = 0; j < width; j++) {
        double t = (double)dy[j] * w[j], n = ((double)x[j] - mean[r]) * rstd[r];
        dx[j] = (float)(rstd[r] * (t - first / width - n * (second / width)));
    }
}

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0], *x = call->in_data[1], *mean = call->in_data[3], *rstd = call->in_data[4];
    float *dw = call->out_data[1], *db = call->out_data[2];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++)
        bwd_row(call, r, width);
    for (uint32_t j = 0; j < width; j++) {
        double sw = 0, sb = 0;
        for (uint64_t r = 0; r < rows; r++) {
            sw += dy[r * width + j] * (((double)x[r * width + j] - mean[r]) * rstd[r]);
            sb += dy[r * width + j];
        }
        dw[j] = (float)sw;
        db[j] = (float)sb;
    }
}

/* dw and db: partial sums over blocks of rows in scratch, [2][value, lost][blocks,D], then the sum of the blocks. */
static enum mien_status plan_bwd_w(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]), block = op_column_block(rows);
    uint64_t blocks = base_div_up(rows, block), bytes = blocks * width * 4, plane = base_round_up(bytes, 256);
    const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, width},
                                       {OP_IN, 1, OP_READ, width},
                                       {OP_IN, 3, OP_READ, 1},
                                       {OP_IN, 4, OP_READ, 1},
                                       {OP_SCRATCH, 0, OP_WRITE, 0}};
    uint64_t limit = op_part_limit(caps, bind, BASE_COUNT(bind), rows);
    if (limit < rows)
        limit = limit / block * block;
    FAIL_IF(limit == 0, MIEN_ERR_UNSUPPORTED, "layernorm_bwd: %u rows of %u do not fit into a binding", block, width);
    plan->scratch[0] = 4 * plane;
    for (uint64_t first = 0; first < rows; first += limit) {
        struct layernorm_args args = {.rows = (uint32_t)BASE_MIN(limit, rows - first),
                                      .first = (uint32_t)first,
                                      .width = width,
                                      .block = block,
                                      .plane = (uint32_t)(plane / 4)};
        struct op_dispatch *d = op_plan_add(plan);
        FAIL_IF_NULL(d, "a plan");
        d->shader = "layernorm_bwd_w";
        op_column_groups(d, caps, width, args.rows, block);
        op_dispatch_bind_part(d, bind, BASE_COUNT(bind), first, args.rows);
        op_dispatch_push(d, &args, sizeof(args));
    }
    for (uint8_t o = 1; o <= 2; o++) {
        struct op_bind from = {OP_SCRATCH, 0, 0, (o - 1u) * 2 * plane, plane + bytes}, to = {OP_OUT, o, 0, 0, 0};
        TRY(op_plan_column_merge(plan, caps, from, to, (uint32_t)blocks, width));
    }
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                 const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, width}, {OP_IN, 1, OP_READ, width},
                                       {OP_IN, 2, OP_READ, 0},     {OP_IN, 3, OP_READ, 1},
                                       {OP_IN, 4, OP_READ, 1},     {OP_OUT, 0, OP_WRITE, width}};
    enum mien_status status = plan_as(caps, call, plan, bind, BASE_COUNT(bind), shader, tech);
    return status == MIEN_OK ? plan_bwd_w(caps, call, plan) : status;
}

static enum mien_status bwd_plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "layernorm_bwd_x_sg", OP_ROW_SUBGROUP);
}

static enum mien_status bwd_plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "layernorm_bwd_x_row", OP_ROW_SERIAL);
}

static enum mien_status bwd_plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd(caps, call, plan, "layernorm_bwd_x", OP_ROW_GROUP);
}

static const struct op_variant bwd_variants[] = {
    {.name = "layernorm_bwd_x_row", .fits = op_fits_serial, .plan = bwd_plan_row},
    {.name = "layernorm_bwd_x_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = bwd_plan_sg},
    {.name = "layernorm_bwd_x", .plan = bwd_plan_group},
    {0},
};

static const struct op_case bwd_cases[] = {
    {.name = "1x1", .attr = {.eps = 1e-5f}, .in = {{1, 1}, {1, 1}, {1}, {1}, {1}}},
    {.name = "5x17", .attr = {.eps = 1e-5f}, .in = {{5, 17}, {5, 17}, {17}, {5}, {5}}},
    {.name = "130x65", .attr = {.eps = 1e-5f}, .in = {{130, 65}, {130, 65}, {65}, {130}, {130}}},
    {.name = "1x4099", .attr = {.eps = 1e-5f}, .in = {{1, 4099}, {1, 4099}, {4099}, {1}, {1}}},
    {.name = "long_1x300007",
     .attr = {.eps = 1e-5f},
     .in = {{1, 300007}, {1, 300007}, {300007}, {1}, {1}},
     .slow = true},
    {.name = "vit_tiny",
     .attr = {.eps = 1e-5f},
     .in = {{32, 37, 128}, {32, 37, 128}, {128}, {1184}, {1184}},
     .bench = true},
    {.name = "vit_b32", .attr = {.eps = 1e-5f}, .in = {{2, 50, 768}, {2, 50, 768}, {768}, {100}, {100}}, .bench = true},
    {.name = "text_b32", .attr = {.eps = 1e-5f}, .in = {{4, 77, 512}, {4, 77, 512}, {512}, {308}, {308}}},
    {.name = "vit_b16", .attr = {.eps = 1e-5f}, .in = {{1, 197, 768}, {1, 197, 768}, {768}, {197}, {197}}},
    {.name = "vit_l14",
     .attr = {.eps = 1e-5f},
     .in = {{1, 257, 1024}, {1, 257, 1024}, {1024}, {257}, {257}},
     .bench = true},
    {0},
};

/* mean and rstd as the forward pass saves them */
static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    const float *x = call->in_data[1];
    float *mean = call->in_data[3], *rstd = call->in_data[4];
    uint64_t rows = tensor_shape_rows(&call->in[1]);
    uint32_t width = tensor_shape_width(&call->in[1]);
    for (uint64_t r = 0; r < rows; r++) {
        double m, s;
        statistics(x + r * width, width, call->attr.eps, &m, &s);
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

static double bwd_flops(const struct op_call *call)
{
    return 17.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_layernorm_bwd = {
    .name = "layernorm_bwd",
    .summary = "dx[R,D], dw[D], db[D] of layernorm from dy[R,D], x[R,D], w[D], mean[R], rstd[R]",
    .in_count = 5,
    .out_count = 3,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "second derivatives are not needed",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_POSITIVE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = bwd_prepare,
    /* as forward; dx is a difference of terms of the size of rstd * dy * w; dw and db are carried as two floats */
    .tolerance = {.abs = 1e-5, .rel = 1e-5, .nmse = 1e-11},
    .flops = bwd_flops,
};
