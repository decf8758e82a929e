/* clip_tensors.c: the list: a line for each tensor says all that is known of it. */
#include "io/clip_tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    uint32_t rank;
    uint64_t dims[4];
};

#define SHAPE(...) ((struct shape){sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), {__VA_ARGS__}})

/* ---- initial values: CLIP's initialize_parameters, PyTorch's defaults elsewhere ---- */

struct start {
    enum io_init init;
    double spread;
};

static struct start constant(double value)
{
    return (struct start){IO_INIT_CONSTANT, value};
}

static struct start normal(double deviation)
{
    return (struct start){IO_INIT_NORMAL, deviation};
}

static struct start uniform(double most)
{
    return (struct start){IO_INIT_UNIFORM, most};
}

/* PyTorch's of a layer with so many inputs, weight and bias. */
static struct start linear(double inputs)
{
    return uniform(1 / sqrt(inputs));
}

/* Of one tower's block weights: normal in the text tower; in the image tower CLIP leaves PyTorch's defaults, which are
 * Xavier's for the stacked q, k, v of [3D,D]: sqrt(6 / (3D + D)). */
struct starts {
    struct start qkv, out, fc1, fc2;
};

static struct starts text_starts(const struct io_tower_config *c)
{
    double w = 1 / sqrt(c->width), deep = 1 / sqrt(2.0 * c->layers);
    return (struct starts){normal(w), normal(w * deep), normal(1 / sqrt(2.0 * c->width)), normal(w * deep)};
}

static struct starts vision_starts(const struct io_tower_config *c)
{
    return (struct starts){uniform(sqrt(6.0 / (4.0 * c->width))), linear(c->width), linear(c->width), linear(c->mlp)};
}

/* ---- one tensor ---- */

/* A list in the making: what stands before the names that follow, Hugging Face's and OpenAI's; errors are sticky. */
struct making {
    struct io_clip_tensors *list;
    char prefix[96], openai[96];
    enum mien_status status;
};

static void begin(struct making *m, const char *prefix, const char *openai)
{
    snprintf(m->prefix, sizeof(m->prefix), "%s", prefix);
    snprintf(m->openai, sizeof(m->openai), "%s", openai);
}

/* openai: NULL where OpenAI's models have no such tensor. */
static void put(struct making *m, const char *name, const char *openai, enum io_clip_form form, struct shape shape,
                struct start start)
{
    struct io_clip_tensors *list = m->list;
    if (m->status == MIEN_OK)
        m->status = base_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
    if (m->status != MIEN_OK)
        return;
    struct io_clip_tensor *t = &list->items[list->count];
    *t = (struct io_clip_tensor){.form = form, .rank = shape.rank, .count = 1, .init = start.init};
    t->spread = start.spread;
    memcpy(t->dims, shape.dims, sizeof(t->dims));
    for (uint32_t i = 0; i < t->rank; i++)
        t->count *= t->dims[i];
    t->name = base_arena_printf(&list->arena, "%s%s", m->prefix, name);
    t->openai = base_arena_printf(&list->arena, "%s%s", openai ? m->openai : "", openai ? openai : "");
    if (!t->name || !t->openai) {
        m->status = base_fail(MIEN_ERR_NOMEM, "out of host memory for the names of tensors");
        return;
    }
    list->elements += t->count;
    list->count++;
}

/* Weight and bias of a layer. */
static void put_pair(struct making *m, const char *name, const char *openai, struct shape weight, struct start start,
                     struct start bias)
{
    char a[64], b[64];
    snprintf(a, sizeof(a), "%s.weight", name);
    snprintf(b, sizeof(b), "%s.weight", openai ? openai : "");
    put(m, a, openai ? b : NULL, IO_CLIP_SAME, weight, start);
    snprintf(a, sizeof(a), "%s.bias", name);
    snprintf(b, sizeof(b), "%s.bias", openai ? openai : "");
    put(m, a, openai ? b : NULL, IO_CLIP_SAME, SHAPE(weight.dims[0]), bias);
}

