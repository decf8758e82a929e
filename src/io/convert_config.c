/* convert_config.c: a model's sizes from the shapes of its tensors, and what no shape tells: heads, activation,
 * preprocessing. */
#include "io/convert.h"

#include <math.h>
#include <string.h>

enum { HEAD = 64, EMOCLIP_HEADS = 8, MOST = 1 << 24 };

/* What stands in the place of a tensor that is none, or NULL. */
static const char *missing_as(const struct io_conversion *c, const char *name)
{
    char full[600];
    snprintf(full, sizeof(full), "%s%s", c->prefix, name);
    return io_weights_opaque(c->weights, full);
}

/* The dims of a tensor that the model must have, of that rank; at most MOST each. */
static enum mien_status need(const struct io_conversion *c, const char *name, uint32_t rank, uint32_t dims[4])
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor *t = io_conversion_openai(c, name);
    FAIL_IF(!t, MIEN_ERR_DATA, "%s: tensor %s is missing%s%s; Mien converts CLIP models with a ViT",
            io_weights_path(c->weights), name, missing_as(c, name) ? ": there is a " : "",
            missing_as(c, name) ? missing_as(c, name) : "");
    FAIL_IF(t->rank != rank, MIEN_ERR_DATA, "%s: tensor %s has %u dimensions, not %u", io_weights_path(c->weights),
            t->name, t->rank, rank);
    for (uint32_t i = 0; i < rank; i++) {
        FAIL_IF(t->dims[i] == 0 || t->dims[i] > MOST, MIEN_ERR_DATA, "%s: tensor %s: a dimension of %llu is impossible",
                io_weights_path(c->weights), t->name, (unsigned long long)t->dims[i]);
        dims[i] = (uint32_t)t->dims[i];
    }
fail:
    return status;
}

/* Layers are counted by their first norm. */
static enum mien_status tower_sizes(const struct io_conversion *c, const char *tower, uint32_t width,
                                    struct io_tower_config *out)
{
    enum mien_status status = MIEN_OK;
    char name[128];
    uint32_t dims[4];
    *out = (struct io_tower_config){.width = width, .eps = 1e-5};
    do {
        snprintf(name, sizeof(name), "%stransformer.resblocks.%u.ln_1.weight", tower, out->layers);
    } while (io_conversion_openai(c, name) && ++out->layers < MOST);
    snprintf(name, sizeof(name), "%stransformer.resblocks.0.mlp.c_fc.weight", tower);
    TRY(need(c, name, 2, dims));
    out->mlp = dims[0];
    out->heads = width / HEAD;
fail:
    return status;
}

static enum mien_status vision_sizes(struct io_conversion *c)
{
    enum mien_status status = MIEN_OK;
    uint32_t conv[4], positions[4];
    const char *path = io_weights_path(c->weights);
    FAIL_IF(io_conversion_openai(c, "visual.attnpool.positional_embedding"), MIEN_ERR_DATA,
            "%s: the image tower is a ResNet; Mien converts CLIP models with a ViT", path);
    TRY(need(c, "visual.conv1.weight", 4, conv));
    TRY(need(c, "visual.positional_embedding", 2, positions));
    uint32_t grid = (uint32_t)lround(sqrt((double)positions[0] - 1));
    FAIL_IF(conv[1] != 3 || conv[2] != conv[3], MIEN_ERR_DATA,
            "%s: visual.conv1.weight has %u channels and patches of %u x %u; 3 and a square are needed", path, conv[1],
            conv[2], conv[3]);
    FAIL_IF(grid == 0 || grid * grid + 1 != positions[0], MIEN_ERR_DATA,
            "%s: visual.positional_embedding has %u rows; a square of patches and one more are needed", path,
            positions[0]);
    c->from.vision.patch = conv[3];
    c->from.vision.image = conv[3] * grid;
    TRY(tower_sizes(c, "visual.", conv[0], &c->from.vision.tower));
fail:
    return status;
}

static enum mien_status text_sizes(struct io_conversion *c)
{
    enum mien_status status = MIEN_OK;
    uint32_t tokens[4], positions[4], projection[4];
    TRY(need(c, "token_embedding.weight", 2, tokens));
    TRY(need(c, "positional_embedding", 2, positions));
    TRY(need(c, "text_projection", 2, projection));
    c->from.text.vocab = tokens[0];
    c->from.text.context = positions[0];
    c->from.embed = projection[1];
    c->from.text.bos = tokens[0] - BASE_MIN(tokens[0], 2u); /* the last two ids, as CLIP numbers them; a tokenizer */
    c->from.text.eos = tokens[0] - 1;                       /* that is found says it better */
    c->from.text.pad = BASE_MIN(1u, tokens[0] - 1);
    TRY(tower_sizes(c, "", tokens[1], &c->from.text.tower));
fail:
    return status;
}

