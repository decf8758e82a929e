/* regression.c: losses of predictions against targets: mean squared error and its root (ccc.c has the concordance). */
#include "args/regression.h"
#include "op/part.h"
#include "op/sum.h"

#include <math.h>

static enum mien_status check_pair(const struct op_call *call, const char *label)
{
    if (!tensor_shape_equal(&call->in[1], &call->in[0]))
        return op_shape_error(call, label, 1, "targets, of the shape of the predictions");
    return MIEN_OK;
}

static enum mien_status check_scalar(const struct op_call *call, const char *label, uint32_t i, const char *what)
{
    const struct tensor_shape scalar = SHAPE_F32(1);
    return tensor_shape_equal(&call->in[i], &scalar) ? MIEN_OK : op_shape_error(call, label, i, what);
}

static float scalar_of(const struct op_call *call, uint32_t i)
{
    return *(const float *)call->in_data[i];
}

/* ---- mse, rmse: a[...], b[...] -> loss[1] -------------------------------------------------------------------------
 */

static enum mien_status mse_shapes(struct op_call *call, const char *label)
{
    call->out[0] = SHAPE_F32(1);
    call->out_count = 1;
    return check_pair(call, label);
}

static double mean_square(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    uint64_t count = tensor_shape_count(&call->in[0]);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum / (double)count;
}

static void mse_reference(const struct op_call *call)
{
    *(float *)call->out_data[0] = (float)mean_square(call);
}

static void rmse_reference(const struct op_call *call)
{
    *(float *)call->out_data[0] = (float)sqrt(mean_square(call));
}

/* db = -da */
static void negate(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = {.scale = -1};
    if (use->wants[1])
        din[1] = OP_RECORD(recorder, &op_scale, &attr, din[0]);
}

static void mse_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    if (use->dout[0] == OP_NONE)
        return;
    din[0] = OP_RECORD(recorder, &op_mse_bwd, NULL, use->in[0], use->in[1], use->dout[0]);
    negate(recorder, use, din);
}

static void rmse_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    if (use->dout[0] == OP_NONE)
        return;
    din[0] = OP_RECORD(recorder, &op_rmse_bwd, NULL, use->in[0], use->in[1], use->out[0], use->dout[0]);
    negate(recorder, use, din);
}

static enum mien_status plan_parts(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                   uint32_t *partials)
{
    uint64_t count = tensor_shape_count(&call->in[0]), limit = caps->max_range / 4 / 64 * 64;
    uint64_t stride = op_column_block(BASE_MIN(count, limit)); /* about as many sums as terms in each */
    uint32_t local = caps->class_ == VK_CLASS_SOFTWARE ? 8 : 64;
    *partials = (uint32_t)(base_div_up(count, limit) * stride);
    plan->scratch[0] = *partials * 8ull;
    for (uint64_t first = 0, k = 0; first < count; first += limit, k += stride) {
        uint64_t part = BASE_MIN(limit, count - first);
        struct mse_part_args args = {.count = (uint32_t)part, .stride = (uint32_t)stride, .first = (uint32_t)k};
        struct op_dispatch *d = op_plan_add(plan);
        if (!d)
            return MIEN_ERR_NOMEM;
        d->shader = "mse_fwd_part";
        op_dispatch_spec(d, 0, local);
        op_dispatch_groups_1d(d, caps, base_div_up(stride, local));
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, first * 4, part * 4);
        op_dispatch_bind_range(d, OP_IN, 1, OP_READ, first * 4, part * 4);
        op_dispatch_bind(d, OP_SCRATCH, 0, OP_WRITE);
        op_dispatch_push(d, &args, sizeof(args));
    }
    return MIEN_OK;
}

static enum mien_status plan_mse_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                    bool root)
{
    enum mien_status status = MIEN_OK;
    struct mse_args args = {.count = (uint32_t)tensor_shape_count(&call->in[0])};
    TRY(plan_parts(caps, call, plan, &args.partials));
    struct op_dispatch *d = op_plan_add(plan);
    FAIL_IF_NULL(d, "a plan");
    d->shader = "mse_fwd";
    op_dispatch_spec(d, 0, 64);
    op_dispatch_spec(d, 8, root);
    op_dispatch_groups_1d(d, caps, 1);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
fail:
    return status;
}

static enum mien_status mse_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_mse_as(caps, call, plan, false);
}

static enum mien_status rmse_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_mse_as(caps, call, plan, true);
}

static const struct op_variant mse_variants[] = {{.name = "mse_fwd", .plan = mse_plan}, {0}};
static const struct op_variant rmse_variants[] = {{.name = "mse_fwd", .plan = rmse_plan}, {0}};

/* valence and arousal of batches; features */
static const struct op_case mse_cases[] = {
    {.name = "one", .in = {{1}, {1}}, .grad = true},
    {.name = "7x2", .in = {{7, 2}, {7, 2}}, .grad = true},
    {.name = "127x33", .in = {{127, 33}, {127, 33}}},
    {.name = "4097", .in = {{4097}, {4097}}},
    {.name = "batch", .in = {{64, 2}, {64, 2}}, .bench = true},
    {.name = "features", .in = {{64, 512}, {64, 512}}, .bench = true},
    {0},
};

