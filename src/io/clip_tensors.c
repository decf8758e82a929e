/* clip_tensors.c: the list of names and shapes. */
#include "io/clip_tensors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    uint32_t rank;
    uint64_t dims[4];
};

#define SHAPE(...) ((struct shape){sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), {__VA_ARGS__}})

/* names are prefix + "." + last part; an empty prefix is left out */
static enum mien_status put(struct io_clip_tensors *list, enum io_clip_form form, struct shape shape,
                            const char *prefix, const char *name, const char *openai_prefix, const char *openai)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items)));
    struct io_clip_tensor *t = &list->items[list->count];
    *t = (struct io_clip_tensor){.form = form, .rank = shape.rank, .count = 1};
    memcpy(t->dims, shape.dims, sizeof(t->dims));
    for (uint32_t i = 0; i < t->rank; i++)
        t->count *= t->dims[i];
    t->name = base_arena_printf(&list->arena, "%s%s%s", prefix, prefix[0] ? "." : "", name);
    t->openai = base_arena_printf(&list->arena, "%s%s%s", openai_prefix, openai_prefix[0] ? "." : "", openai);
    FAIL_IF(!t->name || !t->openai, MIEN_ERR_NOMEM, "out of host memory for the names of tensors");
    list->elements += t->count;
    list->count++;
fail:
    return status;
}

/* weight and bias of a norm or a linear layer */
static enum mien_status put_pair(struct io_clip_tensors *list, struct shape weight, const char *prefix,
                                 const char *name, const char *openai_prefix, const char *openai)
{
    static const char *const parts[] = {"weight", "bias"};
    enum mien_status status = MIEN_OK;
    char a[128], b[128];
    for (int i = 0; i < 2; i++) {
        snprintf(a, sizeof(a), "%s.%s", name, parts[i]);
        snprintf(b, sizeof(b), "%s.%s", openai, parts[i]);
        TRY(put(list, IO_CLIP_SAME, i == 0 ? weight : SHAPE(weight.dims[0]), prefix, a, openai_prefix,
                openai[0] ? b : ""));
    }
fail:
    return status;
}

static enum mien_status put_attention(struct io_clip_tensors *list, uint64_t d, const char *p, const char *o)
{
    static const char letters[] = "qkv";
    enum mien_status status = MIEN_OK;
    char name[64];
    for (int i = 0; i < 3; i++) {
        enum io_clip_form form = (enum io_clip_form)(IO_CLIP_Q + i);
        snprintf(name, sizeof(name), "self_attn.%c_proj.weight", letters[i]);
        TRY(put(list, form, SHAPE(d, d), p, name, o, "attn.in_proj_weight"));
        snprintf(name, sizeof(name), "self_attn.%c_proj.bias", letters[i]);
        TRY(put(list, form, SHAPE(d), p, name, o, "attn.in_proj_bias"));
    }
    TRY(put_pair(list, SHAPE(d, d), p, "self_attn.out_proj", o, "attn.out_proj"));
fail:
    return status;
}

static enum mien_status put_blocks(struct io_clip_tensors *list, const struct io_tower_config *c, const char *tower,
                                   const char *openai)
{
    enum mien_status status = MIEN_OK;
    uint64_t d = c->width, mlp = c->mlp;
    char p[96], o[96];
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(p, sizeof(p), "%s.encoder.layers.%u", tower, i);
        snprintf(o, sizeof(o), "%stransformer.resblocks.%u", openai, i);
        TRY(put_pair(list, SHAPE(d), p, "layer_norm1", o, "ln_1"));
        TRY(put_attention(list, d, p, o));
        TRY(put_pair(list, SHAPE(d), p, "layer_norm2", o, "ln_2"));
        TRY(put_pair(list, SHAPE(mlp, d), p, "mlp.fc1", o, "mlp.c_fc"));
        TRY(put_pair(list, SHAPE(d, mlp), p, "mlp.fc2", o, "mlp.c_proj"));
    }
fail:
    return status;
}

