/* params.c: the list of parameters of a CLIP configuration: names, shapes, initial values. */
#include "nn/internal.h"

#include <stdlib.h>

struct list {
    struct nn_model *model;
    size_t capacity;
    enum mien_status status;
};

static void put(struct list *list, enum nn_init init, double spread, struct tensor_shape shape, const char *fmt, ...)
    MIEN_PRINTF(5, 6);

static void put(struct list *list, enum nn_init init, double spread, struct tensor_shape shape, const char *fmt, ...)
{
    struct nn_model *model = list->model;
    char name[160];
    va_list args;
    if (list->status != MIEN_OK)
        return;
    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    list->status = base_grow(&model->params, &list->capacity, model->count + 1u, sizeof(*model->params));
    if (list->status != MIEN_OK)
        return;
    struct nn_param *param = &model->params[model->count];
    *param = (struct nn_param){.init = init, .spread = spread};
    param->value.shape = shape;
    param->name = base_arena_strdup(&model->arena, name);
    if (!param->name) {
        list->status = base_fail(MIEN_ERR_NOMEM, "out of host memory for the name of parameter %s", name);
        return;
    }
    model->count++;
    model->elements += tensor_shape_count(&shape);
}

static void put_norm(struct list *list, uint32_t width, const char *name)
{
    put(list, NN_INIT_CONSTANT, 1, SHAPE_F32(width), "%s.weight", name);
    put(list, NN_INIT_CONSTANT, 0, SHAPE_F32(width), "%s.bias", name);
}

/* Spreads of one tower's block weights. NORMAL in the text tower; in the image tower CLIP leaves PyTorch's defaults:
 * uniform, 1/sqrt(inputs), and Xavier for the stacked q, k, v of [3D,D]: sqrt(6 / (3D + D)). */
struct spreads {
    enum nn_init init;
    double qkv, out, fc1, fc2;
};

static struct spreads text_spreads(const struct io_tower_config *c)
{
    double w = 1 / sqrt(c->width), deep = 1 / sqrt(2.0 * c->layers);
    return (struct spreads){NN_INIT_NORMAL, w, w * deep, 1 / sqrt(2.0 * c->width), w * deep};
}

static struct spreads vision_spreads(const struct io_tower_config *c)
{
    double w = 1 / sqrt(c->width);
    return (struct spreads){NN_INIT_UNIFORM, sqrt(6.0 / (4.0 * c->width)), w, w, 1 / sqrt(c->mlp)};
}

static void put_blocks(struct list *list, const char *tower, const struct io_tower_config *c, struct spreads spreads)
{
    static const char *const qkv[] = {"q", "k", "v"};
    char p[96], norm[128];
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(p, sizeof(p), "%s.encoder.layers.%u", tower, i);
        snprintf(norm, sizeof(norm), "%s.layer_norm1", p);
        put_norm(list, c->width, norm);
        for (size_t j = 0; j < BASE_COUNT(qkv); j++) {
            put(list, spreads.init, spreads.qkv, SHAPE_F32(c->width, c->width), "%s.self_attn.%s_proj.weight", p,
                qkv[j]);
            put(list, NN_INIT_CONSTANT, 0, SHAPE_F32(c->width), "%s.self_attn.%s_proj.bias", p, qkv[j]);
        }
        put(list, spreads.init, spreads.out, SHAPE_F32(c->width, c->width), "%s.self_attn.out_proj.weight", p);
        put(list, NN_INIT_CONSTANT, 0, SHAPE_F32(c->width), "%s.self_attn.out_proj.bias", p);
        snprintf(norm, sizeof(norm), "%s.layer_norm2", p);
        put_norm(list, c->width, norm);
        put(list, spreads.init, spreads.fc1, SHAPE_F32(c->mlp, c->width), "%s.mlp.fc1.weight", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(c->width), SHAPE_F32(c->mlp), "%s.mlp.fc1.bias", p);
        put(list, spreads.init, spreads.fc2, SHAPE_F32(c->width, c->mlp), "%s.mlp.fc2.weight", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(c->mlp), SHAPE_F32(c->width), "%s.mlp.fc2.bias", p);
    }
}

static void put_vision(struct list *list, const struct io_clip_config *c)
{
    const struct io_tower_config *tower = &c->vision.tower;
    uint32_t d = tower->width, patch = c->vision.patch, grid = c->vision.image / patch;
    double w = 1 / sqrt(d), patch_spread = 1 / sqrt(3.0 * patch * patch);
    put(list, NN_INIT_NORMAL, w, SHAPE_F32(d), "vision_model.embeddings.class_embedding");
    put(list, NN_INIT_UNIFORM, patch_spread, SHAPE_F32(d, 3, patch, patch),
        "vision_model.embeddings.patch_embedding.weight");
    put(list, NN_INIT_NORMAL, w, SHAPE_F32(grid * grid + 1, d), "vision_model.embeddings.position_embedding.weight");
    put_norm(list, d, "vision_model.pre_layrnorm"); /* the name in every published file */
    put_blocks(list, "vision_model", tower, vision_spreads(tower));
    put_norm(list, d, "vision_model.post_layernorm");
    put(list, NN_INIT_NORMAL, w, SHAPE_F32(c->embed, d), "visual_projection.weight");
}

