/* step.c: recording a training step. */
#include "train/step.h"

#include "args/optim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* logit_scale stays in [0, ln 100]. */
#define LOGIT_SCALE_MAX 4.605170185988092

/* ---- moments ---- */

static enum mien_status zero_tensor(struct vk_device *device, const struct nn_param *param, const char *kind,
                                    const void *zeros, struct tensor *out)
{
    char name[192];
    snprintf(name, sizeof(name), "%s.%s", kind, param->name);
    enum mien_status status = tensor_create(device, &param->value.shape, name, out);
    return status == MIEN_OK ? tensor_upload(device, out, zeros) : status;
}

enum mien_status train_moments_create(const struct nn_model *model, struct train_moments *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t largest = 1;
    void *zeros = NULL;
    *out = (struct train_moments){.device = model->device, .count = model->count};
    for (uint32_t i = 0; i < model->count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&model->params[i].value.shape));
    zeros = base_alloc(largest, 1);
    out->first = base_alloc(model->count, sizeof(*out->first));
    out->second = base_alloc(model->count, sizeof(*out->second));
    FAIL_IF(!zeros || !out->first || !out->second, MIEN_ERR_NOMEM, "out of host memory for the optimiser");
    for (uint32_t i = 0; i < model->count; i++) {
        TRY(zero_tensor(model->device, &model->params[i], "first", zeros, &out->first[i]));
        TRY(zero_tensor(model->device, &model->params[i], "second", zeros, &out->second[i]));
    }
    base_free(zeros);
    return MIEN_OK;
fail:
    base_free(zeros);
    train_moments_destroy(out);
    return status;
}

void train_moments_destroy(struct train_moments *moments)
{
    for (uint32_t i = 0; moments->first && i < moments->count; i++)
        tensor_destroy(moments->device, &moments->first[i]);
    for (uint32_t i = 0; moments->second && i < moments->count; i++)
        tensor_destroy(moments->device, &moments->second[i]);
    base_free(moments->first);
    base_free(moments->second);
    *moments = (struct train_moments){0};
}

bool train_decays(const struct nn_param *param)
{
    return param->value.shape.rank > 1 && !strstr(param->name, "position_embedding") &&
           !strstr(param->name, "class_embedding");
}

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
}

/* ---- the graph ---- */

struct recording {
    struct graph *graph;
    struct nn_scope scope;
    const struct nn_model *model;
    const struct train_moments *moments;
    struct train_step *step;
    op_value *grads;
};

/* Rows [level*B, (level+1)*B) of x [K*B,E]. */
static op_value level_rows(struct recording *r, op_value x, uint32_t level)
{
    uint32_t batch = r->step->shape.batch;
    if (r->step->shape.levels == 1)
        return x;
    int32_t *rows = base_alloc(batch, sizeof(*rows));
    if (!rows)
        return OP_NONE; /* reported by the op that misses its index */
    for (uint32_t b = 0; b < batch; b++)
        rows[b] = (int32_t)(level * batch + b);
    op_value index = graph_constant(r->graph, "level_rows", SHAPE_I32(batch), rows);
    base_free(rows);
    return GRAPH_OP(r->graph, &op_embedding, NULL, x, index);
}

/* The mean over the levels of the contrastive loss with the images. */
static op_value record_loss(struct recording *r)
{
    struct train_step *step = r->step;
    uint32_t levels = step->shape.levels;
    op_value u = nn_unit_rows(&r->scope, nn_image_tower(&r->scope, step->pixels));
    op_value v = nn_unit_rows(&r->scope, nn_text_tower(&r->scope, step->ids, step->eot));
    op_value loss = nn_clip_loss(&r->scope, u, level_rows(r, v, 0));
    for (uint32_t level = 1; level < levels; level++)
        loss = GRAPH_OP(r->graph, &op_add, NULL, loss, nn_clip_loss(&r->scope, u, level_rows(r, v, level)));
    if (levels > 1)
        loss = GRAPH_OP(r->graph, &op_scale, &(struct op_attr){.scale = 1.0f / (float)levels}, loss);
    return loss;
}

