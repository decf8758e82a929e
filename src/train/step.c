/* step.c: recording a training step. */
#include "train/step.h"

#include "args/optim.h"

#include <stdio.h>

struct recording {
    const struct train_recipe *recipe;
    struct graph *graph;
    struct nn_scope scope, initial;
    struct train_step *step;
    op_value *of; /* [stack_count]: the stacks that want a gradient */
};

/* What was found of the trained stacks, by stack. */
static void spread(struct recording *r, const op_value *found, uint32_t count)
{
    const struct nn_model *model = r->recipe->model;
    bool *whole = r->step->exchange.whole;
    for (uint32_t i = model->stack_count; i-- > 0;) {
        bool trained = train_stack_trained(model, r->recipe->rules, i);
        count -= trained;
        r->step->grads[i] = trained ? found[count] : OP_NONE;
        whole[i] = trained && whole[count];
    }
}

/* Gradients of the stacks with parameters that are not frozen, into step->grads; of scale times the loss where there is
 * one. */
static void record_backward(struct recording *r, op_value scaler)
{
    op_value loss = r->step->losses.total;
    const struct nn_model *model = r->recipe->model;
    uint32_t stacks = model->stack_count, count = 0;
    op_value *found = r->of + stacks;
    for (uint32_t i = 0; i < stacks; i++) {
        if (train_stack_trained(model, r->recipe->rules, i))
            r->of[count++] = r->scope.values[i];
    }
    op_value scale =
        scaler == OP_NONE ? OP_NONE : graph_view(r->graph, scaler, graph_shape(r->graph, loss), SCALER_SCALE);
    if (r->recipe->ranks > 1)
        train_share_backward(r->recipe, r->graph, &r->step->exchange, loss, scale, r->of, count, found);
    else if (scale == OP_NONE)
        graph_backward(r->graph, loss, r->of, count, found);
    else
        graph_backward_from(r->graph, &loss, &scale, 1, r->of, count, found);
    spread(r, found, count);
}

static void output(struct graph *graph, op_value value)
{
    if (value != OP_NONE)
        graph_output(graph, value);
}

/* The head's loss beside the contrastive one, or alone. */
static void record_head(struct recording *r, const struct train_features *features)
{
    const struct train_head *head = &r->recipe->head;
    struct train_losses *losses = &r->step->losses;
    if (head->kind == IO_HEAD_NONE)
        return;
    losses->head = train_head_record(&r->scope, head, &r->step->in.head, features->raw);
    losses->total =
        losses->total == OP_NONE
            ? losses->head
            : GRAPH_OP(r->graph, &op_add, NULL, losses->total,
                       GRAPH_OP(r->graph, &op_scale, &(struct op_attr){.scale = head->weight}, losses->head));
}

static void gather_values(void *recording, op_value *values, uint32_t count)
{
    struct recording *r = recording;
    train_gather_values(r->recipe, r->graph, values, count, &r->step->exchange);
}

static void record_losses(struct recording *r, const struct train_features *features)
{
    struct train_split split;
    struct train_step *step = r->step;
    bool blocks = train_split_of(r->recipe, step->shape.batch, &split);
    split.gather = r->recipe->ranks > 1 ? gather_values : NULL;
    split.user = r;
    train_losses_record(&r->scope, &r->recipe->objective, step->shape.mining, features, blocks ? &split : NULL,
                        &step->losses);
}