static void put_text(struct list *list, const struct io_clip_config *c)
{
    const struct io_tower_config *tower = &c->text.tower;
    uint32_t d = tower->width;
    put(list, NN_INIT_NORMAL, 0.02, SHAPE_F32(c->text.vocab, d), "text_model.embeddings.token_embedding.weight");
    put(list, NN_INIT_NORMAL, 0.01, SHAPE_F32(c->text.context, d), "text_model.embeddings.position_embedding.weight");
    put_blocks(list, "text_model", tower, text_spreads(tower));
    put_norm(list, d, "text_model.final_layer_norm");
    put(list, NN_INIT_NORMAL, 1 / sqrt(d), SHAPE_F32(c->embed, d), "text_projection.weight");
}

/* EmoCLIP's names, its initial values: N(0,1), and PyTorch's for linear layers. */
static void put_temporal(struct list *list, const struct io_temporal_config *c, uint32_t embed)
{
    uint32_t inner = c->heads * c->head_dim;
    double w = 1 / sqrt(embed);
    char p[96], name[128];
    put(list, NN_INIT_NORMAL, 1, SHAPE_F32(1, 1, embed), "temporal.cls_token");
    put(list, NN_INIT_NORMAL, 1, SHAPE_F32(1, c->max_frames, embed), "temporal.pos_embedding");
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(p, sizeof(p), "temporal.temporal_transformer.layers.%u", i);
        snprintf(name, sizeof(name), "%s.0.fn.norm", p);
        put_norm(list, embed, name);
        put(list, NN_INIT_UNIFORM, w, SHAPE_F32(3 * inner, embed), "%s.0.fn.fn.to_qkv.weight", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(inner), SHAPE_F32(embed, inner), "%s.0.fn.fn.to_out.0.weight", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(inner), SHAPE_F32(embed), "%s.0.fn.fn.to_out.0.bias", p);
        snprintf(name, sizeof(name), "%s.1.fn.norm", p);
        put_norm(list, embed, name);
        put(list, NN_INIT_UNIFORM, w, SHAPE_F32(c->mlp, embed), "%s.1.fn.fn.net.0.weight", p);
        put(list, NN_INIT_UNIFORM, w, SHAPE_F32(c->mlp), "%s.1.fn.fn.net.0.bias", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(c->mlp), SHAPE_F32(embed, c->mlp), "%s.1.fn.fn.net.3.weight", p);
        put(list, NN_INIT_UNIFORM, 1 / sqrt(c->mlp), SHAPE_F32(embed), "%s.1.fn.fn.net.3.bias", p);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct nn_param *)a)->name, ((const struct nn_param *)b)->name);
}

/* Whether the parameter is stored in the model's precision. */
static bool is_stored_short(const struct nn_param *param)
{
    static const char *const added[] = {"position_embedding", "temporal.cls_token", "temporal.pos_embedding"};
    for (size_t i = 0; i < BASE_COUNT(added); i++) {
        if (strstr(param->name, added[i]))
            return false;
    }
    /* q, k and v of clips are views of one matrix (temporal.c); where they could not begin so, they are cut out as f32
     */
    uint64_t third = tensor_shape_count(&param->value.shape) / 3 * 2;
    return param->value.shape.rank >= 2 && (!strstr(param->name, "to_qkv") || third % 256 == 0);
}

enum mien_status nn_params_list(struct nn_model *model)
{
    struct list list = {.model = model, .status = MIEN_OK};
    put(&list, NN_INIT_CONSTANT, model->config.logit_scale_init, SHAPE_F32(1), "logit_scale");
    put_vision(&list, &model->config);
    put_text(&list, &model->config);
    if (model->config.logit_bias)
        put(&list, NN_INIT_CONSTANT, -10, SHAPE_F32(1), "logit_bias"); /* open_clip's start */
    if (model->config.temporal.layers)
        put_temporal(&list, &model->config.temporal, model->config.embed);
    if (list.status != MIEN_OK)
        return list.status;
    qsort(model->params, model->count, sizeof(*model->params), by_name);
    for (uint32_t i = 0; i < model->count; i++) {
        struct nn_param *param = &model->params[i];
        param->is_scalar = strncmp(param->name, "logit_", 6) == 0;
        if (is_stored_short(param))
            param->value.shape.dtype = model->precision;
    }
    return MIEN_OK;
}

uint32_t nn_param_find(const struct nn_model *model, const char *name)
{
    struct nn_param key = {.name = name};
    const struct nn_param *found = bsearch(&key, model->params, model->count, sizeof(key), by_name);
    return found ? (uint32_t)(found - model->params) : UINT32_MAX;
}