static enum mien_status temporal_sizes(struct io_conversion *c)
{
    enum mien_status status = MIEN_OK;
    struct io_temporal_config *t = &c->from.temporal;
    const char *path = io_weights_path(c->weights);
    char name[400];
    const struct io_tensor *found[3];
    static const char *const parts[] = {"pos_embedding", "temporal_transformer.layers.0.0.fn.fn.to_qkv.weight",
                                        "temporal_transformer.layers.0.1.fn.fn.net.0.weight"};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%stemporal.%s", c->outer, parts[i]);
        found[i] = io_weights_find(c->weights, name);
        FAIL_IF(!found[i] || found[i]->rank < 2 || found[i]->dims[0] > MOST || found[i]->dims[1] > MOST, MIEN_ERR_DATA,
                "%s: tensor %s is missing or misshapen", path, name);
    }
    uint64_t inner = found[1]->dims[0] / 3;
    FAIL_IF(inner == 0 || inner % EMOCLIP_HEADS || found[1]->dims[0] % 3, MIEN_ERR_DATA,
            "%s: tensor %s has %llu rows; three times %d heads are needed", path, found[1]->name,
            (unsigned long long)found[1]->dims[0], EMOCLIP_HEADS);
    *t = (struct io_temporal_config){.heads = EMOCLIP_HEADS, .head_dim = (uint32_t)(inner / EMOCLIP_HEADS)};
    t->max_frames = (uint32_t)found[0]->dims[1];
    t->mlp = (uint32_t)found[2]->dims[0];
    do {
        snprintf(name, sizeof(name), "%stemporal.temporal_transformer.layers.%u.0.fn.norm.weight", c->outer, t->layers);
    } while (io_weights_find(c->weights, name) && ++t->layers < MOST);
fail:
    return status;
}

/* ---- open_clip_config.json ---- */

/* A key whose value changes the model without changing any shape; other values than `only` are refused. */
static enum mien_status refuse_other(const cJSON *object, const char *key, const char *only, const char *where)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item || cJSON_IsNull(item) || cJSON_IsFalse(item))
        return MIEN_OK;
    if (cJSON_IsString(item) && strcmp(item->valuestring, only) == 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA, "%s: \"%s\" has a value that Mien's towers do not follow%s%s", where, key,
                     *only ? "; they do " : "", only);
}

static enum mien_status open_clip_vision(const cJSON *model, const char *path, struct io_tower_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *part = NULL;
    uint32_t head = HEAD;
    TRY(base_json_object(model, "vision_cfg", path, &part));
    if (!part)
        return MIEN_OK;
    TRY(base_json_u32(part, "head_width", path, &head));
    FAIL_IF(head == 0, MIEN_ERR_DATA, "%s: vision_cfg: head_width is 0", path);
    out->heads = out->width / head;
    TRY(refuse_other(part, "pool_type", "tok", path));
    TRY(refuse_other(part, "final_ln_after_pool", "", path));
    TRY(refuse_other(part, "attentional_pool", "", path));
    TRY(refuse_other(part, "norm_kwargs", "", path));
    TRY(refuse_other(part, "act_kwargs", "", path));
fail:
    return status;
}

static enum mien_status open_clip_text(const cJSON *model, const char *path, struct io_tower_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *part = NULL;
    TRY(base_json_object(model, "text_cfg", path, &part));
    if (!part)
        return MIEN_OK;
    TRY(base_json_u32(part, "heads", path, &out->heads));
    TRY(refuse_other(part, "pool_type", "argmax", path));
    TRY(refuse_other(part, "no_causal_mask", "", path));
    TRY(refuse_other(part, "norm_kwargs", "", path));
    TRY(refuse_other(part, "act_kwargs", "", path));
fail:
    return status;
}

static enum mien_status three(const cJSON *object, const char *key, const char *path, float out[3])
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL;
    TRY(base_json_array(object, key, path, &list));
    for (int i = 0; list && i < 3; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        FAIL_IF(!cJSON_IsNumber(item) || cJSON_GetArraySize(list) != 3, MIEN_ERR_DATA, "%s: \"%s\" needs three numbers",
                path, key);
        out[i] = (float)item->valuedouble;
    }
fail:
    return status;
}

static enum mien_status open_clip_preprocess(const cJSON *json, const char *path, struct io_preprocess *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *part = NULL;
    TRY(base_json_object(json, "preprocess_cfg", path, &part));
    if (!part)
        return MIEN_OK;
    TRY(three(part, "mean", path, out->mean));
    TRY(three(part, "std", path, out->std));
    TRY(io_preprocess_check(out, path));
    TRY(refuse_other(part, "interpolation", "bicubic", path));
    TRY(refuse_other(part, "resize_mode", "shortest", path));
fail:
    return status;
}

/* *act: -1 when there is no such file. The model's part may stand alone, as in open_clip's own model_configs. */
static enum mien_status open_clip_config(struct io_conversion *c, int *act)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *model = NULL;
    bool quick = false;
    char *path = base_path_join(c->dir, "open_clip_config.json");
    *act = -1;
    FAIL_IF_NULL(path, "a path");
    if (base_file_exists(path)) {
        TRY(base_json_read(path, &json));
        TRY(base_json_object(json, "model_cfg", path, &model));
        model = model ? model : json;
        TRY(base_json_bool(model, "quick_gelu", path, &quick));
        TRY(open_clip_vision(model, path, &c->from.vision.tower));
        TRY(open_clip_text(model, path, &c->from.text.tower));
        TRY(open_clip_preprocess(json, path, &c->preprocess));
        *act = quick ? IO_ACT_QUICK_GELU : IO_ACT_GELU;
    }
