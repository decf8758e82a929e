/* optim.c: gradient clipping and AdamW, reading what changes from step to step from the hyper buffer (args/optim.h). */
#include "args/sum.h"
#include "op/optim.h"

/* ---- clip_factor: partials[T,64], hyper[16] -> [norm, factor] ---------------------------------------------------- */

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

static void clip_plan(struct op_plan *plan)
{
    struct clip_args args = {.count = (uint32_t)tensor_shape_count(&plan->call->in[0])};
    struct op_dispatch *d = op_plan_items(plan, "clip_factor_fwd", op_group_lanes(plan->caps), 1);
    op_dispatch_round(d, plan->caps, 8);
    op_plan_bind(plan, "partials hyper y");
    OP_PUSH(d, args);
}

static const struct op_variant clip_variants[] = {{.name = "clip_factor_fwd", .steps = clip_plan}, {0}};

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
    optim_fill_adamw(call->in_data[1], call->attr.value);
}

const struct op_desc op_clip_factor = {
    .name = "clip_factor",
    .signature = "partials[...,64] hyper[16] -> y[2]",
    .summary = "y = global norm and clipping factor, from what sum_squares gives of each gradient",
    .reference = clip_reference,
    .no_grad = "applied after the backward pass",
    .variants = clip_variants,
    .cases = clip_cases,
    .fill = {OP_FILL_POSITIVE, OP_FILL_PREPARE},
    .prepare = clip_prepare,
    /* the sum is nearly exact; a square root and a division of 2.5 units each */
    .tolerance = {.abs = 0, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 1,
};

/* ---- adamw: p, m, v, g [n], hyper[16], factor[2] -> p, m, v in place --------------------------------------------- */

static void adamw_reference(const struct op_call *call)
{
    struct optim_run run = optim_whole(call);
    optim_copy(call, 3);
    run.v = call->out_data[2];
    run.g = call->in_data[3];
    optim_adamw(&run, call->in_data[4], optim_clip(call, 5));
}

static void adamw_push(const struct op_call *call, struct op_dispatch *d)
{
    struct adamw_args args = {.lr_scale = (float)optim_lr_scale(call), .decay_scale = call->attr.value};
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, call->in[5].rank > 0); /* clips */
}

static const struct op_variant adamw_variants[] = {
    {.name = "adamw_fwd", .bind = "p m v g hyper* factor*", .args = adamw_push},
    {0},
};

static const struct op_case adamw_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {1}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {127}, {HYPER_COUNT}}, .attr = {.scale = 0.1f}},
    {.name = "left_out", .in = {{127}, {127}, {127}, {127}, {HYPER_COUNT}, {2}}, .attr = {.first = 1}},
    {.name = "long", .in = {{40963}, {40963}, {40963}, {40963}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "weights",
     .in = {{512, 128}, {512, 128}, {512, 128}, {512, 128}, {HYPER_COUNT}, {2}},
     .attr = {.value = 1},
     .bench = true},
    {0},
};

/* attr first, which the op does not read: a step that is left out. */
static void adamw_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    optim_fill_adamw(call->in_data[4], 1);
    if (call->attr.first)
        ((float *)call->in_data[3])[0] = NAN, ((float *)call->in_data[5])[1] = 0;
}

const struct op_desc op_adamw = {
    .name = "adamw",
    .signature = "p[...] m[...] v[...] g[...] hyper[16] factor?[2] -> p[...] m[...] v[...]",
    .summary = "p, m and v after one AdamW step with g; factor as clip_factor gives, 0: all stays; attr scale: factor "
               "of the rate (0 "
               "= 1), value: of the decay",
    .reference = adamw_reference,
    .no_grad = "applied after the backward pass",
    .variants = adamw_variants,
    .cases = adamw_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_POSITIVE, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_POSITIVE},
    .prepare = adamw_prepare,
    /* three roundings of p; m and v may cancel to near nothing, within a unit of their terms */
    .tolerance = {.abs = 2e-7, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 14,
};
