/* sgd.c: gradient descent with momentum, reading what changes from step to step from the hyper buffer (args/optim.h).
 * PyTorch's formula (optim.h). A velocity of zeros makes the first step's velocity g. */
#include "op/optim.h"

static void reference(const struct op_call *call)
{
    struct optim_run run = optim_whole(call);
    optim_copy(call, 2);
    run.g = call->in_data[2];
    optim_sgd(&run, call->in_data[3], optim_clip(call, 4));
}

static void push_args(const struct op_call *call, struct op_dispatch *d)
{
    struct adamw_args args = {.lr_scale = (float)optim_lr_scale(call), .decay_scale = call->attr.value};
    OP_PUSH(d, args);
    op_dispatch_spec(d, 8, call->in[4].rank > 0); /* clips */
}

static const struct op_variant variants[] = {
    {.name = "sgd_fwd", .bind = "p velocity g hyper* factor*", .args = push_args},
    {0},
};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {HYPER_COUNT}}, .attr = {.scale = 0.1f}},
    {.name = "left_out", .in = {{127}, {127}, {127}, {HYPER_COUNT}, {2}}, .attr = {.first = 1}},
    {.name = "long", .in = {{40963}, {40963}, {40963}, {HYPER_COUNT}, {2}}, .attr = {.value = 1}},
    {.name = "weights",
     .in = {{512, 128}, {512, 128}, {512, 128}, {HYPER_COUNT}, {2}},
     .attr = {.value = 1},
     .bench = true},
    {0},
};

/* attr first, which the op does not read: a step that is left out. */
static void prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    optim_fill_sgd(call->in_data[3]);
    if (call->attr.first)
        ((float *)call->in_data[2])[0] = NAN, ((float *)call->in_data[4])[1] = 0;
}

const struct op_desc op_sgd = {
    .name = "sgd",
    .signature = "p[...] velocity[...] g[...] hyper[16] factor?[2] -> p[...] velocity[...]",
    .summary = "p and velocity after one step with g; factor as clip_factor gives, 0: all stays; attr scale: factor of "
               "the rate (0 = "
               "1), value: of the decay",
    .reference = reference,
    .no_grad = "applied after the backward pass",
    .variants = variants,
    .cases = cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_POSITIVE},
    .prepare = prepare,
    /* three roundings of the velocity, within a unit of its terms, which may be ten times the sum; one more of p */
    .tolerance = {.abs = 1e-6, .rel = 4e-7, .nmse = 1e-12},
    .flops_per_element = 7,
};