static enum mien_status put_vision(struct io_clip_tensors *list, const struct io_clip_config *c)
{
    enum mien_status status = MIEN_OK;
    uint64_t d = c->vision.tower.width, p = c->vision.patch, grid = c->vision.image / c->vision.patch;
    TRY(put(list, IO_CLIP_SAME, SHAPE(d, 3, p, p), "vision_model.embeddings", "patch_embedding.weight", "visual",
            "conv1.weight"));
    TRY(put(list, IO_CLIP_SAME, SHAPE(d), "vision_model.embeddings", "class_embedding", "visual", "class_embedding"));
    TRY(put(list, IO_CLIP_SAME, SHAPE(grid * grid + 1, d), "", IO_CLIP_VISION_POSITIONS, "visual",
            "positional_embedding"));
    /* the name in every published file */
    TRY(put_pair(list, SHAPE(d), "vision_model", "pre_layrnorm", "visual", "ln_pre"));
    TRY(put_blocks(list, &c->vision.tower, "vision_model", "visual."));
    TRY(put_pair(list, SHAPE(d), "vision_model", "post_layernorm", "visual", "ln_post"));
    TRY(put(list, IO_CLIP_TRANSPOSED, SHAPE(c->embed, d), "", "visual_projection.weight", "visual", "proj"));
fail:
    return status;
}

static enum mien_status put_text(struct io_clip_tensors *list, const struct io_clip_config *c)
{
    enum mien_status status = MIEN_OK;
    uint64_t d = c->text.tower.width;
    TRY(put(list, IO_CLIP_SAME, SHAPE(c->text.vocab, d), "text_model.embeddings", "token_embedding.weight", "",
            "token_embedding.weight"));
    TRY(put(list, IO_CLIP_SAME, SHAPE(c->text.context, d), "", IO_CLIP_TEXT_POSITIONS, "", "positional_embedding"));
    TRY(put_blocks(list, &c->text.tower, "text_model", ""));
    TRY(put_pair(list, SHAPE(d), "text_model", "final_layer_norm", "", "ln_final"));
    TRY(put(list, IO_CLIP_TRANSPOSED, SHAPE(c->embed, d), "", "text_projection.weight", "", "text_projection"));
    TRY(put(list, IO_CLIP_SAME, (struct shape){0}, "", "logit_scale", "", "logit_scale"));
fail:
    return status;
}

static enum mien_status put_temporal(struct io_clip_tensors *list, const struct io_temporal_config *c, uint64_t embed)
{
    enum mien_status status = MIEN_OK;
    uint64_t inner = (uint64_t)c->heads * c->head_dim;
    char p[96];
    TRY(put(list, IO_CLIP_SAME, SHAPE(1, 1, embed), "temporal", "cls_token", "", ""));
    TRY(put(list, IO_CLIP_SAME, SHAPE(1, c->max_frames, embed), "temporal", "pos_embedding", "", ""));
    for (uint32_t i = 0; i < c->layers; i++) {
        snprintf(p, sizeof(p), "temporal.temporal_transformer.layers.%u", i);
        TRY(put_pair(list, SHAPE(embed), p, "0.fn.norm", "", ""));
        TRY(put(list, IO_CLIP_SAME, SHAPE(3 * inner, embed), p, "0.fn.fn.to_qkv.weight", "", ""));
        TRY(put_pair(list, SHAPE(embed, inner), p, "0.fn.fn.to_out.0", "", ""));
        TRY(put_pair(list, SHAPE(embed), p, "1.fn.norm", "", ""));
        TRY(put_pair(list, SHAPE(c->mlp, embed), p, "1.fn.fn.net.0", "", ""));
        TRY(put_pair(list, SHAPE(embed, c->mlp), p, "1.fn.fn.net.3", "", ""));
    }
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct io_clip_tensor *)a)->name, ((const struct io_clip_tensor *)b)->name);
}

enum mien_status io_clip_tensors_list(const struct io_clip_config *config, struct io_clip_tensors *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct io_clip_tensors){0};
    TRY(put_vision(out, config));
    TRY(put_text(out, config));
    if (config->temporal.layers)
        TRY(put_temporal(out, &config->temporal, config->embed));
    qsort(out->items, out->count, sizeof(*out->items), by_name);
    return MIEN_OK;
fail:
    io_clip_tensors_clear(out);
    return status;
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