static double mse_flops(const struct op_call *call)
{
    return 3.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_mse = {
    .name = "mse",
    .summary = "loss[1] = mean of (a[...] - b[...])^2",
    .in_count = 2,
    .out_count = 1,
    .shapes = mse_shapes,
    .reference = mse_reference,
    .grad = mse_grad,
    .variants = mse_variants,
    .cases = mse_cases,
    /* a difference and a square, half a unit each, doubled by the square; the sum is carried as two floats */
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12},
    .flops = mse_flops,
};

const struct op_desc op_rmse = {
    .name = "rmse",
    .summary = "loss[1] = square root of the mean of (a[...] - b[...])^2",
    .in_count = 2,
    .out_count = 1,
    .shapes = mse_shapes,
    .reference = rmse_reference,
    .grad = rmse_grad,
    .variants = rmse_variants,
    .cases = mse_cases,
    /* as mse, and a square root of 2.5 units; squares of differences below 1e-19 vanish */
    .tolerance = {.abs = RMSE_LEAST, .rel = 1e-6, .nmse = 1e-12},
    .flops = mse_flops,
};

/* ---- mse_bwd: a, b, dloss -> da; rmse_bwd: a, b, rmse, dloss -> da ------------------------------------------------
 */

static enum mien_status mse_bwd_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_pair(call, label);
    call->out[0] = call->in[0];
    call->out_count = 1;
    return status == MIEN_OK ? check_scalar(call, label, 2, "dloss[1]") : status;
}

static enum mien_status rmse_bwd_shapes(struct op_call *call, const char *label)
{
    enum mien_status status = check_pair(call, label);
    call->out[0] = call->in[0];
    call->out_count = 1;
    if (status == MIEN_OK)
        status = check_scalar(call, label, 2, "the RMSE[1]");
    return status == MIEN_OK ? check_scalar(call, label, 3, "dloss[1]") : status;
}

static void times_difference(const struct op_call *call, double factor)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    float *da = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        da[i] = (float)(factor * ((double)a[i] - b[i]));
}

static void mse_bwd_reference(const struct op_call *call)
{
    times_difference(call, 2.0 * scalar_of(call, 2) / (double)tensor_shape_count(&call->in[0]));
}

static void rmse_bwd_reference(const struct op_call *call)
{
    double rmse = scalar_of(call, 2), n = (double)tensor_shape_count(&call->in[0]);
    times_difference(call, rmse < (double)RMSE_LEAST ? 0 : scalar_of(call, 3) / (n * rmse));
}

static enum mien_status plan_bwd_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                    bool root)
{
    const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, 1},
                                       {OP_IN, 1, OP_READ, 1},
                                       {OP_IN, 2, OP_READ, 0},
                                       {OP_IN, root ? 3 : 2, OP_READ, 0},
                                       {OP_OUT, 0, OP_WRITE, 1}};
    struct mse_bwd_args args = {.count = (uint32_t)tensor_shape_count(&call->in[0])};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = "mse_bwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = args.count,
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args),
                                          .option = {root},
                                          .option_count = 1});
}

static enum mien_status mse_bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd_as(caps, call, plan, false);
}

static enum mien_status rmse_bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_bwd_as(caps, call, plan, true);
}

static const struct op_variant mse_bwd_variants[] = {{.name = "mse_bwd", .plan = mse_bwd_plan}, {0}};
static const struct op_variant rmse_bwd_variants[] = {{.name = "mse_bwd", .plan = rmse_bwd_plan}, {0}};

static const struct op_case mse_bwd_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}}},
    {.name = "127x33", .in = {{127, 33}, {127, 33}, {1}}},
    {.name = "batch", .in = {{64, 2}, {64, 2}, {1}}, .bench = true},
    {.name = "features", .in = {{64, 512}, {64, 512}, {1}}, .bench = true},
    {0},
};

static const struct op_case rmse_bwd_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {1}}},
    {.name = "127x33", .in = {{127, 33}, {127, 33}, {1}, {1}}},
    {.name = "batch", .in = {{64, 2}, {64, 2}, {1}, {1}}, .bench = true},
    {.name = "features", .in = {{64, 512}, {64, 512}, {1}, {1}}, .bench = true},
    {0},
};

static void rmse_bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    *(float *)call->in_data[2] = (float)sqrt(mean_square(call));
    *(float *)call->in_data[3] = 0.5f + (float)base_rng_uniform(rng);
}

static double bwd_flops(const struct op_call *call)
{
    return 2.0 * (double)tensor_shape_count(&call->in[0]);
}

const struct op_desc op_mse_bwd = {
    .name = "mse_bwd",
    .summary = "da[...] = 2 dloss (a - b) / n, from a, b, dloss[1]",
    .in_count = 3,
    .out_count = 1,
    .shapes = mse_bwd_shapes,
    .reference = mse_bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = mse_bwd_variants,
    .cases = mse_bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_POSITIVE},
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12}, /* a division (2.5 units), a difference, a product */
    .flops = bwd_flops,
};

const struct op_desc op_rmse_bwd = {
    .name = "rmse_bwd",
    .summary = "da[...] = dloss (a - b) / (n rmse), 0 where rmse is below 1e-18, from a, b, rmse[1], dloss[1]",
    .in_count = 4,
    .out_count = 1,
    .shapes = rmse_bwd_shapes,
    .reference = rmse_bwd_reference,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = rmse_bwd_variants,
    .cases = rmse_bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = rmse_bwd_prepare,
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12}, /* as mse_bwd */
    .flops = bwd_flops,
};
