/* update.c: clipping and the optimiser's update of every trained parameter. Stacks of parameters that are neighbours in
 * memory are updated by one dispatch, and their gradients, which are made side by side, summed by another. */
#include "train/step.h"

#include "args/optim.h"
#include "args/sum.h"
#include "op/sum.h"

#include <math.h>
#include <string.h>

/* logit_scale stays in [0, ln 100]. */
#define LOGIT_SCALE_MAX 4.605170185988092

void train_hyper_fill(const struct train_hyper *hyper, uint64_t step, float *out)
{
    memset(out, 0, HYPER_COUNT * sizeof(*out));
    out[HYPER_LR] = (float)hyper->lr;
    out[HYPER_BETA1] = (float)hyper->betas[0];
    out[HYPER_BETA2] = (float)hyper->betas[1];
    out[HYPER_ONE_MINUS_BETA1] = (float)(1 - hyper->betas[0]);
    out[HYPER_ONE_MINUS_BETA2] = (float)(1 - hyper->betas[1]);
    out[HYPER_EPS] = (float)hyper->eps;
    out[HYPER_DECAY] = (float)hyper->weight_decay;
    out[HYPER_CORRECTION1] = (float)(1 - pow(hyper->betas[0], (double)step));
    out[HYPER_CORRECTION2_SQRT] = (float)sqrt(1 - pow(hyper->betas[1], (double)step));
    out[HYPER_MAX_NORM] = (float)hyper->clip_norm;
    out[HYPER_MOMENTUM] = (float)hyper->momentum;
}

/* ---- groups: neighbours in memory, which one dispatch updates ---------------------------------------------------- */

struct group {
    uint32_t first, count; /* in updates.trained */
    op_value grads;        /* its gradients one behind another; of a single stack, its own */
    op_value moments[TRAIN_MOMENTS_MAX];
};

struct updates {
    const struct train_recipe *recipe;
    struct nn_scope *scope;
    struct graph *graph;
    const op_value *grads; /* [model->stack_count] */
    op_value hyper;
    struct train_trained *trained; /* [count]: those with a gradient */
    uint32_t count;
    struct group *group; /* [groups] */
    uint32_t groups;
    uint64_t most;     /* bytes of a group */
    op_value *partial; /* [partials]: what sum_squares gives of parts of the groups */
    uint32_t partials;
};

/* The stack that a trained one is, or is a part of. */
static const struct tensor *stack_of(const struct updates *u, uint32_t at)
{
    return &u->recipe->model->stacks[u->trained[at].stack].value;
}

/* Moment k of the stack. */
static struct tensor moment_of(const struct updates *u, uint32_t at, uint32_t k)
{
    const struct train_moments *moments = u->recipe->moments;
    const struct train_trained *trained = &u->trained[at];
    struct tensor all = {.shape = stack_of(u, at)->shape};
    all.range = (k ? moments->second : moments->first)[trained->param].range;
    all.range.offset -= trained->first * sizeof(float);
    all.range.size = tensor_shape_bytes(&all.shape);
    return all;
}

static bool same_stack(const struct updates *u, uint32_t a, uint32_t b)
{
    return u->trained[a].stack == u->trained[b].stack;
}

/* Whether the group is one whole stack, which needs no table. */
static bool is_single(const struct updates *u, const struct group *group)
{
    return group->count == 1 &&
           u->trained[group->first].elements == tensor_shape_count(&stack_of(u, group->first)->shape);
}

/* Whether b lies behind a in the same memory. */
static bool behind(const struct tensor *a, const struct tensor *b)
{
    return a->range.block == b->range.block && b->range.offset >= a->range.offset + tensor_shape_bytes(&a->shape);
}

/* From the beginning of a to the end of b. */
static uint64_t reach(const struct tensor *a, const struct tensor *b)
{
    return b->range.offset - a->range.offset + tensor_shape_bytes(&b->shape);
}

/* How far behind the group's first stack the stack of `at` lies: in the parameters' memory, in a moment's. */
static uint64_t param_offset(const struct updates *u, uint32_t first, uint32_t at)
{
    return stack_of(u, at)->range.offset - stack_of(u, first)->range.offset;
}

static uint64_t moment_offset(const struct updates *u, uint32_t first, uint32_t at, uint32_t k)
{
    return moment_of(u, at, k).range.offset - moment_of(u, first, k).range.offset;
}

