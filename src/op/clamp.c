/* clamp.c: keeps a parameter inside its bounds after an optimiser's step, in place. */
#include "args/clamp.h"
#include "op/op.h"

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (!(call->attr.low <= call->attr.high))
        return op_shape_error(call, label, 0, "with attr low at most attr high");
    call->out[0] = call->in[0];
    call->out_count = 1;
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

static enum mien_status plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *out)
{
    const struct op_row_bind bind[] = {{OP_OUT, 0, OP_READ | OP_WRITE, 1}};
    struct clamp_args args = {.low = call->attr.low, .high = call->attr.high};
    return op_plan_rows(out, caps,
                        &(struct op_rows){.shader = "clamp_fwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->out[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

static const struct op_variant variants[] = {{.name = "clamp_fwd", .plan = plan}, {0}};

static const struct op_case cases[] = {
    {.name = "scalar", .attr = {.low = 0, .high = 4.6f}, .in = {{1}}},
    {.name = "127", .attr = {.low = -0.5f, .high = 0.25f}, .in = {{127}}},
    {.name = "point", .attr = {.low = 1, .high = 1}, .in = {{3, 17}}},
    {.name = "long", .attr = {.low = -1, .high = 1}, .in = {{40963}}},
    {0},
};

const struct op_desc op_clamp = {
    .name = "clamp",
    .summary = "y[...] = x[...] held between attr low and attr high, in place; NaN stays",
    .in_count = 1,
    .out_count = 1,
    .in_place = 1,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "applied after the optimiser's step",
    .variants = variants,
    .cases = cases,
    .tolerance = {0}, /* exact */
};
