/* towers.c: the image and the text tower, and the contrastive loss, as graphs. */
#include "nn/internal.h"

#include <assert.h>

enum mien_status nn_scope_open(struct nn_scope *scope, struct graph *graph, const struct nn_model *model, bool training)
{
    *scope = (struct nn_scope){.graph = graph, .model = model, .training = training};
    scope->values = base_alloc(model->stack_count, sizeof(*scope->values));
    if (!scope->values)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a model");
    for (uint32_t i = 0; i < model->stack_count; i++) {
        const struct nn_stack *stack = &model->stacks[i];
        scope->values[i] = model->device ? graph_bound(graph, stack->name, &stack->value)
                                         : graph_bound_planned(graph, stack->name, stack->value.shape);
    }
    return graph_status(graph);
}

void nn_scope_close(struct nn_scope *scope)
{
    base_free(scope->values);
    *scope = (struct nn_scope){0};
}

op_value nn_param_value(struct nn_scope *scope, const char *fmt, ...)
{
    char name[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    uint32_t index = nn_param_find(scope->model, name);
    assert(index != UINT32_MAX && scope->model->params[index].first == 0);
    return scope->values[scope->model->params[index].stack];
}

enum mien_dtype nn_multiplied_as(const struct nn_scope *s)
{
    return s->stored != MIEN_F32 ? s->stored : s->model->precision;
}

op_value nn_linear(struct nn_scope *s, op_value x, const char *name, bool bias, enum op_activation act,
                   op_value residual, enum mien_dtype dtype)
{
    op_value w = nn_param_value(s, "%s.weight", name);
    op_value b = bias ? nn_param_value(s, "%s.bias", name) : OP_NONE;
    struct op_attr attr = {.trans_b = true,
                           .activation = act,
                           .save_pre = act != OP_ACT_NONE && s->training,
                           .same_order = s->same_order,
                           .precision = nn_multiplied_as(s),
                           .dtype = dtype};
    return GRAPH_OP(s->graph, &op_matmul, &attr, x, w, b, residual);
}

op_value nn_norm(struct nn_scope *s, op_value x, const char *name, double eps, enum mien_dtype dtype)
{
    op_value w = nn_param_value(s, "%s.weight", name);
    op_value b = nn_param_value(s, "%s.bias", name);
    struct op_attr attr = {.eps = (float)eps, .same_order = s->same_order, .dtype = dtype};
    return GRAPH_OP(s->graph, &op_layernorm, &attr, x, w, b);
}

static enum op_activation activation_of(const struct io_tower_config *c)
{
    return c->act == IO_ACT_GELU ? OP_ACT_GELU : OP_ACT_QUICK_GELU;
}

/* x + attention(nn_norm(x)); x [B,T,D] */
static op_value attention_half(struct nn_scope *s, const char *p, const struct io_tower_config *c, op_value x,
                               bool causal)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.layer_norm1", p);
    op_value h = nn_norm(s, x, name, c->eps, s->stored);
    snprintf(name, sizeof(name), "%s.self_attn.q_proj", p); /* its stack: q, k and v, [B,T,3D] */
    h = nn_linear(s, h, name, true, OP_ACT_NONE, OP_NONE, s->stored);
    struct op_attr attr = {.heads = c->heads,
                           .causal = causal,
                           .same_order = s->same_order,
                           .precision = nn_multiplied_as(s),
                           .dtype = s->stored};
    h = GRAPH_OP(s->graph, &op_attention, &attr, h);
    snprintf(name, sizeof(name), "%s.self_attn.out_proj", p);
    return nn_linear(s, h, name, true, OP_ACT_NONE, x, MIEN_F32);
}

/* x + fc2(act(fc1(nn_norm(x)))); x [B,T,D] */
static op_value mlp_half(struct nn_scope *s, const char *p, const struct io_tower_config *c, op_value x)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.layer_norm2", p);
    op_value h = nn_norm(s, x, name, c->eps, s->stored);
    snprintf(name, sizeof(name), "%s.mlp.fc1", p);
    h = nn_linear(s, h, name, true, activation_of(c), OP_NONE, s->stored);
    snprintf(name, sizeof(name), "%s.mlp.fc2", p);
    return nn_linear(s, h, name, true, OP_ACT_NONE, x, MIEN_F32);
}

/* Pre-norm residual blocks; x [B,T,D] */
static op_value blocks(struct nn_scope *s, const char *tower, const struct io_tower_config *c, op_value x, bool causal)
{
    for (uint32_t i = 0; i < c->layers; i++) {
        char p[96];
        snprintf(p, sizeof(p), "%s.encoder.layers.%u", tower, i);
        graph_push(s->graph, "%u", i);
        if (s->recompute)
            graph_recompute_begin(s->graph);
        x = attention_half(s, p, c, x, causal);
        x = mlp_half(s, p, c, x);
        if (s->recompute)
            graph_recompute_end(s->graph);
        graph_pop(s->graph);
    }
    return x;
}