/* Whether `at` may stand in a group that begins with `first` and has all between. Parts of a stack stay together. */
static bool fits_group(const struct updates *u, uint32_t first, uint32_t at)
{
    if (same_stack(u, at - 1, at))
        return true;
    bool fits = stack_of(u, at)->shape.dtype == MIEN_F32 && behind(stack_of(u, at - 1), stack_of(u, at)) &&
                reach(stack_of(u, first), stack_of(u, at)) <= u->most;
    for (uint32_t k = 0; fits && k < u->recipe->optimizer->moments; k++) {
        const struct tensor before = moment_of(u, at - 1, k), moment = moment_of(u, at, k);
        fits = behind(&before, &moment) && moment_offset(u, first, at, k) == moment_offset(u, first, at, 0);
    }
    return fits;
}

/* A group's gradients lie in one memory from the first of them on: so that this is not much longer than they would
 * live by themselves, a group has a small part of all weights, the more so as neighbours are of one layer. */
static void make_groups(struct updates *u)
{
    enum { LEAST = 1 << 20, SHARE = 16 };
    const struct nn_model *model = u->recipe->model;
    uint64_t all = 0, range = BASE_MIN(TENSOR_PACK_MOST, vk_device_caps(model->device)->max_range);
    for (uint32_t at = 0; at < u->count; at++)
        all += 4 * u->trained[at].elements;
    u->most = BASE_MIN(BASE_MAX(all / SHARE, LEAST), range);
    for (uint32_t first = 0, at; first < u->count; first = at) {
        for (at = first + 1; at < u->count && fits_group(u, first, at);)
            at++;
        u->group[u->groups++] = (struct group){.first = first, .count = at - first};
    }
}

/* Where a gradient lies in its group's: as graph_pack lays those of the stacks. */
static uint64_t grad_offset(const struct updates *u, const struct group *group, uint32_t at)
{
    uint64_t offset = u->trained[at].first;
    for (uint32_t i = group->first; i < at; i++)
        offset += same_stack(u, i, i + 1) ? 0 : base_round_up(tensor_shape_count(&stack_of(u, i)->shape), 64);
    return offset;
}