static void put_norm(struct making *m, const char *name, const char *openai, uint64_t width)
{
    put_pair(m, name, openai, SHAPE(width), constant(1), constant(0));
}

/* ---- the towers ---- */

static void put_attention(struct making *m, uint64_t d, const struct starts *starts)
{
    static const char letters[] = "qkv";
    char name[64];
    for (int i = 0; i < 3; i++) {
        enum io_clip_form form = (enum io_clip_form)(IO_CLIP_Q + i);
        snprintf(name, sizeof(name), "self_attn.%c_proj.weight", letters[i]);
        put(m, name, "attn.in_proj_weight", form, SHAPE(d, d), starts->qkv);
        snprintf(name, sizeof(name), "self_attn.%c_proj.bias", letters[i]);
        put(m, name, "attn.in_proj_bias", form, SHAPE(d), constant(0));
    }
    put_pair(m, "self_attn.out_proj", "attn.out_proj", SHAPE(d, d), starts->out, constant(0));
}

static void put_blocks(struct making *m, const struct io_tower_config *c, const char *tower, const char *openai,
                       struct starts starts)
{
    uint64_t d = c->width, mlp = c->mlp;
    char p[96], o[64];
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(o, sizeof(o), "%stransformer.resblocks.%u.", openai, i);
        snprintf(p, sizeof(p), "%s.encoder.layers.%u.", tower, i);
        begin(m, p, o);
        put_norm(m, "layer_norm1", "ln_1", d);
        put_attention(m, d, &starts);
        put_norm(m, "layer_norm2", "ln_2", d);
        put_pair(m, "mlp.fc1", "mlp.c_fc", SHAPE(mlp, d), starts.fc1, linear(c->width));
        put_pair(m, "mlp.fc2", "mlp.c_proj", SHAPE(d, mlp), starts.fc2, linear(c->mlp));
    }
}

static void put_vision(struct making *m, const struct io_clip_config *c)
{
    const struct io_tower_config *tower = &c->vision.tower;
    uint64_t d = tower->width, p = c->vision.patch, grid = c->vision.image / c->vision.patch;
    struct start start = normal(1 / sqrt(tower->width));
    begin(m, "vision_model.embeddings.", "visual.");
    put(m, "patch_embedding.weight", "conv1.weight", IO_CLIP_SAME, SHAPE(d, 3, p, p), linear(3.0 * (double)(p * p)));
    put(m, "class_embedding", "class_embedding", IO_CLIP_SAME, SHAPE(d), start);
    begin(m, "", "visual.");
    put(m, IO_CLIP_VISION_POSITIONS, "positional_embedding", IO_CLIP_SAME, SHAPE(grid * grid + 1, d), start);
    put(m, "visual_projection.weight", "proj", IO_CLIP_TRANSPOSED, SHAPE(c->embed, d), start);
    begin(m, "vision_model.", "visual.");
    put_norm(m, "pre_layrnorm", "ln_pre", d); /* the name in every published file */
    put_norm(m, "post_layernorm", "ln_post", d);
    put_blocks(m, tower, "vision_model", "visual.", vision_starts(tower));
}

static void put_text(struct making *m, const struct io_clip_config *c)
{
    const struct io_tower_config *tower = &c->text.tower;
    uint64_t d = tower->width;
    begin(m, "text_model.", "");
    put(m, "embeddings.token_embedding.weight", "token_embedding.weight", IO_CLIP_SAME, SHAPE(c->text.vocab, d),
        normal(0.02));
    put_norm(m, "final_layer_norm", "ln_final", d);
    begin(m, "", "");
    put(m, IO_CLIP_TEXT_POSITIONS, "positional_embedding", IO_CLIP_SAME, SHAPE(c->text.context, d), normal(0.01));
    put(m, "text_projection.weight", "text_projection", IO_CLIP_TRANSPOSED, SHAPE(c->embed, d),
        normal(1 / sqrt(tower->width)));
    put_blocks(m, tower, "text_model", "", text_starts(tower));
}

