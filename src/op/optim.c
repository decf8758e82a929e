/* optim.c: gradient clipping and AdamW, reading what changes from step to step from the hyper buffer (args/optim.h). */
#include "args/optim.h"
#include "args/sum.h"
#include "op/op.h"

#include <math.h>

/* A plausible hyper buffer: step 3 of a run. */
static void fill_hyper(float *hyper, double max_norm)
{
    const double beta1 = 0.9, beta2 = 0.98;
    hyper[HYPER_LR] = 5e-4f;
    hyper[HYPER_BETA1] = (float)beta1;
    hyper[HYPER_BETA2] = (float)beta2;
    hyper[HYPER_ONE_MINUS_BETA1] = (float)(1 - beta1);
    hyper[HYPER_ONE_MINUS_BETA2] = (float)(1 - beta2);
    hyper[HYPER_EPS] = 1e-6f;
    hyper[HYPER_DECAY] = 0.2f;
    hyper[HYPER_CORRECTION1] = (float)(1 - pow(beta1, 3));
    hyper[HYPER_CORRECTION2_SQRT] = (float)sqrt(1 - pow(beta2, 3));
    hyper[HYPER_MAX_NORM] = (float)max_norm;
}

static bool is_hyper(const struct tensor_shape *shape)
{
    return shape->rank == 1 && shape->dim[0] == HYPER_COUNT;
}

/* ---- clip_factor: partials[T,64], hyper[16] -> [norm, factor] -------------------------------------------------------
 */

static enum mien_status clip_shapes(struct op_call *call, const char *label)
{
    if (tensor_shape_width(&call->in[0]) != SUM_PARTIALS)
        return op_shape_error(call, label, 0, "partials[T,64], as sum_squares gives");
    if (!is_hyper(&call->in[1]))
        return op_shape_error(call, label, 1, "hyper[16]");
    call->out[0] = SHAPE_F32(2);
    call->out_count = 1;
    return MIEN_OK;
}

static void clip_reference(const struct op_call *call)
{
    const float *partial = call->in_data[0], *hyper = call->in_data[1];
    float *out = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    double sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += partial[i];
    double norm = sqrt(sum), most = hyper[HYPER_MAX_NORM];
    out[0] = (float)norm;
    out[1] = most > 0 ? (float)fmin(1, most / (norm + 1e-6)) : 1;
}

static enum mien_status clip_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    struct clip_args args = {.count = (uint32_t)tensor_shape_count(&call->in[0])};
    struct op_dispatch *d = op_plan_add(plan);
    if (!d)
        return MIEN_ERR_NOMEM;
    d->shader = "clip_factor_fwd";
    op_dispatch_spec(d, 0, 64);
    op_dispatch_groups_1d(d, caps, 1);
    op_dispatch_bind(d, OP_IN, 0, OP_READ);
    op_dispatch_bind(d, OP_IN, 1, OP_READ);
    op_dispatch_bind(d, OP_OUT, 0, OP_WRITE);
    op_dispatch_push(d, &args, sizeof(args));
    return MIEN_OK;
}

static const struct op_variant clip_variants[] = {{.name = "clip_factor_fwd", .plan = clip_plan}, {0}};

static const struct op_case clip_cases[] = {
    {.name = "off", .in = {{1, SUM_PARTIALS}, {HYPER_COUNT}}, .attr = {.value = 0}},
    {.name = "clips", .in = {{7, SUM_PARTIALS}, {HYPER_COUNT}}, .attr = {.value = 1}},
    {.name = "passes", .in = {{7, SUM_PARTIALS}, {HYPER_COUNT}}, .attr = {.value = 1000}},
    {.name = "many", .in = {{400, SUM_PARTIALS}, {HYPER_COUNT}}, .attr = {.value = 1}, .bench = true},
    {0},
};

/* The cases' `value` is the greatest norm; the op itself does not read it. */
static void clip_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    fill_hyper(call->in_data[1], call->attr.value);
}

const struct op_desc op_clip_factor = {
    .name = "clip_factor",
    .summary = "y[2] = global norm and clipping factor, from partials[T,64] (sum_squares) and hyper[16]",
    .in_count = 2,
    .out_count = 1,
    .shapes = clip_shapes,
    .reference = clip_reference,
    .no_grad = "applied after the backward pass",
    .variants = clip_variants,
    .cases = clip_cases,
    .fill = {OP_FILL_POSITIVE, OP_FILL_PREPARE},
    .prepare = clip_prepare,
    /* the sum is nearly exact; a square root and a division of 2.5 units each */
    .tolerance = {.abs = 0, .rel = 1e-6, .nmse = 1e-12},
};

/* ---- adamw: p, m, v, g [n], hyper[16], factor[2] -> p, m, v in place
 * -------------------------------------------------- */

