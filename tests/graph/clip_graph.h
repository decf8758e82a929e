/* clip_graph.h: a CLIP of a few thousand weights recorded op by op: every op of a training step occurs, with fan-out,
 * views, residuals and both kinds of attention. Sizes: B pairs, N = G+1 image tokens, L text tokens, D width. */
#ifndef TESTS_GRAPH_CLIP_GRAPH_H
#define TESTS_GRAPH_CLIP_GRAPH_H

#include "args/optim.h"
#include "graph/graph.h"
#include "gpu.h"

enum { B = 4, G = 4, N = G + 1, L = 6, D = 16, PATCH = 12, HEADS = 2, VOCABULARY = 11, E = 8, MAX_PARAMS = 128 };

struct clip_param {
    char name[24];
    struct tensor_shape shape;
    double scale, mean;
    op_value value;
};

struct clip {
    struct graph *graph;
    op_value patches, ids, eot; /* inputs */
    op_value loss;
    struct clip_param param[MAX_PARAMS];
    uint32_t count;
    /* makes the value of a parameter: bound on a device, or an input */
    op_value (*bind)(void *user, struct graph *graph, const struct clip_param *param);
    void *user;
};

static inline op_value clip_param(struct clip *c, const char *part, const char *name, struct tensor_shape shape,
                                  double mean, double scale)
{
    struct clip_param *p = &c->param[c->count++];
    snprintf(p->name, sizeof(p->name), "%s.%s", part, name);
    p->shape = shape;
    p->mean = mean;
    p->scale = scale;
    return p->value = c->bind(c->user, c->graph, p);
}

static inline void clip_values(const struct clip_param *p, float *data)
{
    uint64_t count = tensor_shape_count(&p->shape);
    fill_normal(data, count, p->name, p->scale);
    for (uint64_t i = 0; i < count; i++)
        data[i] += (float)p->mean;
}

/* x W^T + b [+ residual], W [out,in] */
static inline op_value clip_linear(struct clip *c, const char *part, const char *w, const char *b, op_value x,
                                   uint32_t in, uint32_t out, enum op_activation activation, op_value residual)
{
    struct op_attr attr = {.trans_b = true, .activation = activation, .save_pre = activation != OP_ACT_NONE};
    op_value weight = clip_param(c, part, w, SHAPE_F32(out, in), 0, 0.4);
    op_value bias = b ? clip_param(c, part, b, SHAPE_F32(out), 0, 0.2) : OP_NONE;
    return GRAPH_OP(c->graph, &op_matmul, &attr, x, weight, bias, residual);
}

static inline op_value clip_norm(struct clip *c, const char *part, const char *w, const char *b, op_value x)
{
    struct op_attr attr = {.eps = 1e-5f};
    op_value weight = clip_param(c, part, w, SHAPE_F32(D), 1, 0.2), bias = clip_param(c, part, b, SHAPE_F32(D), 0, 0.2);
    return GRAPH_OP(c->graph, &op_layernorm, &attr, x, weight, bias);
}

/* x [B,T,D] -> [B,T,D] */
static inline op_value clip_block(struct clip *c, const char *part, op_value x, bool causal)
{
    struct op_attr attr = {.heads = HEADS, .causal = causal};
    op_value h = clip_norm(c, part, "ln1", "ln1.b", x);
    op_value qkv = clip_linear(c, part, "qkv", "qkv.b", h, D, 3 * D, OP_ACT_NONE, OP_NONE);
    op_value o = GRAPH_OP(c->graph, &op_attention, &attr, qkv);
    x = clip_linear(c, part, "out", "out.b", o, D, D, OP_ACT_NONE, x);
    h = clip_norm(c, part, "ln2", "ln2.b", x);
    h = clip_linear(c, part, "fc1", "fc1.b", h, D, 2 * D, OP_ACT_QUICK_GELU, OP_NONE);
    return clip_linear(c, part, "fc2", "fc2.b", h, 2 * D, D, OP_ACT_NONE, x);
}