/* What the losses have: the scale of all CLIP models, and what a model's config.json names. */
static void put_scalars(struct making *m, const struct io_clip_config *c)
{
    begin(m, "", "");
    put(m, "logit_scale", "logit_scale", IO_CLIP_SAME, (struct shape){0}, constant(c->logit_scale_init));
    for (uint32_t i = 0; i < c->scalars; i++)
        put(m, c->scalar[i].name, NULL, IO_CLIP_SAME, (struct shape){0}, constant(c->scalar[i].init));
}

/* EmoCLIP's, its initial values: N(0,1), and PyTorch's for linear layers. */
static void put_temporal(struct making *m, const struct io_temporal_config *c, uint32_t embed)
{
    uint64_t inner = (uint64_t)c->heads * c->head_dim;
    struct start wide = linear(embed), narrow = linear(c->mlp), heads = linear((double)inner);
    char p[96];
    begin(m, "temporal.", "");
    put(m, "cls_token", NULL, IO_CLIP_SAME, SHAPE(1, 1, embed), normal(1));
    put(m, "pos_embedding", NULL, IO_CLIP_SAME, SHAPE(1, c->max_frames, embed), normal(1));
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(p, sizeof(p), "temporal.temporal_transformer.layers.%u.", i);
        begin(m, p, "");
        put_norm(m, "0.fn.norm", NULL, embed);
        put(m, "0.fn.fn.to_qkv.weight", NULL, IO_CLIP_SAME, SHAPE(3 * inner, embed), wide);
        put_pair(m, "0.fn.fn.to_out.0", NULL, SHAPE(embed, inner), heads, heads);
        put_norm(m, "1.fn.norm", NULL, embed);
        put_pair(m, "1.fn.fn.net.0", NULL, SHAPE(c->mlp, embed), wide, wide);
        put_pair(m, "1.fn.fn.net.3", NULL, SHAPE(embed, c->mlp), narrow, narrow);
    }
}

/* Named as PyTorch names a Sequential of Linear, ReLU and Linear; its initial values. */
static void put_head(struct making *m, const struct io_head_config *c, uint32_t embed)
{
    begin(m, "head.", "");
    put_pair(m, "0", NULL, SHAPE(c->hidden, embed), linear(embed), linear(embed));
    put_pair(m, "2", NULL, SHAPE(c->targets, c->hidden), linear(c->hidden), linear(c->hidden));
}

/* ---- the list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct io_clip_tensor *)a)->name, ((const struct io_clip_tensor *)b)->name);
}

enum mien_status io_clip_tensors_list(const struct io_clip_config *config, struct io_clip_tensors *out)
{
    struct making m = {.list = out, .status = MIEN_OK};
    *out = (struct io_clip_tensors){0};
    put_vision(&m, config);
    put_text(&m, config);
    put_scalars(&m, config);
    if (config->temporal.layers)
        put_temporal(&m, &config->temporal, config->embed);
    if (config->head.kind)
        put_head(&m, &config->head, config->embed);
    if (m.status == MIEN_OK)
        qsort(out->items, out->count, sizeof(*out->items), by_name);
    else
        io_clip_tensors_clear(out);
    return m.status;
}

void io_clip_tensors_clear(struct io_clip_tensors *list)
{
    base_free(list->items);
    base_arena_clear(&list->arena);
    *list = (struct io_clip_tensors){0};
}

const struct io_clip_tensor *io_clip_tensors_find(const struct io_clip_tensors *list, const char *name)
{
    struct io_clip_tensor key = {.name = name};
    return list->count ? bsearch(&key, list->items, list->count, sizeof(key), by_name) : NULL;
}

bool io_clip_is_buffer(const char *name)
{
    static const char *const buffers[] = {"position_ids", "attn_mask", "input_resolution", "context_length",
                                          "vocab_size"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; i < BASE_COUNT(buffers); i++)
        if (strcmp(dot ? dot + 1 : name, buffers[i]) == 0)
            return true;
    return false;
}
