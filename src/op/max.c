/* max.c: the greatest element of each row, or of all, and where it stands. Exact, also for denormals on devices that
 * flush them: shaders compare bits. The first of equals counts; a NaN is above everything. */
#include "args/max.h"
#include "op/part.h"
#include "op/sum.h"

#include <math.h>
#include <string.h>

static uint64_t first_greatest(const float *x, uint64_t count)
{
    uint64_t at = 0;
    for (uint64_t j = 1; j < count && !isnan(x[at]); j++) {
        if (x[j] > x[at] || isnan(x[j]))
            at = j;
    }
    return at;
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_max_bwd, NULL, use->dout[0], use->out[1], use->in[0]);
}

/* ---- max: x[..,D] -> y[..], arg[..] ------------------------------------------------------------------------------ */

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    int32_t *arg = call->out_data[1];
    uint64_t rows = tensor_shape_rows(&call->in[0]);
    uint32_t width = tensor_shape_width(&call->in[0]);
    for (uint64_t r = 0; r < rows; r++, x += width) {
        arg[r] = (int32_t)first_greatest(x, width);
        y[r] = x[arg[r]];
    }
}

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct max_args args = {.width = tensor_shape_width(&call->in[0])};
    OP_PUSH(d, args);
}

static const struct op_variant variants[] = {OP_ROW_VARIANTS("max_fwd", .bind = "x y arg", .args = push_args), {0}};

static const struct op_case cases[] = {
    {.name = "1", .in = {{1}}, .grad = true},
    {.name = "3x5", .in = {{3, 5}}, .grad = true},
    {.name = "2x3x7", .in = {{2, 3, 7}}, .grad = true},
    {.name = "70x127", .in = {{70, 127}}},
    {.name = "513", .in = {{513}}},
    {.name = "513x3", .in = {{513, 3}}},
    {.name = "2x8193", .in = {{2, 8193}}},
    {.name = "long_1x600011", .in = {{1, 600011}}},
    {.name = "filip", .in = {{8, 8, 32, 49}}, .bench = true},
    {.name = "classes", .in = {{256, 8}}, .bench = true},
    {0},
};

const struct op_desc op_max = {
    .name = "max",
    .signature = "x[...,D] -> y[...] (arg:i32[...])",
    .summary = "y = the greatest over the last dimension, arg its first position",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .tolerance = {0},            /* exact */
    .grad_eps = 1.0 / (1 << 12), /* neighbours closer than that are rare */
    .flops_per_element = 1,
};

/* ---- max_all: x[...] -> y[1], arg[1] ----------------------------------------------------------------------------- */

static enum mien_status all_shapes(struct op_call *call, const char *label)
{
    if (tensor_shape_count(&call->in[0]) > INT32_MAX)
        return op_shape_error(call, label, 0, "of at most 2,147,483,647 elements");
    return MIEN_OK;
}

static void all_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    uint64_t at = first_greatest(x, tensor_shape_count(&call->in[0]));
    *(float *)call->out_data[0] = x[at];
    *(int32_t *)call->out_data[1] = (int32_t)at;
}

/* Runs of about sqrt(count) elements, a multiple of 64, into scratch; in parts that fit into a binding. Runs stay below
 * 65,536 elements, as lavapipe's loops must. */
static void plan_runs(struct op_plan *plan)
{
    bool serial = plan->caps->class_ == VK_CLASS_SOFTWARE;
    uint64_t count = tensor_shape_count(&plan->call->in[0]), run = op_column_block(count),
             runs = base_div_up(count, run);
    uint64_t most = op_part_rows(plan->caps, run);
    if (op_plan_too_large(plan, most == 0, run))
        return;
    plan->scratch[0] = plan->scratch[1] = runs * 4;
    const uint32_t lanes = op_group_lanes(plan->caps);
    for (uint64_t first = 0; first < runs; first += most) {
        uint64_t rows = BASE_MIN(most, runs - first), elements = BASE_MIN(rows * run, count - first * run);
        struct max_args args = {(uint32_t)rows, (uint32_t)first, (uint32_t)run, 1, (uint32_t)elements};
        struct op_dispatch *d =
            op_plan_items(plan, serial ? "max_fwd_row" : "max_fwd", serial ? op_vector_lanes(plan->caps) : lanes,
                          serial ? rows : rows * lanes);
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, first * run * 4, elements * 4);
        op_dispatch_round(d, plan->caps, 8);
        op_plan_bind(plan, ">$0 >$1");
        OP_PUSH(d, args);
    }
}