op_value nn_first_tokens(struct nn_scope *s, op_value x)
{
    uint32_t batch = graph_shape(s->graph, x).dim[0];
    op_value index = graph_constant(s->graph, "class_token", SHAPE_I32(BASE_MAX(batch, 1)), NULL);
    return GRAPH_OP(s->graph, &op_select, NULL, x, index);
}

/* pixels [B,3,R,R] -> tokens [B,N,D] behind the last block; token 0 is the class token. */
static op_value image_tokens(struct nn_scope *s, op_value pixels)
{
    const struct io_clip_config *c = &s->model->config;
    const struct io_tower_config *tower = &c->vision.tower;
    uint32_t patch = c->vision.patch;
    /* The convolution without overlap is a matrix product over unfolded patches [B,G,3PP]. */
    op_value x = GRAPH_OP(s->graph, &op_unfold, &(struct op_attr){.patch = patch}, pixels);
    op_value w = nn_param_value(s, "vision_model.embeddings.patch_embedding.weight");
    struct tensor_shape matrix = SHAPE_F32(tower->width, 3 * patch * patch);
    matrix.dtype = graph_shape(s->graph, w).dtype;
    w = graph_view(s->graph, w, matrix, 0);
    struct op_attr attr = {.trans_b = true, .same_order = s->same_order, .precision = nn_multiplied_as(s)};
    x = GRAPH_OP(s->graph, &op_matmul, &attr, x, w, OP_NONE, OP_NONE);
    x = GRAPH_OP(s->graph, &op_tokens_class, NULL, x, nn_param_value(s, "vision_model.embeddings.class_embedding"),
                 nn_param_value(s, "vision_model.embeddings.position_embedding.weight"));
    x = nn_norm(s, x, "vision_model.pre_layrnorm", tower->eps, MIEN_F32);
    return blocks(s, "vision_model", tower, x, false);
}

/* Rows [...,D] of tokens to the embedding space [...,E]. */
static op_value project_image(struct nn_scope *s, op_value x)
{
    x = nn_norm(s, x, "vision_model.post_layernorm", s->model->config.vision.tower.eps, MIEN_F32);
    return nn_linear(s, x, "visual_projection", false, OP_ACT_NONE, OP_NONE, MIEN_F32);
}

op_value nn_image_tower(struct nn_scope *s, op_value pixels)
{
    graph_push(s->graph, "vision");
    op_value x = project_image(s, nn_first_tokens(s, image_tokens(s, pixels)));
    graph_pop(s->graph);
    return x;
}

op_value nn_image_tower_patches(struct nn_scope *s, op_value pixels, op_value *patches)
{
    graph_push(s->graph, "vision");
    op_value x = project_image(s, image_tokens(s, pixels)); /* [B,N,E] */
    uint32_t tokens = graph_shape(s->graph, x).dim[1];
    struct op_attr behind_first = {.axis = 1, .first = 1, .count = tokens - 1};
    *patches = GRAPH_OP(s->graph, &op_slice, &behind_first, x);
    x = nn_first_tokens(s, x);
    graph_pop(s->graph);
    return x;
}

op_value nn_text_tower(struct nn_scope *s, op_value ids, op_value eot)
{
    const struct io_tower_config *tower = &s->model->config.text.tower;
    graph_push(s->graph, "text");
    op_value x =
        GRAPH_OP(s->graph, &op_embedding, NULL, nn_param_value(s, "text_model.embeddings.token_embedding.weight"), ids);
    x = GRAPH_OP(s->graph, &op_tokens_pos, NULL, x,
                 nn_param_value(s, "text_model.embeddings.position_embedding.weight"));
    x = blocks(s, "text_model", tower, x, true);
    /* The last norm works row by row, so the pooled rows are all it has to see. */
    x = GRAPH_OP(s->graph, &op_select, NULL, x, eot);
    x = nn_norm(s, x, "text_model.final_layer_norm", tower->eps, MIEN_F32);
    x = nn_linear(s, x, "text_projection", false, OP_ACT_NONE, OP_NONE, MIEN_F32);
    graph_pop(s->graph);
    return x;
}

op_value nn_unit_rows(struct nn_scope *s, op_value x)
{
    return GRAPH_OP(s->graph, &op_l2norm, NULL, x);
}

op_value nn_clip_loss(struct nn_scope *s, op_value u, op_value v)
{
    graph_push(s->graph, "loss");
    op_value scores = GRAPH_OP(s->graph, &op_matmul, &(struct op_attr){.trans_b = true}, u, v, OP_NONE, OP_NONE);
    op_value loss = GRAPH_OP(s->graph, &op_infonce, NULL, scores, nn_param_value(s, "logit_scale"));
    graph_pop(s->graph);
    return loss;
}
