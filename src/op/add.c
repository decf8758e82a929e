/* add.c: y = a + b. */
#include "op/op.h"

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
    for (uint32_t i = 0; i < 2; i++)
        din[i] = op_record_like(recorder, use->dout[0], use->in[i]);
}

static void set_formats(const struct op_call *call, struct op_dispatch *d)
{
    op_dispatch_formats(d, call, 8);
}

static const struct op_variant variants[] = {{.name = "add_fwd", .bind = "a b y", .args = set_formats}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}}, .grad = true},
    {.name = "3x127", .in = {{3, 127}, {3, 127}}, .grad = true},
    {.name = "long", .in = {{40963}, {40963}}},
    {.name = "block", .in = {{16, 50, 128}, {16, 50, 128}}, .bench = true},
    {.name = "block_b16", .in = {{197, 768}, {197, 768}}},
    {.name = "block_l14", .in = {{257, 1024}, {257, 1024}}},
    {.name = "f16_3x128", .attr = {.dtype = MIEN_F16}, .dtype = MIEN_F16, .in = {{3, 128}, {3, 128}}, .grad = true},
    {.name = "bf16_odd_f32", .dtype = MIEN_BF16, .in = {{3, 127}, {3, 127}}, .grad = true},
    {.name = "bf16_first",
     .attr = {.dtype = MIEN_BF16},
     .dtype = MIEN_BF16,
     .half = 1,
     .in = {{40964}, {40964}},
     .grad = true},
    {.name = "f16_block",
     .attr = {.dtype = MIEN_F16},
     .dtype = MIEN_F16,
     .in = {{16, 50, 128}, {16, 50, 128}},
     .bench = true},
    {.name = "bf16_block",
     .attr = {.dtype = MIEN_BF16},
     .dtype = MIEN_BF16,
     .in = {{16, 50, 128}, {16, 50, 128}},
     .bench = true},
    {0},
};

const struct op_desc op_add = {
    .name = "add",
    .signature = "a:half[...] b:half[...] -> y:stored[...]",
    .summary = "y = a + b",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* one correctly rounded addition: half a unit in the last place, 6e-8 */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-14},
    .flops_per_element = 1,
};