/* tokens [B,T,D], row index [B] -> unit rows [B,E] */
static inline op_value clip_head(struct clip *c, const char *part, op_value x, op_value index)
{
    x = GRAPH_OP(c->graph, &op_select, NULL, x, index);
    x = clip_norm(c, part, "post", "post.b", x);
    x = clip_linear(c, part, "proj", NULL, x, D, E, OP_ACT_NONE, OP_NONE);
    return GRAPH_OP(c->graph, &op_l2norm, NULL, x);
}

static inline op_value clip_image(struct clip *c)
{
    static const int32_t first[B] = {0};
    op_value x = clip_linear(c, "i", "patch", NULL, c->patches, PATCH, D, OP_ACT_NONE, OP_NONE);
    op_value class_token = clip_param(c, "i", "class", SHAPE_F32(D), 0, 0.5);
    op_value positions = clip_param(c, "i", "pos", SHAPE_F32(N, D), 0, 0.3);
    x = GRAPH_OP(c->graph, &op_tokens_class, NULL, x, class_token, positions);
    x = clip_block(c, "i", x, false);
    return clip_head(c, "i", x, graph_constant(c->graph, "first", SHAPE_I32(B), first));
}

static inline op_value clip_text(struct clip *c)
{
    op_value table = clip_param(c, "t", "table", SHAPE_F32(VOCABULARY, D), 0, 0.7);
    op_value positions = clip_param(c, "t", "pos", SHAPE_F32(L + 2, D), 0, 0.3);
    op_value x = GRAPH_OP(c->graph, &op_embedding, NULL, table, c->ids);
    x = GRAPH_OP(c->graph, &op_tokens_pos, NULL, x, positions);
    x = clip_block(c, "t", x, true);
    return clip_head(c, "t", x, c->eot);
}

/* Records the forward pass; the caller sets graph, bind and user. */
static inline void clip_record(struct clip *c)
{
    struct op_attr attr = {.trans_b = true};
    c->patches = graph_input(c->graph, "patches", SHAPE_F32(B, G, PATCH));
    c->ids = graph_input(c->graph, "ids", SHAPE_I32(B, L));
    c->eot = graph_input(c->graph, "eot", SHAPE_I32(B));
    graph_push(c->graph, "image");
    op_value u = clip_image(c);
    graph_pop(c->graph);
    graph_push(c->graph, "text");
    op_value v = clip_text(c);
    graph_pop(c->graph);
    op_value q = clip_param(c, "x", "scale", SHAPE_F32(1), 1.2, 0);
    op_value scores = GRAPH_OP(c->graph, &op_matmul, &attr, u, v);
    c->loss = GRAPH_OP(c->graph, &op_infonce, NULL, scores, q);
    graph_output(c->graph, c->loss);
}

/* A batch; `round` tells batches apart. */
static inline void clip_batch(float *patches, int32_t *ids, int32_t *eot, uint32_t round)
{
    struct base_rng rng = base_rng_make(5, "batch", round, 0);
    for (uint32_t i = 0; i < B * G * PATCH; i++)
        patches[i] = (float)base_rng_normal(&rng);
    for (uint32_t i = 0; i < B * L; i++)
        ids[i] = (int32_t)base_rng_below(&rng, VOCABULARY);
    for (uint32_t b = 0; b < B; b++)
        eot[b] = (int32_t)base_rng_below(&rng, L);
}

/* hyper [16] of step t, counted from 1 */
static inline void clip_hyper(float *hyper, uint32_t t)
{
    memset(hyper, 0, HYPER_COUNT * sizeof(*hyper));
    hyper[HYPER_LR] = 1e-2f;
    hyper[HYPER_BETA1] = 0.9f;
    hyper[HYPER_BETA2] = 0.98f;
    hyper[HYPER_ONE_MINUS_BETA1] = (float)(1 - 0.9);
    hyper[HYPER_ONE_MINUS_BETA2] = (float)(1 - 0.98);
    hyper[HYPER_EPS] = 1e-6f;
    hyper[HYPER_DECAY] = 0.1f;
    hyper[HYPER_CORRECTION1] = (float)(1 - pow(0.9, t));
    hyper[HYPER_CORRECTION2_SQRT] = (float)sqrt(1 - pow(0.98, t));
    hyper[HYPER_MAX_NORM] = 0.5f;
}

#endif
