/* update.c: clipping and the optimiser's update of every trained parameter. */
#include "train/step.h"

#include "args/optim.h"
#include "args/sum.h"

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

/* [norm, factor] of all gradients, from their partial sums of squares, [64] each. */
static enum mien_status record_clipping(struct graph *graph, const op_value *grads, uint32_t params, op_value hyper,
                                        op_value *clipping, op_value *norms)
{
    uint32_t count = 0;
    op_value *partial = base_alloc(params, sizeof(*partial));
    if (!partial)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step");
    graph_push(graph, "clip");
    for (uint32_t i = 0; i < params; i++) {
        if (grads[i] != OP_NONE)
            partial[count++] = GRAPH_OP(graph, &op_sum_squares, NULL, grads[i]);
    }
    *norms = count ? graph_join(graph, partial, count, SHAPE_F32(count, SUM_PARTIALS)) : OP_NONE;
    *clipping = GRAPH_OP(graph, &op_clip_factor, NULL, *norms, hyper);
    graph_pop(graph);
    base_free(partial);
    return graph_status(graph);
}

static void record_update(const struct train_recipe *recipe, struct nn_scope *scope, uint32_t i, op_value grad,
                          op_value hyper, op_value clipping)
{
    const struct op_attr clamp = {.low = 0, .high = (float)LOGIT_SCALE_MAX};
    const struct nn_param *param = &recipe->model->params[i];
    const struct train_param *rule = &recipe->rules[i];
    struct op_attr attr = {.scale = rule->lr_scale, .value = rule->decays ? 1 : 0};
    struct graph *graph = scope->graph;
    const struct tensor *kept[TRAIN_MOMENTS_MAX] = {&recipe->moments->first[i], &recipe->moments->second[i]};
    op_value moments[TRAIN_MOMENTS_MAX], updated;
    for (uint32_t k = 0; k < recipe->optimizer->moments; k++)
        moments[k] = graph_bound(graph, param->name, kept[k]);
    updated = recipe->optimizer->record(graph, &attr, scope->values[i], moments, grad, hyper, clipping);
    if (strcmp(param->name, "logit_scale") == 0)
        (void)GRAPH_OP(graph, &op_clamp, &clamp, updated);
}

enum mien_status train_updates_record(const struct train_recipe *recipe, struct nn_scope *scope, const op_value *grads,
                                      op_value hyper, op_value *clipping, op_value *norms)
{
    enum mien_status status = record_clipping(scope->graph, grads, recipe->model->count, hyper, clipping, norms);
    if (status != MIEN_OK)
        return status;
    graph_push(scope->graph, "%s", recipe->optimizer->word.name);
    for (uint32_t i = 0; i < recipe->model->count; i++) {
        if (grads[i] != OP_NONE && !recipe->rules[i].frozen)
            record_update(recipe, scope, i, grads[i], hyper, *clipping);
    }
    graph_pop(scope->graph);
    return graph_status(scope->graph);
}

op_value train_logit_scale(struct nn_scope *scope)
{
    return GRAPH_OP(scope->graph, &op_copy, NULL, nn_param_value(scope, "logit_scale"));
}