static void all_plan(struct op_plan *plan)
{
    plan_runs(plan);
    struct max_all_args args = {.count = (uint32_t)(plan->scratch[0] / 4)};
    struct op_dispatch *d = op_plan_items(plan, "max_all_fwd", op_group_lanes(plan->caps), 1);
    op_dispatch_round(d, plan->caps, 8);
    op_plan_bind(plan, "<$0 <$1 y arg");
    OP_PUSH(d, args);
}

static const struct op_variant all_variants[] = {{.name = "max_all_fwd", .steps = all_plan}, {0}};

static const struct op_case all_cases[] = {
    {.name = "all_1", .in = {{1}}, .grad = true},
    {.name = "all_3x5", .in = {{3, 5}}, .grad = true},
    {.name = "all_4097", .in = {{4097}}},
    {.name = "all_127x33", .in = {{127, 33}}},
    {.name = "all_large", .in = {{512, 513}}, .bench = true},
    {0},
};

const struct op_desc op_max_all = {
    .name = "max_all",
    .signature = "x[...] -> y[1] (arg:i32[1])",
    .summary = "y = the greatest of all elements, arg its first position among them",
    .shapes = all_shapes,
    .reference = all_reference,
    .grad = grad,
    .variants = all_variants,
    .cases = all_cases,
    .tolerance = {0},            /* exact */
    .grad_eps = 1.0 / (1 << 12), /* as max */
    .flops_per_element = 1,
};

/* ---- max_bwd: dy, arg, like x -> dx ------------------------------------------------------------------------------ */

/* D for max, all elements for max_all. */
static uint64_t span_of(const struct op_call *call)
{
    return tensor_shape_count(&call->in[2]) / tensor_shape_count(&call->in[0]);
}

static enum mien_status bwd_shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *x = &call->in[2];
    uint64_t rows = tensor_shape_count(&call->in[0]);
    if (rows != 1 && rows != tensor_shape_rows(x))
        return op_shape_error(call, label, 0, "dy, one element for each row of input 2 or one in all");
    if (tensor_shape_count(&call->in[1]) != rows)
        return op_shape_error(call, label, 1, "arg, of the shape of dy");
    return MIEN_OK;
}

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0];
    const int32_t *arg = call->in_data[1];
    float *dx = call->out_data[0];
    uint64_t rows = tensor_shape_count(&call->in[0]), span = span_of(call);
    memset(dx, 0, tensor_shape_bytes(&call->out[0]));
    for (uint64_t r = 0; r < rows; r++) {
        if (arg[r] >= 0 && (uint64_t)arg[r] < span)
            dx[r * span + (uint64_t)arg[r]] = dy[r];
    }
}

static void bwd_args(const struct op_call *call, struct op_dispatch *d)
{
    struct max_bwd_args args = {.width = (uint32_t)span_of(call)};
    OP_PUSH(d, args);
}

static const struct op_variant bwd_variants[] = {{.name = "max_bwd", .bind = "dy* arg* dx", .args = bwd_args}, {0}};

const struct op_desc op_max_bwd = {
    .name = "max_bwd",
    .signature = "dy arg:i32 like[...,D] -> dx[...,D]",
    .summary = "dx = dy at position arg of its row, or of all, zeros elsewhere",
    .forward = {&op_max, &op_max_all},
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .variants = bwd_variants,
    .tolerance = {0}, /* a copy */
};