/* [norm, factor] of all gradients: partial sums of squares [64] each, added in pairs. */
static enum mien_status record_clipping(struct recording *r, op_value *out)
{
    uint32_t count = 0;
    op_value *partial = base_alloc(r->model->count, sizeof(*partial));
    if (!partial)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step");
    graph_push(r->graph, "clip");
    for (uint32_t i = 0; i < r->model->count; i++) {
        if (r->grads[i] != OP_NONE)
            partial[count++] = GRAPH_OP(r->graph, &op_sum_squares, NULL, r->grads[i]);
    }
    for (uint32_t stride = 1; stride < count; stride *= 2) {
        for (uint32_t i = 0; i + stride < count; i += 2 * stride)
            partial[i] = GRAPH_OP(r->graph, &op_add, NULL, partial[i], partial[i + stride]);
    }
    *out = GRAPH_OP(r->graph, &op_clip_factor, NULL, partial[0], r->step->hyper);
    graph_pop(r->graph);
    base_free(partial);
    return graph_status(r->graph);
}

static void record_updates(struct recording *r)
{
    const struct op_attr clamp = {.low = 0, .high = (float)LOGIT_SCALE_MAX};
    graph_push(r->graph, "adamw");
    for (uint32_t i = 0; i < r->model->count; i++) {
        const struct nn_param *param = &r->model->params[i];
        struct op_attr attr = {.scale = 1, .value = train_decays(param) ? 1 : 0};
        if (r->grads[i] == OP_NONE)
            continue;
        op_value first = graph_bound(r->graph, param->name, &r->moments->first[i]);
        op_value second = graph_bound(r->graph, param->name, &r->moments->second[i]);
        op_value updated = GRAPH_OP(r->graph, &op_adamw, &attr, r->scope.values[i], first, second, r->grads[i],
                                    r->step->hyper, r->step->clipping);
        if (strcmp(param->name, "logit_scale") == 0)
            (void)GRAPH_OP(r->graph, &op_clamp, &clamp, updated);
    }
    graph_pop(r->graph);
}

static enum mien_status record(struct recording *r)
{
    enum mien_status status = MIEN_OK;
    struct train_step *step = r->step;
    uint32_t batch = step->shape.batch, texts = step->shape.levels * batch;
    uint32_t side = r->model->config.vision.image;
    step->pixels = graph_input(r->graph, "pixels", SHAPE_F32(batch, 3, side, side));
    step->ids = graph_input(r->graph, "ids", SHAPE_I32(texts, step->shape.length));
    step->eot = graph_input(r->graph, "eot", SHAPE_I32(texts));
    step->hyper = graph_input(r->graph, "hyper", SHAPE_F32(HYPER_COUNT));
    step->logit_scale = GRAPH_OP(r->graph, &op_copy, NULL, nn_param_value(&r->scope, "logit_scale"));
    step->loss = record_loss(r);
    TRY(graph_backward(r->graph, step->loss, r->scope.values, r->model->count, r->grads));
    TRY(record_clipping(r, &step->clipping));
    record_updates(r);
    graph_output(r->graph, step->loss);
    graph_output(r->graph, step->clipping);
    graph_output(r->graph, step->logit_scale);
    for (uint32_t i = 0; step->shape.grads && i < r->model->count; i++) {
        if (r->grads[i] != OP_NONE)
            graph_output(r->graph, r->grads[i]);
    }
fail:
    return status;
}

enum mien_status train_step_compile(const struct nn_model *model, const struct train_moments *moments,
                                    const struct train_step_shape *shape, struct train_step *out)
{
    enum mien_status status = MIEN_OK;
    struct recording r = {.model = model, .moments = moments, .step = out};
    char label[64];
    *out = (struct train_step){.shape = *shape};
    snprintf(label, sizeof(label), "step [%u,%u,%u]", shape->batch, shape->levels, shape->length);
    r.grads = base_alloc(model->count, sizeof(*r.grads));
    FAIL_IF_NULL(r.grads, "recording a step");
    TRY(graph_create(&r.graph));
    TRY(nn_scope_open(&r.scope, r.graph, model, true));
    TRY(record(&r));
    TRY(graph_compile(r.graph, model->device, &(struct graph_compile_params){.label = label}, &out->program));
    if (shape->grads) { /* handed over */
        out->grads = r.grads;
        r.grads = NULL;
    }
fail:
    nn_scope_close(&r.scope);
    graph_destroy(&r.graph);
    base_free(r.grads);
    return status;
}

void train_step_destroy(struct train_step *step)
{
    graph_program_destroy(&step->program);
    base_free(step->grads);
    *step = (struct train_step){0};
}
