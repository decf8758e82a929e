/* loss_scale.c: dynamic loss scaling: gradients of S times the loss, which 16 bits hold where the loss's own would be
 * lost below their least number (Micikevicius et al., Mixed Precision Training, ICLR 2018, 3.2). With finite gradients
 * the factor divides by S; others leave the step out (factor 0: the optimisers change nothing), and halve S; so many
 * finite ones in a row double it (as PyTorch's torch.amp.GradScaler, with limits). */
#include "args/optim.h"
#include "args/sum.h"
#include "op/op.h"

#include <math.h>
#include <string.h>

static void rescale(float *scaler, float scale, bool good)
{
    double streak = good ? scaler[SCALER_GOOD] + 1 : 0;
    bool grows = streak >= SCALER_EVERY;
    scaler[SCALER_USED] = scale;
    scaler[SCALER_SCALE] = (float)(!good   ? fmax(scale * 0.5, SCALER_LEAST)
                                   : grows ? fmin(scale * 2, SCALER_MOST)
                                           : scale);
    scaler[SCALER_GOOD] = grows ? 0 : (float)streak;
    scaler[SCALER_SKIPPED] += good ? 0 : 1;
}

static void reference(const struct op_call *call)
{
    const float *partial = call->in_data[1], *hyper = call->in_data[2];
    float *scaler = call->out_data[0], *y = call->out_data[1], *settings = call->out_data[2];
    uint64_t count = tensor_shape_count(&call->in[1]);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += partial[i];
    memmove(scaler, call->in_data[0], SCALER_COUNT * sizeof(*scaler));
    memcpy(settings, hyper, HYPER_COUNT * sizeof(*settings));
    float scale = scaler[SCALER_SCALE];
    double norm = sqrt(sum) / scale, most = hyper[HYPER_MAX_NORM];
    bool good = isfinite(norm);
    y[0] = good ? (float)norm : INFINITY;
    y[1] = good ? (float)((most > 0 ? fmin(1, most / (norm + 1e-6)) : 1) / scale) : 0;
    rescale(scaler, scale, good);
    double one = scaler[SCALER_CORRECTION1], two = scaler[SCALER_CORRECTION2];
    if (good) { /* 1 - beta^t = beta (1 - beta^(t-1)) + (1 - beta) */
        one = (double)hyper[HYPER_BETA1] * one + hyper[HYPER_ONE_MINUS_BETA1];
        two = (double)hyper[HYPER_BETA2] * two + hyper[HYPER_ONE_MINUS_BETA2];
    }
    scaler[SCALER_CORRECTION1] = (float)one;
    scaler[SCALER_CORRECTION2] = (float)two;
    settings[HYPER_CORRECTION1] = (float)one;
    settings[HYPER_CORRECTION2_SQRT] = (float)sqrt(two);
}

static void plan(struct op_plan *plan)
{
    struct clip_args args = {.count = (uint32_t)tensor_shape_count(&plan->call->in[1])};
    struct op_dispatch *d = op_plan_items(plan, "loss_scale_fwd", op_group_lanes(plan->caps), 1);
    op_dispatch_round(d, plan->caps, 8);
    op_plan_bind(plan, "scaler partials hyper y settings");
    OP_PUSH(d, args);
}

static const struct op_variant variants[] = {{.name = "loss_scale_fwd", .steps = plan}, {0}};

/* What the op does not read says what a case is about: `value` the greatest norm, `scale` S, `rows` the good steps so
 * far, `low` the first partial sum where it is not 0. */
#define CASE(name_, tensors, ...)                                                                                      \
    {                                                                                                                  \
        .name = (name_), .in = {{SCALER_COUNT}, {(tensors), SUM_PARTIALS}, {HYPER_COUNT}}, .attr = { __VA_ARGS__ }     \
    }
static const struct op_case cases[] = {
    CASE("off", 1, .scale = 8),
    CASE("clips", 7, .scale = 1024, .value = 0.01f),
    CASE("passes", 7, .scale = 65536, .value = 1000),
    CASE("doubles", 3, .scale = 65536, .value = 1, .rows = 1999),
    CASE("most", 3, .scale = 16777216, .value = 1, .rows = 1999),
    CASE("infinite", 3, .scale = 65536, .value = 1, .rows = 1999, .low = INFINITY),
    CASE("nan", 7, .scale = 2, .low = NAN),
    CASE("least", 3, .scale = 1, .low = INFINITY),
    CASE("many", 400, .scale = 65536, .value = 1),
    {0},
};

/* Step 3 of a run, the second that is not left out. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    const double beta1 = 0.9, beta2 = 0.98;
    float *scaler = call->in_data[0], *partial = call->in_data[1], *hyper = call->in_data[2];
    memset(scaler, 0, SCALER_COUNT * sizeof(*scaler));
    scaler[SCALER_SCALE] = call->attr.scale;
    scaler[SCALER_GOOD] = (float)call->attr.rows;
    scaler[SCALER_SKIPPED] = 1;
    scaler[SCALER_CORRECTION1] = (float)(1 - beta1);
    scaler[SCALER_CORRECTION2] = (float)(1 - beta2);
    if (call->attr.low != 0)
        partial[0] = call->attr.low;
    memset(hyper, 0, HYPER_COUNT * sizeof(*hyper));
    hyper[HYPER_LR] = 5e-4f;
    hyper[HYPER_BETA1] = (float)beta1;
    hyper[HYPER_BETA2] = (float)beta2;
    hyper[HYPER_ONE_MINUS_BETA1] = (float)(1 - beta1);
    hyper[HYPER_ONE_MINUS_BETA2] = (float)(1 - beta2);
    hyper[HYPER_MAX_NORM] = call->attr.value;
}

const struct op_desc op_loss_scale = {
    .name = "loss_scale",
    .signature = "scaler[8] partials[...,64] hyper[16] -> scaler[8] y[2] settings[16]",
    .summary =
        "y as clip_factor's, of gradients of S times the loss, with factor 0 where they are not finite; S and the "
        "corrections of the next step; settings = hyper with the corrections of the updates done",
    .reference = reference,
    .no_grad = "applied after the backward pass",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_PREPARE, OP_FILL_POSITIVE, OP_FILL_PREPARE},
    .prepare = prepare,
    /* as clip_factor; the corrections are a product and a sum */
    .tolerance = {.abs = 0, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 1,
};
