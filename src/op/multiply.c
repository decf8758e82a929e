/* multiply.c: y = a * b. */
#include "op/op.h"

static void reference(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)((double)a[i] * b[i]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &op_multiply, NULL, use->dout[0], use->in[1 - i]);
    }
}

static const struct op_variant variants[] = {{.name = "multiply_fwd", .bind = "a b y"}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}}, .grad = true},
    {.name = "3x127", .in = {{3, 127}, {3, 127}}, .grad = true},
    {.name = "long", .in = {{40963}, {40963}}},
    {.name = "block", .in = {{16, 50, 128}, {16, 50, 128}}, .bench = true},
    {0},
};

const struct op_desc op_multiply = {
    .name = "multiply",
    .signature = "a[...] b[...] -> y[...]",
    .summary = "y = a * b",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* one correctly rounded product: half a unit in the last place, 6e-8 */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
    .flops_per_element = 1,
};
