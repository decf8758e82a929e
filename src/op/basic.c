/* basic.c: fill, copy, scale, expand. */
#include "args/elements.h"
#include "op/op.h"

#include <string.h>

/* What fill, scale and expand read of the arguments of elementwise kernels. */
static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct elements_args args = {.value = call->op == &op_fill ? call->attr.value : call->attr.scale,
                                 .period = (uint32_t)tensor_shape_count(&call->in[0])};
    OP_PUSH(d, args);
}

/* ---- fill -------------------------------------------------------------------------------------------------------- */

static enum mien_status fill_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = call->in[0].rank ? call->in[0] : SHAPE_F32(BASE_MAX(call->attr.rows, 1));
    return MIEN_OK;
}

static void fill_reference(const struct op_call *call)
{
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->out[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = call->attr.value;
}

static const struct op_variant fill_variants[] = {{.name = "fill_fwd", .bind = "y", .args = push_args}, {0}};

static const struct op_case fill_cases[] = {
    {.name = "one", .attr = {.value = 1}},
    {.name = "513", .attr = {.value = -2.5f, .rows = 513}},
    {.name = "like", .attr = {.value = 0}, .in = {{33, 65}}},
    {0},
};

const struct op_desc op_fill = {
    .name = "fill",
    .signature = "like? -> y",
    .summary = "y[attr rows] or y like the input = attr value",
    .shapes = fill_shapes,
    .reference = fill_reference,
    .no_grad = "a constant",
    .variants = fill_variants,
    .cases = fill_cases,
    .tolerance = {0}, /* exact */
};

/* ---- copy -------------------------------------------------------------------------------------------------------- */

static void copy_reference(const struct op_call *call)
{
    memcpy(call->out_data[0], call->in_data[0], tensor_shape_bytes(&call->in[0]));
}

static void copy_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    (void)recorder;
    din[0] = use->dout[0];
}

static const struct op_variant copy_variants[] = {{.name = "copy_fwd", .bind = "x y"}, {0}};

static const struct op_case copy_cases[] = {
    {.name = "one", .in = {{1}}, .grad = true},
    {.name = "127x33", .in = {{127, 33}}},
    {.name = "large", .in = {{512, 513}}, .bench = true},
    {0},
};

const struct op_desc op_copy = {
    .name = "copy",
    .signature = "x[...] -> y[...]",
    .summary = "y = x",
    .reference = copy_reference,
    .grad = copy_grad,
    .variants = copy_variants,
    .cases = copy_cases,
    .tolerance = {0}, /* exact */
};

/* ---- scale ------------------------------------------------------------------------------------------------------- */

static void scale_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)((double)x[i] * call->attr.scale);
}

static void scale_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    din[0] = OP_RECORD(recorder, &op_scale, use->attr, use->dout[0]);
}

static const struct op_variant scale_variants[] = {{.name = "scale_fwd", .bind = "x y", .args = push_args}, {0}};

static const struct op_case scale_cases[] = {
    {.name = "one", .attr = {.scale = 0.5f}, .in = {{1}}, .grad = true},
    {.name = "3x127", .attr = {.scale = -1.7f}, .in = {{3, 127}}, .grad = true},
    {.name = "long", .attr = {.scale = 3}, .in = {{40963}}},
    {0},
};

const struct op_desc op_scale = {
    .name = "scale",
    .signature = "x[...] -> y[...]",
    .summary = "y = x * attr scale",
    .reference = scale_reference,
    .grad = scale_grad,
    .variants = scale_variants,
    .cases = scale_cases,
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14}, /* one rounding: 6e-8 */
    .flops_per_element = 1,
};

/* ---- expand: the gradient of sums -------------------------------------------------------------------------------- */

static enum mien_status expand_shapes(struct op_call *call, const char *label)
{
    uint64_t count = tensor_shape_count(&call->in[0]);
    if (count != 1 && count != tensor_shape_width(&call->in[1]))
        return op_shape_error(call, label, 0, "v[1] or v[D], D the width of input 1");
    return MIEN_OK;
}

static void expand_reference(const struct op_call *call)
{
    const float *v = call->in_data[0];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->out[0]), period = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = v[i % period];
}

static void expand_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct tensor_shape v = recorder->shape(recorder, use->in[0]);
    din[0] = OP_RECORD(recorder, tensor_shape_count(&v) == 1 ? &op_sum : &op_sum_rows, NULL, use->dout[0]);
}

static const struct op_variant expand_variants[] = {{.name = "expand_fwd", .bind = "v* y", .args = push_args}, {0}};

static const struct op_case expand_cases[] = {
    {.name = "scalar", .in = {{1}, {5, 7}}, .grad = true},
    {.name = "rows", .in = {{7}, {5, 7}}, .grad = true},
    {.name = "long", .in = {{127}, {3, 129, 127}}},
    {0},
};

const struct op_desc op_expand = {
    .name = "expand",
    .signature = "v[V] like:half[...,D] -> y[...,D]",
    .summary = "y = v repeated; V is 1 or D",
    .shapes = expand_shapes,
    .reference = expand_reference,
    .grad = expand_grad,
    .variants = expand_variants,
    .cases = expand_cases,
    .tolerance = {0}, /* exact */
};
