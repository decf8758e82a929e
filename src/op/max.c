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
    if (use->dout[0] != OP_NONE)
        din[0] = OP_RECORD(recorder, &op_max_bwd, NULL, use->dout[0], use->out[1], use->in[0]);
}

/* ---- max: x[..,D] -> y[..], arg[..] ------------------------------------------------------------------------------ */

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *x = &call->in[0];
    (void)label;
    call->out[0] = *x;
    if (x->rank > 1)
        call->out[0].rank--;
    call->out[0].dim[x->rank - 1] = x->rank > 1 ? 0 : 1;
    call->out[1] = call->out[0];
    call->out[1].dtype = MIEN_I32;
    call->out_count = 2;
    return MIEN_OK;
}

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

static enum mien_status plan_as(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                const char *shader, enum op_row_tech tech)
{
    uint32_t width = tensor_shape_width(&call->in[0]);
    const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, width}, {OP_OUT, 0, OP_WRITE, 1}, {OP_OUT, 1, OP_WRITE, 1}};
    struct max_args args = {.width = width};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = shader,
                                          .tech = tech,
                                          .rows = tensor_shape_rows(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

static enum mien_status plan_sg(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "max_fwd_sg", OP_ROW_SUBGROUP);
}

static enum mien_status plan_row(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "max_fwd_row", OP_ROW_SERIAL);
}

static enum mien_status plan_group(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_as(caps, call, plan, "max_fwd", OP_ROW_GROUP);
}

static const struct op_variant variants[] = {
    {.name = "max_fwd_row", .fits = op_fits_serial, .plan = plan_row},
    {.name = "max_fwd_sg", .needs = VK_CAP_SUBGROUP_ARITH, .fits = op_fits_subgroup, .plan = plan_sg},
    {.name = "max_fwd", .plan = plan_group},
    {0},
};

static const struct op_case cases[] = {
    {.name = "1", .in = {{1}}, .grad = true},
    {.name = "3x5", .in = {{3, 5}}, .grad = true},
    {.name = "2x3x7", .in = {{2, 3, 7}}, .grad = true},
    {.name = "70x127", .in = {{70, 127}}},
    {.name = "513", .in = {{513}}},
    {.name = "2x8193", .in = {{2, 8193}}},
    {.name = "long_1x600011", .in = {{1, 600011}}},
    {.name = "filip", .in = {{8, 8, 32, 49}}, .bench = true},
    {.name = "classes", .in = {{256, 8}}, .bench = true},
    {0},
};

const struct op_desc op_max = {
    .name = "max",
    .summary = "y[..] = greatest of x[..,D] over the last dimension, arg[..] its first position (i32)",
    .in_count = 1,
    .out_count = 2,
    .aux_outputs = 1u << 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    .tolerance = {0},            /* exact */
    .grad_eps = 1.0 / (1 << 12), /* neighbours closer than that are rare */
};

/* ---- max_all: x[...] -> y[1], arg[1] ------------------------------------------------------------------------------
 */

static enum mien_status all_shapes(struct op_call *call, const char *label)
{
    if (tensor_shape_count(&call->in[0]) > INT32_MAX)
        return op_shape_error(call, label, 0, "of at most 2,147,483,647 elements");
    call->out[0] = SHAPE_F32(1);
    call->out[1] = SHAPE_I32(1);
    call->out_count = 2;
    return MIEN_OK;
}

static void all_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    uint64_t at = first_greatest(x, tensor_shape_count(&call->in[0]));
    *(float *)call->out_data[0] = x[at];
    *(int32_t *)call->out_data[1] = (int32_t)at;
}

/* Runs of about sqrt(count) elements, a multiple of 64, into scratch; in parts that fit into a binding. */
static enum mien_status plan_runs(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                  bool serial)
{
    enum mien_status status = MIEN_OK;
    uint64_t count = tensor_shape_count(&call->in[0]), run = op_column_block(count), runs = base_div_up(count, run);
    uint64_t most = op_part_rows(caps, run);
    FAIL_IF(most == 0, MIEN_ERR_UNSUPPORTED, "max_all: a run of %llu elements does not fit into a binding",
            (unsigned long long)run);
    plan->scratch[0] = plan->scratch[1] = runs * 4;
    for (uint64_t first = 0; first < runs; first += most) {
        uint64_t rows = BASE_MIN(most, runs - first), elements = BASE_MIN(rows * run, count - first * run);
        struct max_args args = {(uint32_t)rows, (uint32_t)first, (uint32_t)run, 1, (uint32_t)elements};
        struct op_dispatch *d = op_plan_add(plan);
        FAIL_IF_NULL(d, "a plan");
        d->shader = serial ? "max_fwd_row" : "max_fwd";
        op_dispatch_spec(d, 0, serial ? 8 : 64);
        op_dispatch_groups_1d(d, caps, serial ? base_div_up(rows, 8) : rows);
        op_dispatch_bind_range(d, OP_IN, 0, OP_READ, first * run * 4, elements * 4);
        op_dispatch_bind(d, OP_SCRATCH, 0, OP_WRITE);
        op_dispatch_bind(d, OP_SCRATCH, 1, OP_WRITE);
        op_dispatch_push(d, &args, sizeof(args));
    }
fail:
    return status;
}