static enum mien_status record(struct recording *r)
{
    enum mien_status status = MIEN_OK;
    struct train_step *step = r->step;
    struct train_features features;
    const struct tensor *scale = &r->recipe->moments->scaler;
    op_value scaler = scale->range.block ? graph_bound(r->graph, "loss scale", scale) : OP_NONE;
    step->exchange.batch = step->shape.batch;
    train_inputs_record(r->recipe, r->graph, &step->shape, &step->in);
    step->hyper = graph_input(r->graph, "hyper", SHAPE_F32(HYPER_COUNT));
    step->logit_scale = train_logit_scale(&r->scope);
    train_features_record(r->recipe, &r->scope, &step->in, &features);
    if (step->shape.mining && r->recipe->objective.frozen)
        train_guides_record(r->recipe, &r->initial, &step->in, &features);
    if (r->recipe->ranks > 1)
        train_gather_record(r->recipe, r->graph, &features, &step->exchange);
    record_losses(r, &features);
    record_head(r, &features);
    record_backward(r, scaler);
    TRY(train_updates_record(r->recipe, &r->scope, scaler, step));
    output(r->graph, step->losses.total);
    if (step->losses.global != step->losses.total)
        output(r->graph, step->losses.global);
    output(r->graph, step->losses.local);
    if (step->losses.head != step->losses.total)
        output(r->graph, step->losses.head);
    output(r->graph, step->losses.positives);
    output(r->graph, step->losses.similarity[0]);
    output(r->graph, step->losses.similarity[1]);
    output(r->graph, step->clipping);
    output(r->graph, step->scaler);
    output(r->graph, step->norms);
    output(r->graph, step->logit_scale);
    for (uint32_t i = 0; step->shape.grads && i < r->recipe->model->stack_count; i++)
        output(r->graph, step->grads[i]);
fail:
    return status;
}

/* The struct and its arrays in one piece, which the cache of programs frees. */
static struct train_step *step_alloc(const struct nn_model *model, uint32_t parts)
{
    struct train_step *step = NULL;
    uint32_t stacks = model->stack_count;
    const size_t sizes[] = {sizeof(*step),
                            parts * sizeof(*step->in.part),
                            stacks * sizeof(*step->grads),
                            stacks * sizeof(*step->exchange.bucket),
                            model->count * sizeof(*step->exchange.kept),
                            stacks * sizeof(*step->exchange.whole)};
    void *piece[BASE_COUNT(sizes)];
    size_t all = 0;
    for (size_t i = 0; i < BASE_COUNT(sizes); i++)
        all += base_round_up(sizes[i], 16);
    char *at = base_alloc(1, all);
    for (size_t i = 0; at && i < BASE_COUNT(sizes); at += base_round_up(sizes[i++], 16))
        piece[i] = at;
    if (!at)
        return NULL;
    step = piece[0];
    step->in.part = piece[1];
    step->grads = piece[2];
    step->exchange.bucket = piece[3];
    step->exchange.kept = piece[4];
    step->exchange.whole = piece[5];
    return step;
}

enum mien_status train_step_compile(const struct train_recipe *recipe, const struct train_step_shape *shape,
                                    const struct graph_compile_params *params, struct train_step **out)
{
    enum mien_status status = MIEN_OK;
    struct recording r = {.recipe = recipe};
    struct graph_compile_params named = params ? *params : (struct graph_compile_params){0};
    uint32_t count = recipe->model->stack_count;
    char label[64];
    *out = NULL;
    snprintf(label, sizeof(label), "step [%u,%u,%u]", shape->batch, train_levels(&recipe->objective), shape->length);
    named.label = label;
    r.step = step_alloc(recipe->model, train_parts(recipe, shape->batch));
    r.of = base_alloc(count, 2 * sizeof(*r.of));
    FAIL_IF(!r.step || !r.of, MIEN_ERR_NOMEM, "out of host memory for recording a step");
    r.step->shape = *shape;
    TRY(graph_create(&r.graph));
    TRY(nn_scope_open(&r.scope, r.graph, recipe->model, true));
    if (recipe->initial)
        TRY(nn_scope_open(&r.initial, r.graph, recipe->initial, false));
    TRY(record(&r));
    TRY(graph_compile(r.graph, recipe->model->device, &named, &r.step->program));
    *out = r.step;
    r.step = NULL;
fail:
    nn_scope_close(&r.initial);
    nn_scope_close(&r.scope);
    graph_destroy(&r.graph);
    base_free(r.of);
    train_step_destroy(&r.step);
    return status;
}

void train_step_destroy(struct train_step **step)
{
    if (!step || !*step)
        return;
    graph_program_destroy(&(*step)->program);
    base_free(*step);
    *step = NULL;
}
