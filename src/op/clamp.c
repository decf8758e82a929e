/* clamp.c: keeps a parameter inside its bounds after an optimiser's step, in place. */
#include "args/clamp.h"
#include "op/op.h"

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (!(call->attr.low <= call->attr.high))
        return op_shape_error(call, label, 0, "with attr low at most attr high");
    return MIEN_OK;
}

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = x[i] < call->attr.low ? call->attr.low : x[i] > call->attr.high ? call->attr.high : x[i];
}

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct clamp_args args = {.low = call->attr.low, .high = call->attr.high};
    OP_PUSH(d, args);
}

static const struct op_variant variants[] = {{.name = "clamp_fwd", .bind = "x", .args = push_args}, {0}};

static const struct op_case cases[] = {
    {.name = "scalar", .attr = {.low = 0, .high = 4.6f}, .in = {{1}}},
    {.name = "127", .attr = {.low = -0.5f, .high = 0.25f}, .in = {{127}}},
    {.name = "point", .attr = {.low = 1, .high = 1}, .in = {{3, 17}}},
    {.name = "long", .attr = {.low = -1, .high = 1}, .in = {{40963}}},
    {0},
};

const struct op_desc op_clamp = {
    .name = "clamp",
    .signature = "x[...] -> x[...]",
    .summary = "x held between attr low and attr high, in place; NaN stays",
    .shapes = shapes,
    .reference = reference,
    .no_grad = "applied after the optimiser's step",
    .variants = variants,
    .cases = cases,
    .tolerance = {0}, /* exact */
    .flops_per_element = 1,
};