static enum mien_status all_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    /* runs stay below 65,536 elements, as lavapipe's loops must */
    TRY(plan_runs(caps, call, plan, caps->class_ == VK_CLASS_SOFTWARE));
    struct max_all_args args = {.count = (uint32_t)(plan->scratch[0] / 4)};
    struct op_dispatch *d = op_plan_add(plan);
    FAIL_IF_NULL(d, "a plan");
    d->shader = "max_all_fwd";
    op_dispatch_spec(d, 0, 64);
    op_dispatch_groups_1d(d, caps, 1);
    op_dispatch_bind(d, OP_SCRATCH, 0, OP_READ);
    op_dispatch_bind(d, OP_SCRATCH, 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, 1, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
fail:
    return status;
}

static const struct op_variant all_variants[] = {{.name = "max_all_fwd", .plan = all_plan}, {0}};

static const struct op_case all_cases[] = {
    {.name = "1", .in = {{1}}, .grad = true},
    {.name = "3x5", .in = {{3, 5}}, .grad = true},
    {.name = "4097", .in = {{4097}}},
    {.name = "127x33", .in = {{127, 33}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {0},
};

const struct op_desc op_max_all = {
    .name = "max_all",
    .summary = "y[1] = greatest of x[...], arg[1] its first position among all elements (i32)",
    .in_count = 1,
    .out_count = 2,
    .aux_outputs = 1u << 1,
    .shapes = all_shapes,
    .reference = all_reference,
    .grad = grad,
    .variants = all_variants,
    .cases = all_cases,
    .tolerance = {0},            /* exact */
    .grad_eps = 1.0 / (1 << 12), /* as max */
};

/* ---- max_bwd: dy, arg, like x -> dx -------------------------------------------------------------------------------
 */

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
    call->out[0] = *x;
    call->out_count = 1;
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

static enum mien_status bwd_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    static const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, 0}, {OP_IN, 1, OP_READ, 0}, {OP_OUT, 0, OP_WRITE, 1}};
    struct max_bwd_args args = {.width = (uint32_t)span_of(call)};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = "max_bwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->out[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

static const struct op_variant bwd_variants[] = {{.name = "max_bwd", .plan = bwd_plan}, {0}};

static const struct op_case bwd_cases[] = {
    {.name = "1", .in = {{1}, {1}, {1}}},
    {.name = "rows", .in = {{70}, {70}, {70, 127}}},
    {.name = "all", .in = {{1}, {1}, {127, 33}}},
    {.name = "narrow", .in = {{513}, {513}, {513, 3}}},
    {.name = "filip", .in = {{8, 8, 32}, {8, 8, 32}, {8, 8, 32, 49}}, .bench = true},
    {0},
};

static void bwd_prepare(struct op_call *call, struct base_rng *rng)
{
    int32_t *arg = call->in_data[1];
    uint64_t rows = tensor_shape_count(&call->in[1]);
    for (uint64_t r = 0; r < rows; r++)
        arg[r] = (int32_t)base_rng_below(rng, (uint32_t)span_of(call));
}

static double bwd_flops(const struct op_call *call)
{
    (void)call;
    return 0;
}

static double bwd_bytes(const struct op_call *call)
{
    return (double)tensor_shape_bytes(&call->out[0]);
}

const struct op_desc op_max_bwd = {
    .name = "max_bwd",
    .summary = "dx like x[..,D] = dy[..] at position arg[..] of its row, zeros elsewhere; dy[1], arg[1]: of all; x is "
               "not read",
    .in_count = 3,
    .out_count = 1,
    .index_inputs = 1u << 1,
    .shapes = bwd_shapes,
    .reference = bwd_reference,
    .no_grad = "second derivatives are not used",
    .variants = bwd_variants,
    .cases = bwd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_SMALL},
    .prepare = bwd_prepare,
    .tolerance = {0}, /* a copy */
    .flops = bwd_flops,
    .bytes = bwd_bytes,
};