static op_value table(struct updates *u, const char *name, uint32_t rows, uint32_t columns, int32_t *words)
{
    op_value value = OP_NONE;
    if (words)
        value = graph_constant(u->graph, name, SHAPE_I32(rows, columns), words);
    else
        graph_stick(u->graph, base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step"));
    base_free(words);
    return value;
}

/* ---- the norm ---------------------------------------------------------------------------------------------------- */

static uint64_t run_of(uint64_t elements)
{
    return base_round_up(base_div_up(elements, SUM_PARTIALS), 64);
}

/* [count,64] of what is trained [first, first + count) in a group, by the runs of sum_squares. */
static op_value squares_of(struct updates *u, const struct group *group, uint32_t first, uint32_t count)
{
    struct op_attr attr = {0};
    int32_t *words = base_alloc((size_t)count * SUM_PARTIALS * 2, sizeof(*words)), *word = words;
    for (uint32_t at = first; words && at < first + count; at++) {
        uint64_t offset = grad_offset(u, group, at), elements = u->trained[at].elements, run = run_of(elements);
        attr.count = BASE_MAX(attr.count, (uint32_t)run);
        for (uint64_t k = 0; k < SUM_PARTIALS; k++) {
            uint64_t begin = BASE_MIN(k * run, elements);
            *word++ = (int32_t)(offset + begin);
            *word++ = (int32_t)BASE_MIN(run, elements - begin);
        }
    }
    op_value runs = table(u, "runs", count * SUM_PARTIALS, 2, words);
    op_value partials = GRAPH_OP(u->graph, &op_sum_squares_runs, &attr, group->grads, runs);
    return graph_view(u->graph, partials, SHAPE_F32(count, SUM_PARTIALS), 0);
}

/* A tensor's sums are taken in the order that it has by itself: on software drivers long runs have another. */
static bool long_runs(const struct updates *u, uint32_t at)
{
    bool software = vk_device_caps(u->recipe->model->device)->class_ == VK_CLASS_SOFTWARE;
    return software && run_of(u->trained[at].elements) > OP_SERIAL_RUN;
}

static void record_squares(struct updates *u, struct group *group)
{
    uint32_t end = group->first + group->count;
    for (uint32_t first = group->first, at; first < end; first = at) {
        for (at = first + 1; at < end && long_runs(u, at) == long_runs(u, first);)
            at++;
        u->partial[u->partials++] = is_single(u, group) ? GRAPH_OP(u->graph, &op_sum_squares, NULL, group->grads)
                                                        : squares_of(u, group, first, at - first);
    }
}

static void record_pack(struct updates *u, struct group *group)
{
    op_value *part = base_alloc(group->count, sizeof(*part));
    uint32_t end = group->first + group->count, parts = 0;
    for (uint32_t at = group->first; part && at < end; at++) {
        if (at == group->first || !same_stack(u, at - 1, at))
            part[parts++] = u->grads[u->trained[at].stack];
    }
    if (!part)
        graph_stick(u->graph, base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step"));
    else
        group->grads = is_single(u, group) ? part[0] : graph_pack(u->graph, part, parts);
    base_free(part);
}

/* A group's gradients go to the other ranks as soon as they are made, and come back as sums. */
static void record_bucket(struct updates *u, const struct group *group, struct train_exchange *exchange)
{
    uint32_t end = group->first + group->count, before = exchange->kepts, whole = 0;
    for (uint32_t at = group->first; at < end; at++) {
        if (!exchange->whole[u->trained[at].stack])
            continue;
        whole++;
        exchange->kept[exchange->kepts++] =
            (struct train_kept){exchange->buckets, grad_offset(u, group, at), u->trained[at].elements};
    }
    if (whole == group->count) {
        exchange->kepts = before;
        return;
    }
    struct tensor_shape shape = graph_shape(u->graph, group->grads);
    exchange->bucket[exchange->buckets++] = (struct train_bucket){group->grads, tensor_shape_count(&shape)};
    graph_stage_end(u->graph, &group->grads, 1);
    graph_through_host(u->graph, group->grads);
}

/* [norm, factor] of all gradients, from their partial sums of squares, [64] each. */
static void record_clipping(struct updates *u, op_value scaler, struct train_step *step)
{
    op_value found[] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    graph_push(u->graph, "clip");
    bool alone = u->recipe->ranks <= 1;
    for (uint32_t g = 0; g < u->groups; g++) {
        record_pack(u, &u->group[g]);
        if (alone)
            record_squares(u, &u->group[g]);
        else
            record_bucket(u, &u->group[g], &step->exchange);
    }
    for (uint32_t g = 0; g < u->groups && !alone; g++)
        record_squares(u, &u->group[g]);
    op_value norms =
        u->partials ? graph_join(u->graph, u->partial, u->partials, SHAPE_F32(u->count, SUM_PARTIALS)) : OP_NONE;
    if (scaler == OP_NONE) {
        step->clipping = GRAPH_OP(u->graph, &op_clip_factor, NULL, norms, u->hyper);
    } else {
        const op_value in[] = {scaler, norms, u->hyper};
        graph_op(u->graph, &op_loss_scale, NULL, in, BASE_COUNT(in), found);
        step->clipping = found[1];
        u->hyper = found[2]; /* with the corrections of the updates done */
    }
    step->norms = norms;
    step->scaler = found[0];
    graph_pop(u->graph);
}

/* ---- the update -------------------------------------------------------------------------------------------------- */

/* The words of the blocks of what lies at these elements of its group. */
static int32_t *put_blocks(const struct train_param *rule, uint64_t param, uint64_t moment, uint64_t grad,
                           uint64_t elements, int32_t *word)
{
    const float rate[2] = {rule->lr_scale, rule->decays ? 1 : 0};
    for (uint64_t done = 0; done < elements; done += OPTIM_BLOCK, word += OPTIM_BLOCK_WORDS) {
        word[OPTIM_BLOCK_PARAM] = (int32_t)(param + done);
        word[OPTIM_BLOCK_MOMENT] = (int32_t)(moment + done);
        word[OPTIM_BLOCK_GRAD] = (int32_t)(grad + done);
        word[OPTIM_BLOCK_COUNT] = (int32_t)BASE_MIN(OPTIM_BLOCK, elements - done);
        memcpy(&word[OPTIM_BLOCK_LR_SCALE], &rate[0], sizeof(float));
        memcpy(&word[OPTIM_BLOCK_DECAY], &rate[1], sizeof(float));
    }
    return word;
}

static op_value blocks_of(struct updates *u, const struct group *group)
{
    uint32_t blocks = 0, first = group->first;
    for (uint32_t at = first; at < first + group->count; at++)
        blocks += (uint32_t)base_div_up(u->trained[at].elements, OPTIM_BLOCK);
    int32_t *words = base_alloc((size_t)blocks * OPTIM_BLOCK_WORDS, sizeof(*words)), *word = words;
    for (uint32_t at = first; words && at < first + group->count; at++) {
        const struct train_trained *t = &u->trained[at];
        uint64_t param = param_offset(u, first, at) / 4, moment = moment_offset(u, first, at, 0) / 4;
        word = put_blocks(&u->recipe->rules[t->param], param + t->first, moment + t->first, grad_offset(u, group, at),
                          t->elements, word);
    }
    return table(u, "blocks", blocks, OPTIM_BLOCK_WORDS, words);
}

/* The memory from one tensor to another as one. */
static op_value bound_reach(struct graph *graph, const char *name, const struct tensor *from, const struct tensor *to)
{
    struct tensor all = {.shape = SHAPE_F32((uint32_t)(reach(from, to) / 4)), .range = from->range};
    all.range.size = reach(from, to);
    return graph_bound(graph, name, &all);
}

/* logit_scale stays in its bounds; `all` holds it at an offset of so many bytes. */
static void record_clamp(struct updates *u, uint32_t at, op_value all, uint64_t offset)
{
    const struct op_attr clamp = {.low = 0, .high = (float)LOGIT_SCALE_MAX};
    if (strcmp(u->trained[at].name, "logit_scale") == 0)
        (void)GRAPH_OP(u->graph, &op_clamp, &clamp, graph_view(u->graph, all, stack_of(u, at)->shape, offset / 4));
}

static void record_single(struct updates *u, const struct group *group, op_value clipping)
{
    uint32_t at = group->first;
    const struct train_trained *trained = &u->trained[at];
    const struct train_optimizer *optimizer = u->recipe->optimizer;
    const struct train_param *rule = &u->recipe->rules[trained->param];
    const struct op_attr attr = {.scale = rule->lr_scale, .value = rule->decays ? 1 : 0};
    op_value moments[TRAIN_MOMENTS_MAX], param = u->scope->values[trained->stack];
    for (uint32_t k = 0; k < optimizer->moments; k++) {
        const struct tensor moment = moment_of(u, at, k);
        moments[k] = graph_bound(u->graph, trained->name, &moment);
    }
    op_value updated = optimizer->record(u->graph, &attr, param, moments, group->grads, u->hyper, clipping);
    record_clamp(u, at, updated, 0);
}

static void record_group(struct updates *u, const struct group *group, op_value clipping)
{
    uint32_t first = group->first, last = first + group->count - 1;
    const struct train_optimizer *optimizer = u->recipe->optimizer;
    op_value moments[TRAIN_MOMENTS_MAX];
    op_value params = bound_reach(u->graph, "parameters", stack_of(u, first), stack_of(u, last));
    for (uint32_t k = 0; k < optimizer->moments; k++) {
        const struct tensor from = moment_of(u, first, k), to = moment_of(u, last, k);
        moments[k] = bound_reach(u->graph, "moments", &from, &to);
    }
    op_value updated =
        optimizer->record_blocks(u->graph, params, moments, group->grads, blocks_of(u, group), u->hyper, clipping);
    for (uint32_t at = first; at <= last; at++)
        record_clamp(u, at, updated, param_offset(u, first, at));
}

static void record_updates(struct updates *u, op_value clipping)
{
    graph_push(u->graph, "%s", u->recipe->optimizer->word.name);
    for (uint32_t g = 0; g < u->groups; g++) {
        if (is_single(u, &u->group[g]))
            record_single(u, &u->group[g], clipping);
        else
            record_group(u, &u->group[g], clipping);
    }
    graph_pop(u->graph);
}

enum mien_status train_updates_record(const struct train_recipe *recipe, struct nn_scope *scope, op_value scaler,
                                      struct train_step *step)
{
    enum mien_status status = MIEN_OK;
    const op_value *grads = step->grads;
    struct updates u = {.recipe = recipe, .scope = scope, .graph = scope->graph, .grads = grads, .hyper = step->hyper};
    uint32_t params = recipe->model->count, trained;
    step->clipping = step->norms = step->scaler = OP_NONE;
    u.trained = base_alloc(params, sizeof(*u.trained));
    u.group = base_alloc(params, sizeof(*u.group));
    u.partial = base_alloc(params, sizeof(*u.partial));
    FAIL_IF(!u.trained || !u.group || !u.partial, MIEN_ERR_NOMEM, "out of host memory for recording a step");
    trained = train_trained_list(recipe->model, recipe->rules, u.trained);
    for (uint32_t i = 0; i < trained; i++) {
        if (grads[u.trained[i].stack] != OP_NONE)
            u.trained[u.count++] = u.trained[i];
    }
    make_groups(&u);
    record_clipping(&u, scaler, step);
    record_updates(&u, step->clipping);
    TRY(graph_status(u.graph));
fail:
    base_free(u.trained);
    base_free(u.group);
    base_free(u.partial);
    return status;
}

op_value train_logit_scale(struct nn_scope *scope)
{
    return GRAPH_OP(scope->graph, &op_copy, NULL, nn_param_value(scope, "logit_scale"));
}
