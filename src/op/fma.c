/* fma.c: chains of fused multiply-adds: no part of any model, but the measure of what a device does at most (bench). */
#include "args/fma.h"
#include "op/op.h"

/* One invocation of a software driver takes 32 pairs of quads: rounds of its loops stay below op_most_rounds. */
enum { MOST_ROUNDS = 512 };

static enum mien_status fma_shapes(struct op_call *call, const char *label)
{
    if (call->attr.count == 0 || call->attr.count > MOST_ROUNDS)
        return op_shape_error(call, label, 0, "attr count from 1 to 512");
    return MIEN_OK;
}

static void fma_reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    double sum = (double)call->attr.count * FMA_STEPS * call->attr.value;
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)(x[i] + sum);
}

static void fma_push(const struct op_call *call, struct op_dispatch *d)
{
    struct fma_args args = {.rounds = call->attr.count, .factor = 1, .value = call->attr.value};
    OP_PUSH(d, args);
}

static double fma_flops(const struct op_call *call)
{
    return 2.0 * FMA_STEPS * call->attr.count * (double)tensor_shape_count(&call->in[0]);
}

static const struct op_variant fma_variants[] = {{.name = "fma_fwd", .bind = "x y", .args = fma_push}, {0}};

static const struct op_case fma_cases[] = {
    {.name = "one", .attr = {.count = 1, .value = 1}, .in = {{1}}},
    {.name = "3", .attr = {.count = 2, .value = 0.5f}, .in = {{3}}},
    {.name = "127", .attr = {.count = 5, .value = -1}, .in = {{127}}},
    {.name = "513x3", .attr = {.count = 3, .value = 2}, .in = {{513, 3}}},
    {.name = "9k", .attr = {.count = 64, .value = 1}, .in = {{9001}}},
    {0},
};

const struct op_desc op_fma = {
    .name = "fma",
    .signature = "x[...] -> y[...]",
    .summary = "y = x + attr count * 32 * attr value, a multiply-add a step",
    .shapes = fma_shapes,
    .reference = fma_reference,
    .no_grad = "a measure of the device",
    .variants = fma_variants,
    .cases = fma_cases,
    /* a rounding each time the exponent grows: halves of an ulp that double, one ulp in all: 1.2e-7; of what cancels,
     * an ulp of the larger */
    .tolerance = {.abs = 5e-7, .rel = 2.5e-7, .nmse = 1e-13},
    .flops = fma_flops,
};