fail:
    cJSON_Delete(json);
    base_free(path);
    return status;
}

/* ---- the activation ---- */

static enum mien_status choose_act(const struct io_conversion *c, int told, enum io_act *out)
{
    const char *path = io_weights_path(c->weights);
    *out = told >= 0 ? (enum io_act)told : IO_ACT_QUICK_GELU;
    if (told >= 0 || c->naming == IO_NAMING_EMOCLIP)
        return MIEN_OK;
    if (c->naming == IO_NAMING_OPEN_CLIP)
        return base_fail(MIEN_ERR_ARG,
                         "%s: nothing tells which activation the weights were trained with, and there is no "
                         "open_clip_config.json beside them; say --act quick_gelu (OpenAI's weights and names with "
                         "-quickgelu) or --act gelu (the others of open_clip)",
                         path);
    if (!io_conversion_openai(c, "input_resolution"))
        LOG_WARN("%s: read as OpenAI's weights, with activation quick_gelu; open_clip's own need --act gelu", path);
    return MIEN_OK;
}

static enum mien_status wished_act(const char *word, int *out)
{
    *out = word && strcmp(word, "quick_gelu") == 0 ? IO_ACT_QUICK_GELU
           : word && strcmp(word, "gelu") == 0     ? IO_ACT_GELU
                                                   : -1;
    if (word && *out < 0)
        return base_fail(MIEN_ERR_ARG, "the activation \"%s\" is not known; quick_gelu or gelu", word);
    return MIEN_OK;
}

static enum mien_status check_heads(const struct io_conversion *c, const char *tower, const struct io_tower_config *t)
{
    if (t->heads == 0 || t->width % t->heads)
        return base_fail(MIEN_ERR_DATA,
                         "%s: the %s tower's width %u is not a multiple of %d, which CLIP's heads are wide; state the "
                         "heads in open_clip_config.json beside the file",
                         io_weights_path(c->weights), tower, t->width, HEAD);
    return MIEN_OK;
}

static enum mien_status openai_sizes(struct io_conversion *c, int act)
{
    enum mien_status status = MIEN_OK;
    int told = -1;
    enum io_act chosen;
    TRY(vision_sizes(c));
    TRY(text_sizes(c));
    if (c->naming == IO_NAMING_EMOCLIP)
        TRY(temporal_sizes(c));
    io_preprocess_default(c->from.vision.image, &c->preprocess);
    c->preprocess.torch_resize = c->naming == IO_NAMING_EMOCLIP; /* as its code resizes frames */
    if (c->naming != IO_NAMING_EMOCLIP)
        TRY(open_clip_config(c, &told));
    TRY(check_heads(c, "image", &c->from.vision.tower));
    TRY(check_heads(c, "text", &c->from.text.tower));
    TRY(choose_act(c, act >= 0 ? act : told, &chosen));
    c->from.vision.tower.act = c->from.text.tower.act = chosen;
    c->from.logit_scale_init = 2.6592;
fail:
    return status;
}

/* A scalar that a sigmoid loss has added, under the same name in all namings: the file has it, whatever its config
 * says.
 */
static enum mien_status add_scalars(struct io_conversion *c)
{
    static const struct io_scalar known[] = {{.name = "logit_bias", .init = -10}, {{0}, 0}};
    char name[300];
    snprintf(name, sizeof(name), "%s%s", c->outer, known[0].name);
    if (!io_weights_find(c->weights, name) || io_clip_scalar(&c->from, known[0].name))
        return MIEN_OK;
    return io_clip_scalars_add(&c->from, known);
}

/* Hugging Face's names tell neither heads nor activation. */
static enum mien_status need_config(const struct io_conversion *c)
{
    bool there = base_file_exists_in(c->dir, "config.json");
    return there
               ? MIEN_OK
               : base_fail(MIEN_ERR_DATA,
                           "%s: its tensors have Hugging Face's names, and no config.json lies beside it to tell heads "
                           "and activation; put that of the model there",
                           io_weights_path(c->weights));
}

static enum mien_status named_sizes(struct io_conversion *c, const struct io_convert_wish *wish)
{
    enum mien_status status = MIEN_OK;
    int act;
    TRY(wished_act(wish->act, &act));
    if (c->naming != IO_NAMING_HF) {
        TRY(openai_sizes(c, act));
        return MIEN_OK;
    }
    TRY(need_config(c));
    TRY(io_clip_config_read(c->dir, &c->from, &c->extra));
    TRY(io_preprocess_read(c->dir, c->from.vision.image, &c->preprocess));
    if (act >= 0)
        c->from.vision.tower.act = c->from.text.tower.act = (enum io_act)act;
fail:
    return status;
}

enum mien_status io_conversion_sizes(struct io_conversion *c, const struct io_convert_wish *wish)
{
    enum mien_status status = named_sizes(c, wish);
    return status == MIEN_OK ? add_scalars(c) : status;
}
