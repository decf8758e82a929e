/* activation.c: activations as ops of their own; matmul has them in its epilogue too. */
#include "op/activation.h"

#include <math.h>

static const double tanh_scale = 0.7978845608028654; /* sqrt(2 / pi) */
static const double tanh_cubic = 0.044715;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

double op_activation_value(enum op_activation kind, double x)
{
    switch (kind) {
    case OP_ACT_QUICK_GELU:
        return x * sigmoid(1.702 * x);
    case OP_ACT_GELU:
        return x * 0.5 * erfc(-x * 0.7071067811865476);
    case OP_ACT_GELU_TANH:
        return x * sigmoid(2 * tanh_scale * (x + tanh_cubic * x * x * x));
    case OP_ACT_RELU:
        return x > 0 ? x : 0;
    case OP_ACT_NONE:
        break;
    }
    return x;
}

double op_activation_slope(enum op_activation kind, double x)
{
    double s;
    switch (kind) {
    case OP_ACT_QUICK_GELU:
        s = sigmoid(1.702 * x);
        return s + 1.702 * x * s * (1 - s);
    case OP_ACT_GELU:
        return 0.5 * erfc(-x * 0.7071067811865476) + x * 0.3989422804014327 * exp(-0.5 * x * x);
    case OP_ACT_GELU_TANH:
        s = sigmoid(2 * tanh_scale * (x + tanh_cubic * x * x * x));
        return s + x * s * (1 - s) * 2 * tanh_scale * (1 + 3 * tanh_cubic * x * x);
    case OP_ACT_RELU:
        return x > 0;
    case OP_ACT_NONE:
        break;
    }
    return 1;
}

/* ---- activation -------------------------------------------------------------------------------------------------- */

static void reference(const struct op_call *call)
{
    const float *x = call->in_data[0];
    float *y = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        y[i] = (float)op_activation_value(call->attr.activation, x[i]);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    struct op_attr attr = *use->attr;
    attr.dtype = recorder->shape(recorder, use->in[0]).dtype;
    din[0] = OP_RECORD(recorder, &op_activation_bwd, &attr, use->dout[0], use->in[0]);
}

static void set_kind(const struct op_call *call, struct op_dispatch *d)
{
    op_dispatch_spec(d, 8, (uint32_t)call->attr.activation);
    op_dispatch_formats(d, call, 9);
}

static const struct op_variant variants[] = {{.name = "activation_fwd", .bind = "x y", .args = set_kind}, {0}};

static const struct op_case cases[] = {
    {.name = "quick_gelu", .attr = {.activation = OP_ACT_QUICK_GELU}, .in = {{5, 127}}, .grad = true},
    {.name = "gelu", .attr = {.activation = OP_ACT_GELU}, .in = {{5, 127}}, .grad = true},
    {.name = "gelu_tanh", .attr = {.activation = OP_ACT_GELU_TANH}, .in = {{5, 127}}, .grad = true},
    {.name = "relu", .attr = {.activation = OP_ACT_RELU}, .in = {{5, 127}}, .grad = true},
    {.name = "one", .attr = {.activation = OP_ACT_GELU}, .in = {{1}}},
    {.name = "mlp", .attr = {.activation = OP_ACT_QUICK_GELU}, .in = {{400, 512}}, .bench = true},
    {.name = "mlp_gelu", .attr = {.activation = OP_ACT_GELU}, .in = {{400, 512}}, .bench = true},
    {.name = "mlp_l14", .attr = {.activation = OP_ACT_QUICK_GELU}, .in = {{257, 4096}}},
    {.name = "f16_gelu",
     .attr = {.activation = OP_ACT_GELU, .dtype = MIEN_F16},
     .dtype = MIEN_F16,
     .in = {{5, 132}},
     .grad = true},
    {.name = "bf16_gelu_tanh",
     .attr = {.activation = OP_ACT_GELU_TANH, .dtype = MIEN_BF16},
     .dtype = MIEN_BF16,
     .in = {{5, 132}},
     .grad = true},
    {.name = "f16_mlp",
     .attr = {.activation = OP_ACT_QUICK_GELU, .dtype = MIEN_F16},
     .dtype = MIEN_F16,
     .in = {{400, 512}},
     .bench = true},
    {.name = "bf16_mlp",
     .attr = {.activation = OP_ACT_QUICK_GELU, .dtype = MIEN_BF16},
     .dtype = MIEN_BF16,
     .in = {{400, 512}},
     .bench = true},
    {0},
};

const struct op_desc op_activation = {
    .name = "activation",
    .signature = "x:half[...] -> y:stored[...]",
    .summary = "y = attr activation (x): quick_gelu, gelu, gelu_tanh, relu",
    .reference = reference,
    .grad = grad,
    .variants = variants,
    .cases = cases,
    /* exp of a Vulkan driver may be off by 3 + 2|x| units in the last place; beyond |x| of about 4 its share of y falls
     * faster than that grows. */
    .tolerance = {.abs = 1e-6, .rel = 4e-6, .nmse = 1e-12},
    .flops_per_element = 10,
};

/* ---- activation_bwd ---------------------------------------------------------------------------------------------- */

static void bwd_reference(const struct op_call *call)
{
    const float *dy = call->in_data[0], *x = call->in_data[1];
    float *dx = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        dx[i] = (float)(dy[i] * op_activation_slope(call->attr.activation, x[i]));
}

static const struct op_variant bwd_variants[] = {{.name = "activation_bwd", .bind = "dy x dx", .args = set_kind}, {0}};

const struct op_desc op_activation_bwd = {
    .name = "activation_bwd",
    .signature = "dy:half[...] x:half[...] -> dx:stored[...]",
    .summary = "the gradient of activation: dy times the slope at x",
    .forward = {&op_activation},
    .reference = bwd_reference,
    .variants = bwd_variants,
    .tolerance = {.abs = 2e-6, .rel = 4e-6, .nmse = 1e-12}, /* as above, times dy */
    .flops_per_element = 10,
};
