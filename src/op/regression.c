/* regression.c: losses of predictions against targets: mean squared error and its root (ccc.c has the concordance). */
#include "args/regression.h"
#include "op/part.h"
#include "op/sum.h"

#include <math.h>

static float scalar_of(const struct op_call *call, uint32_t i)
{
    return *(const float *)call->in_data[i];
}

/* ---- mse, rmse --------------------------------------------------------------------------------------------------- */

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
    din[0] = OP_RECORD(recorder, &op_mse_bwd, NULL, use->in[0], use->in[1], use->dout[0]);
    negate(recorder, use, din);
}

static void rmse_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_rmse_bwd, NULL, use->in[0], use->in[1], use->out[0], use->dout[0]);
    negate(recorder, use, din);
}

/* Partial sums, each of elements one stride apart; in parts that fit into a binding. Their number. */
static uint32_t plan_parts(struct op_plan *plan)
{
    uint64_t count = tensor_shape_count(&plan->call->in[0]), limit = plan->caps->max_range / 4 / 64 * 64;
    uint64_t stride = op_column_block(BASE_MIN(count, limit)); /* about as many sums as terms in each */
    uint64_t partials = base_div_up(count, limit) * stride;
    plan->scratch[0] = partials * 8;
    for (uint64_t first = 0, k = 0; first < count; first += limit, k += stride) {
        uint64_t part = BASE_MIN(limit, count - first);
        struct mse_part_args args = {.count = (uint32_t)part, .stride = (uint32_t)stride, .first = (uint32_t)k};
        struct op_dispatch *d = op_plan_items(plan, "mse_fwd_part", 0, stride);
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, first * 4, part * 4);
        op_dispatch_bind_range(d, OP_IN, 1, OP_READ, first * 4, part * 4);
        op_plan_bind(plan, ">$0");
        OP_PUSH(d, args);
    }
    return (uint32_t)partials;
}

static void plan_mse(struct op_plan *plan)
{
    struct mse_args args = {.count = (uint32_t)tensor_shape_count(&plan->call->in[0]), .partials = plan_parts(plan)};
    struct op_dispatch *d = op_plan_items(plan, "mse_fwd", op_group_lanes(plan->caps), 1);
    op_dispatch_round(d, plan->caps, 4);
    op_plan_bind(plan, "<$0 loss");
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, plan->call->op == &op_rmse); /* the root */
}

static const struct op_variant variants[] = {{.name = "mse_fwd", .steps = plan_mse}, {0}};

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

const struct op_desc op_mse = {
    .name = "mse",
    .signature = "a[...] b[...] -> loss[1]",
    .summary = "loss = mean of (a - b)^2",
    .reference = mse_reference,
    .grad = mse_grad,
    .variants = variants,
    .cases = mse_cases,
    /* a difference and a square, half a unit each, doubled by the square; the sum is carried as two floats */
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12},
    .flops_per_element = 3,
};

const struct op_desc op_rmse = {
    .name = "rmse",
    .signature = "a[...] b[...] -> loss[1]",
    .summary = "loss = square root of the mean of (a - b)^2",
    .reference = rmse_reference,
    .grad = rmse_grad,
    .variants = variants,
    .cases = mse_cases,
    /* as mse, and a square root of 2.5 units; squares of differences below 1e-19 vanish */
    .tolerance = {.abs = RMSE_LEAST, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 3,
};

/* ---- mse_bwd, rmse_bwd ------------------------------------------------------------------------------------------- */

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

static void bwd_args(const struct op_call *call, struct op_dispatch *d)
{
    struct mse_bwd_args args = {.count = (uint32_t)tensor_shape_count(&call->in[0])};
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, call->op == &op_rmse_bwd); /* the root */
}

static const struct op_variant mse_bwd_variants[] = {
    {.name = "mse_bwd", .bind = "a b dloss* dloss* da", .args = bwd_args},
    {0},
};
static const struct op_variant rmse_bwd_variants[] = {
    {.name = "mse_bwd", .bind = "a b rmse* dloss* da", .args = bwd_args},
    {0},
};

const struct op_desc op_mse_bwd = {
    .name = "mse_bwd",
    .signature = "a[...] b[...] dloss[1] -> da[...]",
    .summary = "the gradient of mse: 2 dloss (a - b) / n",
    .forward = {&op_mse},
    .reference = mse_bwd_reference,
    .variants = mse_bwd_variants,
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12}, /* a division (2.5 units), a difference, a product */
    .flops_per_element = 2,
};

const struct op_desc op_rmse_bwd = {
    .name = "rmse_bwd",
    .signature = "a[...] b[...] rmse[1] dloss[1] -> da[...]",
    .summary = "the gradient of rmse: dloss (a - b) / (n rmse), 0 where rmse is below 1e-18",
    .forward = {&op_rmse},
    .reference = rmse_bwd_reference,
    .variants = rmse_bwd_variants,
    .tolerance = {.abs = 0, .rel = 6e-7, .nmse = 1e-12}, /* as mse_bwd */
    .flops_per_element = 2,
};
