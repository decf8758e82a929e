/* optim_blocks.c: an optimiser's step of many tensors at once: parameters side by side in one buffer, their moments and
 * gradients in others, and a table of blocks that says what lies where and at which rate it is trained. */
#include "op/optim.h"

/* Block `index` of a call's table, the input behind the gradients. */
static struct optim_run block_at(const struct op_call *call, uint32_t table, uint64_t index)
{
    const int32_t *word = (const int32_t *)call->in_data[table] + index * OPTIM_BLOCK_WORDS;
    float rate[2];
    memcpy(&rate[0], &word[OPTIM_BLOCK_LR_SCALE], sizeof(float));
    memcpy(&rate[1], &word[OPTIM_BLOCK_DECAY], sizeof(float));
    return (struct optim_run){.p = (float *)call->out_data[0] + (uint32_t)word[OPTIM_BLOCK_PARAM],
                              .m = (float *)call->out_data[1] + (uint32_t)word[OPTIM_BLOCK_MOMENT],
                              .g = (const float *)call->in_data[table - 1] + (uint32_t)word[OPTIM_BLOCK_GRAD],
                              .count = (uint32_t)word[OPTIM_BLOCK_COUNT],
                              .lr_scale = (double)rate[0],
                              .decay = (double)rate[1]};
}

/* One workgroup for each block. */
static void plan_blocks(struct op_plan *plan, const char *shader, const char *names, uint32_t table, uint32_t factor)
{
    struct optim_blocks_args args = {.blocks = plan->call->in[table].dim[0]};
    struct op_dispatch *d = op_plan_kernel(plan, shader);
    op_dispatch_spec(d, 0, plan->caps->class_ == VK_CLASS_SOFTWARE ? op_vector_lanes(plan->caps) : 128);
    op_dispatch_round(d, plan->caps, 4);
    op_dispatch_spec(d, 8, plan->call->in[factor].rank > 0); /* clips */
    op_dispatch_groups_1d(d, plan->caps, args.blocks);
    op_plan_bind(plan, names);
    OP_PUSH(d, args);
}

/* Of the tests: blocks of all lengths, whose order is another in each buffer; every second one without decay. */
static void fill_blocks(struct op_call *call, uint32_t table)
{
    int32_t *word = call->in_data[table];
    uint32_t blocks = call->in[table].dim[0], grads = call->in[table - 1].dim[0];
    uint32_t least = BASE_MIN(BASE_MIN(call->in[0].dim[0], call->in[1].dim[0]), grads);
    uint32_t span = blocks == 1 ? least : least / blocks / 64 * 64;
    for (uint32_t b = 0; b < blocks; b++, word += OPTIM_BLOCK_WORDS) {
        const float rate[2] = {b % 3 == 1 ? 0.1f : 1, b % 2 ? 0 : 1};
        word[OPTIM_BLOCK_PARAM] = (int32_t)(b * span);
        word[OPTIM_BLOCK_MOMENT] = (int32_t)((blocks - 1 - b) * span);
        word[OPTIM_BLOCK_GRAD] = (int32_t)((b + 1) % blocks * span);
        word[OPTIM_BLOCK_COUNT] = (int32_t)(blocks == 1 ? span : span - b % 7);
        memcpy(&word[OPTIM_BLOCK_LR_SCALE], &rate[0], sizeof(float));
        memcpy(&word[OPTIM_BLOCK_DECAY], &rate[1], sizeof(float));
    }
}

/* attr first, which the ops do not read: a step that is left out. */
static void leave_out(struct op_call *call, uint32_t table, uint32_t factor)
{
    if (call->attr.first)
        ((float *)call->in_data[table - 1])[0] = NAN, ((float *)call->in_data[factor])[1] = 0;
}

/* ---- adamw_blocks ------------------------------------------------------------------------------------------------ */

enum { ADAMW_TABLE = 4, ADAMW_HYPER, ADAMW_FACTOR };

static void adamw_reference(const struct op_call *call)
{
    optim_copy(call, 3);
    for (uint32_t b = 0; b < call->in[ADAMW_TABLE].dim[0]; b++) {
        struct optim_run run = block_at(call, ADAMW_TABLE, b);
        run.v = (float *)call->out_data[2] + (run.m - (float *)call->out_data[1]);
        optim_adamw(&run, call->in_data[ADAMW_HYPER], optim_clip(call, ADAMW_FACTOR));
    }
}

static void adamw_plan(struct op_plan *plan)
{
    plan_blocks(plan, "adamw_blocks_fwd", "p m v g blocks hyper factor", ADAMW_TABLE, ADAMW_FACTOR);
}