static enum mien_status adamw_shapes(struct op_call *call, const char *label)
{
    for (uint32_t i = 1; i < 4; i++) {
        if (!tensor_shape_equal(&call->in[i], &call->in[0]))
            return op_shape_error(call, label, i, "of the shape of input 0, the parameter");
    }
    if (!is_hyper(&call->in[4]))
        return op_shape_error(call, label, 4, "hyper[16]");
    if (call->in[5].rank && tensor_shape_count(&call->in[5]) != 2)
        return op_shape_error(call, label, 5, "[norm, factor], as clip_factor gives");
    for (uint32_t o = 0; o < 3; o++)
        call->out[o] = call->in[0];
    call->out_count = 3;
    return MIEN_OK;
}

static double lr_scale(const struct op_call *call)
{
    return call->attr.scale == 0 ? 1 : call->attr.scale;
}

static void adamw_reference(const struct op_call *call)
{
    const float *p = call->in_data[0], *m = call->in_data[1], *v = call->in_data[2], *g = call->in_data[3];
    const float *hyper = call->in_data[4], *factor = call->in_data[5];
    float *p_out = call->out_data[0], *m_out = call->out_data[1], *v_out = call->out_data[2];
    uint64_t count = tensor_shape_count(&call->in[0]);
    double lr = hyper[HYPER_LR] * lr_scale(call), clip = call->in[5].rank ? factor[1] : 1;
    double keep = 1 - lr * hyper[HYPER_DECAY] * call->attr.value;
    for (uint64_t i = 0; i < count; i++) {
        double gi = g[i] * clip;
        double mi = (double)hyper[HYPER_BETA1] * m[i] + hyper[HYPER_ONE_MINUS_BETA1] * gi;
        double vi = (double)hyper[HYPER_BETA2] * v[i] + hyper[HYPER_ONE_MINUS_BETA2] * gi * gi;
        double denominator = sqrt(vi) / hyper[HYPER_CORRECTION2_SQRT] + hyper[HYPER_EPS];
        p_out[i] = (float)(p[i] * keep - lr * (mi / hyper[HYPER_CORRECTION1]) / denominator);
        m_out[i] = (float)mi;
        v_out[i] = (float)vi;
    }
}

static enum mien_status adamw_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    bool clips = call->in[5].rank > 0;
    const struct op_row_bind bind[] = {{OP_OUT, 0, OP_READ | OP_WRITE, 1},
                                       {OP_OUT, 1, OP_READ | OP_WRITE, 1},
                                       {OP_OUT, 2, OP_READ | OP_WRITE, 1},
                                       {OP_IN, 3, OP_READ, 1},
                                       {OP_IN, 4, OP_READ, 0},
                                       {OP_IN, clips ? 5 : 4, OP_READ, 0}};
    struct adamw_args args = {.lr_scale = (float)lr_scale(call), .decay_scale = call->attr.value};
    return op_plan_rows(plan, caps,
                        &(struct op_rows){.shader = "adamw_fwd",
                                          .tech = OP_ROW_ELEMENT,
                                          .rows = tensor_shape_count(&call->in[0]),
                                          .bind = bind,
                                          .bind_count = BASE_COUNT(bind),
                                          .args = &args,
                                          .args_size = sizeof(args),
                                          .option = {clips},
                                          .option_count = 1});
}

static const struct op_variant adamw_variants[] = {{.name = "adamw_fwd", .plan = adamw_plan}, {0}};

static const struct op_case adamw_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {1}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {127}, {HYPER_COUNT}}, .attr = {.scale = 0.1f}},
    {.name = "long", .in = {{40963}, {40963}, {40963}, {40963}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "weights",
     .in = {{512, 128}, {512, 128}, {512, 128}, {512, 128}, {HYPER_COUNT}, {2}},
     .attr = {.value = 1},
     .bench = true},
    {0},
};

static void adamw_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    fill_hyper(call->in_data[4], 1);
}

static double adamw_flops(const struct op_call *call)
{
    return 14.0 * (double)tensor_shape_count(&call->in[0]);
}

static double adamw_bytes(const struct op_call *call)
{
    return 7.0 * (double)tensor_shape_bytes(&call->in[0]);
}

const struct op_desc op_adamw = {
    .name = "adamw",
    .summary =
        "p, m, v [...] after one AdamW step with g[...], hyper[16], clipping[2] (optional); attr scale: factor of "
        "the rate (0 = 1), value: factor of the decay",
    .in_count = 6,
    .out_count = 3,
    .optional = 1u << 5,
    .in_place = 7,
    .shapes = adamw_shapes,
    .reference = adamw_reference,
    .no_grad = "applied after the backward pass",
    .variants = adamw_variants,
    .cases = adamw_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_POSITIVE, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_POSITIVE},
    .prepare = adamw_prepare,
    /* three roundings of p; m and v may cancel to near nothing, within a unit of their terms */
    .tolerance = {.abs = 2e-7, .rel = 1e-6, .nmse = 1e-12},
    .flops = adamw_flops,
    .bytes = adamw_bytes,
};
