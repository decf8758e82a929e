/* temporal.c: a clip's embedding from its frames': EmoCLIP's transformer, or their mean. Pre-norm blocks at the width
 * of the embedding E, with heads * head_dim = I of any size; the class token's row is the result. */
#include "nn/internal.h"

/* nn.LayerNorm's default, which EmoCLIP keeps. */
#define EPS 1e-5

/* x + attention(norm(x)); x [B,T,E] */
static op_value attention_half(struct nn_scope *s, const char *p, op_value x)
{
    const struct io_temporal_config *c = &s->model->config.temporal;
    char name[128];
    snprintf(name, sizeof(name), "%s.0.fn.norm", p);
    op_value h = nn_norm(s, x, name, EPS, s->stored);
    snprintf(name, sizeof(name), "%s.0.fn.fn.to_qkv", p);
    h = nn_linear(s, h, name, false, OP_ACT_NONE, OP_NONE, s->stored); /* [B,T,3I] */
    struct op_attr attr = {
        .heads = c->heads, .same_order = s->same_order, .precision = nn_multiplied_as(s), .dtype = s->stored};
    h = GRAPH_OP(s->graph, &op_attention, &attr, h);
    snprintf(name, sizeof(name), "%s.0.fn.fn.to_out.0", p);
    return nn_linear(s, h, name, true, OP_ACT_NONE, x, MIEN_F32);
}

/* x + net3(gelu(net0(norm(x)))); x [B,T,E] */
static op_value mlp_half(struct nn_scope *s, const char *p, op_value x)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.1.fn.norm", p);
    op_value h = nn_norm(s, x, name, EPS, s->stored);
    snprintf(name, sizeof(name), "%s.1.fn.fn.net.0", p);
    h = nn_linear(s, h, name, true, OP_ACT_GELU_TANH, OP_NONE, s->stored);
    snprintf(name, sizeof(name), "%s.1.fn.fn.net.3", p);
    return nn_linear(s, h, name, true, OP_ACT_NONE, x, MIEN_F32);
}

/* frames [B,T,E] -> [B,T+1,E]: the class token before them, position embeddings added. */
static op_value tokens(struct nn_scope *s, op_value frames)
{
    uint32_t embed = s->model->config.embed, count = graph_shape(s->graph, frames).dim[1] + 1;
    op_value token = graph_view(s->graph, nn_param_value(s, "temporal.cls_token"), SHAPE_F32(embed), 0);
    op_value pos = nn_param_value(s, "temporal.pos_embedding");
    pos = graph_view(s->graph, pos, SHAPE_F32(s->model->config.temporal.max_frames, embed), 0);
    if (count < s->model->config.temporal.max_frames) {
        struct op_attr attr = {.axis = 0, .count = count};
        pos = GRAPH_OP(s->graph, &op_slice, &attr, pos);
    }
    return GRAPH_OP(s->graph, &op_tokens_class, NULL, frames, token, pos);
}

op_value nn_temporal_tower(struct nn_scope *s, op_value frames)
{
    const struct io_temporal_config *c = &s->model->config.temporal;
    if (!c->layers)
        return GRAPH_OP(s->graph, &op_mean_tokens, NULL, frames);
    graph_push(s->graph, "temporal");
    op_value x = tokens(s, frames);
    for (uint32_t i = 0; i < c->layers; i++) {
        char p[96];
        snprintf(p, sizeof(p), "temporal.temporal_transformer.layers.%u", i);
        graph_push(s->graph, "%u", i);
        x = attention_half(s, p, x);
        x = mlp_half(s, p, x);
        graph_pop(s->graph);
    }
    x = nn_first_tokens(s, x);
    graph_pop(s->graph);
    return x;
}