static const struct op_variant adamw_variants[] = {{.name = "adamw_blocks_fwd", .steps = adamw_plan}, {0}};

#define H                                                                                                              \
    {                                                                                                                  \
        HYPER_COUNT                                                                                                    \
    }
static const struct op_case adamw_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {1}, {1, OPTIM_BLOCK_WORDS}, H, {2}}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {127}, {1, OPTIM_BLOCK_WORDS}, H}},
    {.name = "left_out", .in = {{127}, {127}, {127}, {127}, {1, OPTIM_BLOCK_WORDS}, H, {2}}, .attr = {.first = 1}},
    {.name = "many", .in = {{4999}, {4803}, {4803}, {4807}, {23, OPTIM_BLOCK_WORDS}, H, {2}}},
    {.name = "layer", .in = {{198144}, {198144}, {198144}, {198144}, {129, OPTIM_BLOCK_WORDS}, H, {2}}, .bench = true},
    {0},
};

static void adamw_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    fill_blocks(call, ADAMW_TABLE);
    leave_out(call, ADAMW_TABLE, ADAMW_FACTOR);
    optim_fill_adamw(call->in_data[ADAMW_HYPER], 0);
}

const struct op_desc op_adamw_blocks = {
    .name = "adamw_blocks",
    .signature = "p[N] m[M] v[M] g[G] blocks:i32[B,6] hyper[16] factor?[2] -> p[N] m[M] v[M]",
    .summary = "adamw of B runs of elements: blocks says where each lies in p, in m and v, in g, its length, its "
               "factors of rate and decay (args/optim.h); what is in no block stays",
    .reference = adamw_reference,
    .no_grad = "applied after the backward pass",
    .variants = adamw_variants,
    .cases = adamw_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_POSITIVE, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE,
             OP_FILL_POSITIVE},
    .prepare = adamw_prepare,
    /* as adamw */
    .tolerance = {.abs = 2e-7, .rel = 1e-6, .nmse = 1e-12},
    .flops_per_element = 14,
};

/* ---- sgd_blocks -------------------------------------------------------------------------------------------------- */

enum { SGD_TABLE = 3, SGD_HYPER, SGD_FACTOR };

static void sgd_reference(const struct op_call *call)
{
    optim_copy(call, 2);
    for (uint32_t b = 0; b < call->in[SGD_TABLE].dim[0]; b++) {
        struct optim_run run = block_at(call, SGD_TABLE, b);
        optim_sgd(&run, call->in_data[SGD_HYPER], optim_clip(call, SGD_FACTOR));
    }
}

static void sgd_plan(struct op_plan *plan)
{
    plan_blocks(plan, "sgd_blocks_fwd", "p velocity g blocks hyper factor", SGD_TABLE, SGD_FACTOR);
}

static const struct op_variant sgd_variants[] = {{.name = "sgd_blocks_fwd", .steps = sgd_plan}, {0}};

static const struct op_case sgd_cases[] = {
    {.name = "one", .in = {{1}, {1}, {1}, {1, OPTIM_BLOCK_WORDS}, H, {2}}},
    {.name = "no_clip", .in = {{127}, {127}, {127}, {1, OPTIM_BLOCK_WORDS}, H}},
    {.name = "left_out", .in = {{127}, {127}, {127}, {1, OPTIM_BLOCK_WORDS}, H, {2}}, .attr = {.first = 1}},
    {.name = "many", .in = {{4999}, {4803}, {4807}, {23, OPTIM_BLOCK_WORDS}, H, {2}}},
    {.name = "layer", .in = {{198144}, {198144}, {198144}, {129, OPTIM_BLOCK_WORDS}, H, {2}}, .bench = true},
    {0},
};

static void sgd_prepare(struct op_call *call, struct base_rng *rng)
{
    (void)rng;
    fill_blocks(call, SGD_TABLE);
    leave_out(call, SGD_TABLE, SGD_FACTOR);
    optim_fill_sgd(call->in_data[SGD_HYPER]);
}

const struct op_desc op_sgd_blocks = {
    .name = "sgd_blocks",
    .signature = "p[N] velocity[M] g[G] blocks:i32[B,6] hyper[16] factor?[2] -> p[N] velocity[M]",
    .summary = "sgd of B runs of elements, which blocks names as for adamw_blocks",
    .reference = sgd_reference,
    .no_grad = "applied after the backward pass",
    .variants = sgd_variants,
    .cases = sgd_cases,
    .fill = {OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_NORMAL, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_POSITIVE},
    .prepare = sgd_prepare,
    /* as sgd */
    .tolerance = {.abs = 1e-6, .rel = 4e-7, .nmse = 1e-12},
    .flops_per_element = 7,
};
