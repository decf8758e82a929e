/* step.c: recording a training step. */
#include "train/step.h"

#include "args/optim.h"

#include <stdio.h>

void train_inputs_record(const struct train_recipe *recipe, struct graph *graph, uint32_t batch, uint32_t length,
                         struct train_inputs *out)
{
    const struct train_objective *objective = &recipe->objective;
    uint32_t side = recipe->model->config.vision.image, levels = train_levels(objective);
    out->pixels = graph_input(graph, "pixels", SHAPE_F32(batch, 3, side, side));
    out->ids = graph_input(graph, "ids", SHAPE_I32(levels * batch, length));
    out->eot = graph_input(graph, "eot", SHAPE_I32(levels * batch));
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        bool weighted = k < levels && (objective->missing >> k & 1), same = k < levels && train_needs_same(objective);
        out->weights[k] = weighted ? graph_input(graph, "weights", SHAPE_F32(batch)) : OP_NONE;
        out->same[k] = same ? graph_input(graph, "same", SHAPE_I32(batch)) : OP_NONE;
    }
}

/* Rows [level*B, (level+1)*B) of x [K*B,E]: a view where one can be (it ends at a multiple of 256 bytes). */
static op_value level_rows(struct graph *graph, op_value x, uint32_t levels, uint32_t level)
{
    struct tensor_shape shape = graph_shape(graph, x);
    uint32_t batch = shape.dim[0] / levels, width = shape.dim[1];
    if (levels == 1)
        return x;
    if ((uint64_t)batch * width % 64 == 0)
        return graph_view(graph, x, SHAPE_F32(batch, width), (uint64_t)level * batch * width);
    int32_t *rows = base_alloc(batch, sizeof(*rows));
    if (!rows)
        return OP_NONE; /* reported by the op that misses its index */
    for (uint32_t b = 0; b < batch; b++)
        rows[b] = (int32_t)(level * batch + b);
    op_value index = graph_constant(graph, "level_rows", SHAPE_I32(batch), rows);
    base_free(rows);
    return GRAPH_OP(graph, &op_embedding, NULL, x, index);
}

/* v[levels] from the text tower. */
static void record_texts(struct nn_scope *scope, const struct train_inputs *in, uint32_t levels, op_value *v)
{
    op_value all = nn_unit_rows(scope, nn_text_tower(scope, in->ids, in->eot));
    for (uint32_t k = 0; k < levels; k++)
        v[k] = level_rows(scope->graph, all, levels, k);
}

void train_features_record(const struct train_recipe *recipe, struct nn_scope *scope, const struct train_inputs *in,
                           struct train_features *out)
{
    *out = (struct train_features){.patches = OP_NONE, .guide_u = OP_NONE};
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++) {
        out->v[k] = out->guide_v[k] = OP_NONE;
        out->weights[k] = in->weights[k];
        out->same[k] = in->same[k];
    }
    if (train_needs_patches(&recipe->objective)) {
        out->u = nn_unit_rows(scope, nn_image_tower_patches(scope, in->pixels, &out->patches));
        out->patches = nn_unit_rows(scope, out->patches);
    } else {
        out->u = nn_unit_rows(scope, nn_image_tower(scope, in->pixels));
    }
    record_texts(scope, in, train_levels(&recipe->objective), out->v);
}

struct recording {
    const struct train_recipe *recipe;
    struct graph *graph;
    struct nn_scope scope, initial;
    struct train_step *step;
    op_value *of; /* [model->count]: the parameters that want a gradient */
};

/* Features by the weights that the run began with. */
static void record_guides(struct recording *r, struct train_features *features)
{
    if (!r->step->shape.mining || !r->recipe->objective.frozen)
        return;
    graph_push(r->graph, "initial");
    features->guide_u = nn_unit_rows(&r->initial, nn_image_tower(&r->initial, r->step->in.pixels));
    record_texts(&r->initial, &r->step->in, train_levels(&r->recipe->objective), features->guide_v);
    graph_pop(r->graph);
}

/* Gradients of the parameters that are not frozen, into step->grads. */
static void record_backward(struct recording *r)
{
    uint32_t params = r->recipe->model->count, count = 0;
    op_value *found = r->of + params;
    for (uint32_t i = 0; i < params; i++) {
        if (!r->recipe->rules[i].frozen)
            r->of[count++] = r->scope.values[i];
    }
    graph_backward(r->graph, r->step->losses.total, r->of, count, found);
    for (uint32_t i = 0; i < params; i++)
        r->step->grads[i] = r->recipe->rules[i].frozen ? OP_NONE : *found++;
}

static void output(struct graph *graph, op_value value)
{
    if (value != OP_NONE)
        graph_output(graph, value);
}

static enum mien_status record(struct recording *r)
{
    enum mien_status status = MIEN_OK;
    struct train_step *step = r->step;
    struct train_features features;
    train_inputs_record(r->recipe, r->graph, step->shape.batch, step->shape.length, &step->in);
    step->hyper = graph_input(r->graph, "hyper", SHAPE_F32(HYPER_COUNT));
    step->logit_scale = train_logit_scale(&r->scope);
    train_features_record(r->recipe, &r->scope, &step->in, &features);
    record_guides(r, &features);
    train_losses_record(&r->scope, &r->recipe->objective, step->shape.mining, &features, &step->losses);
    record_backward(r);
    TRY(train_updates_record(r->recipe, &r->scope, step->grads, step->hyper, &step->clipping, &step->norms));
    output(r->graph, step->losses.total);
    if (step->losses.global != step->losses.total)
        output(r->graph, step->losses.global);
    output(r->graph, step->losses.local);
    output(r->graph, step->losses.positives);
    output(r->graph, step->clipping);
    output(r->graph, step->norms);
    output(r->graph, step->logit_scale);
    for (uint32_t i = 0; step->shape.grads && i < r->recipe->model->count; i++)
        output(r->graph, step->grads[i]);
fail:
    return status;
}

enum mien_status train_step_compile(const struct train_recipe *recipe, const struct train_step_shape *shape,
                                    const struct graph_compile_params *params, struct train_step **out)
{
    enum mien_status status = MIEN_OK;
    struct recording r = {.recipe = recipe};
    struct graph_compile_params named = params ? *params : (struct graph_compile_params){0};
    uint32_t count = recipe->model->count;
    char label[64];
    *out = NULL;
    snprintf(label, sizeof(label), "step [%u,%u,%u]", shape->batch, train_levels(&recipe->objective), shape->length);
    named.label = label;
    r.step = base_alloc(1, sizeof(*r.step) + count * sizeof(r.step->grads[0]));
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
