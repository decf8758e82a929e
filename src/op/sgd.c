/* sgd.c: gradient descent with momentum, reading what changes from step to step from the hyper buffer (args/optim.h).
 * PyTorch's formula: g += decay * p; velocity = momentum * velocity + g; p -= lr * velocity. A velocity of zeros makes
 * the first step's velocity g. */
#include "args/optim.h"
#include "op/op.h"

static enum mien_status shapes(struct op_call *call, const char *label)
{
    const struct tensor_shape *hyper = &call->in[3];
    for (uint32_t i = 1; i < 3; i++) {
        if (!tensor_shape_equal(&call->in[i], &call->in[0]))
            return op_shape_error(call, label, i, "of the shape of input 0, the parameter");
    }
    if (hyper->rank != 1 || hyper->dim[0] != HYPER_COUNT)
        return op_shape_error(call, label, 3, "hyper[16]");
    if (call->in[4].rank && tensor_shape_count(&call->in[4]) != 2)
        return op_shape_error(call, label, 4, "[norm, factor], as clip_factor gives");
    call->out[0] = call->out[1] = call->in[0];
    call->out_count = 2;
    return MIEN_OK;
}

static double lr_scale(const struct op_call *call)
{
    return call->attr.scale == 0 ? 1 : call->attr.scale;
}

static void reference(const struct op_call *call)
{
    const float *p = call->in_data[0], *velocity = call->in_data[1], *g = call->in_data[2];
    const float *hyper = call->in_data[3], *factor = call->in_data[4];
    float *p_out = call->out_data[0], *velocity_out = call->out_data[1];
    uint64_t count = tensor_shape_count(&call->in[0]);
    double lr = hyper[HYPER_LR] * lr_scale(call), clip = call->in[4].rank ? factor[1] : 1;
    double decay = (double)hyper[HYPER_DECAY] * call->attr.value;
    for (uint64_t i = 0; i < count; i++) {
        double v = (double)hyper[HYPER_MOMENTUM] * velocity[i] + (g[i] * clip + decay * p[i]);
        p_out[i] = (float)(p[i] - lr * v);
        velocity_out[i] = (float)v;
    }
}

static enum mien_status plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *out)
{
    bool clips = call->in[4].rank > 0;
    const struct op_row_bind bind[] = {{OP_OUT, 0, OP_READ | OP_WRITE, 1},
                                       {OP_OUT, 1, OP_READ | OP_WRITE, 1},
                                       {OP_IN, 2, OP_READ, 1},
                                       {OP_IN, 3, OP_READ, 0},
                                       {OP_IN, clips ? 4 : 3, OP_READ, 0}};
    struct adamw_args args = {.lr_scale = (float)lr_scale(call), .decay_scale = call->attr.value};
    return op_plan_rows(out, caps,
                        &(struct op_rows){.shader = "sgd_fwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args),
                                          .option = {clips},
                                          .option_count = 1});
}

static const struct op_variant variants[] = {{.name = "sgd_fwd", .plan = plan}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {HYPER_COUNT}}, .attr = {.scale = 0.1f}},
    {.name = "long", .in = {{40963}, {40963}, {40963}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "weights",
     .in = {{512, 128}, {512, 128}, {512, 128}, {HYPER_COUNT}, {2}},
     .attr = {.value = 1},
     .bench = true},
    {0},
};

/* EmoCLIP's settings */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    float *hyper = call->in_data[3];
    hyper[HYPER_LR] = 1e-3f;
    hyper[HYPER_DECAY] = 5e-4f;
    hyper[HYPER_MOMENTUM] = 0.9f;
}

static double flops(const struct op_call *call)
{
    return 7.0 * (double)tensor_shape_count(&call->in[0]);
}

static double bytes(const struct op_call *call)
{
    return 5.0 * (double)tensor_shape_bytes(&call->in[0]);
}

const struct op_desc op_sgd = {
    .name = "sgd",
    .summary = "p, velocity [...] after one step with g[...], hyper[16], clipping[2] (optional); attr scale: factor of "
               "the rate (0 = 1), value: factor of the decay",
    .in_count = 5,
    .out_count = 2,
    .optional = 1u << 4,
    .in_place = 3,
    .shapes = shapes,
    .reference = reference,
    .no_grad = "applied after the backward pass",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_POSITIVE},
    .prepare = prepare,
    /* three roundings of the velocity, within a unit of its terms, which may be ten times the sum; one more of p */
    .tolerance = {.abs = 1e-6, .rel = 4e-7, .nmse = 1e-12},
    .flops = flops,
    .bytes = bytes,
};
