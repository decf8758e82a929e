/* add.c: y = a + b. */
#include "args/elements.h"
#include "op/op.h"

static enum mien_status shapes(struct op_call *call, const char *label)
{
    if (!tensor_shape_equal(&call->in[0], &call->in[1]))
        return op_shape_error(call, label, 1, "of the shape of input 0");
    call->out[0] = call->in[0];
    call->out_count = 1;
    return MIEN_OK;
}

static void reference(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)((double)a[i] + (double)b[i]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    (void)recorder;
    din[0] = din[1] = use->dout[0];
}

static enum mien_status plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *out)
{
    static const struct op_row_bind bind[] = {{OP_IN, 0, OP_READ, 1}, {OP_IN, 1, OP_READ, 1}, {OP_OUT, 0, OP_WRITE, 1}};
    struct elements_args args = {0};
    return op_plan_rows(out, caps,
                        &(struct op_rows){.shader = "add_fwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args)});
}

static const struct op_variant variants[] = {{.name = "add_fwd", .plan = plan}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}}, .grad = true},
    {.name = "3x127", .in = {{3, 127}, {3, 127}}, .grad = true},
    {.name = "long", .in = {{40963}, {40963}}},
    {.name = "block", .in = {{16, 50, 128}, {16, 50, 128}}, .bench = true},
    {.name = "block_b16", .in = {{197, 768}, {197, 768}}},
    {.name = "block_l14", .in = {{257, 1024}, {257, 1024}}},
    {0},
};

const struct op_desc op_add = {
    .name = "add",
    .summary = "y[...] = a[...] + b[...]",
    .in_count = 2,
    .out_count = 1,
    .shapes = shapes,
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* one correctly rounded addition: half a unit in the last place, 6e-8 */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
};
