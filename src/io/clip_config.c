/* clip_config.c: config.json of a Hugging Face CLIP model. */
#include "io/model_dir.h"
#include "io/safetensors.h"

#include <math.h>
#include <string.h>

static const char *const act_words[] = {"quick_gelu", "gelu", NULL};

/* Keys that CLIPConfig and its parts know (inherited ones that do nothing here included). */
#define COMMON_KEYS                                                                                                    \
    "model_type", "architectures", "torch_dtype", "dtype", "transformers_version", "initializer_factor",               \
        "initializer_range", "dropout", "attention_dropout", "return_dict", "output_attentions",                       \
        "output_hidden_states", "_name_or_path"
#define TOWER_KEYS                                                                                                     \
    COMMON_KEYS, "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act",         \
        "layer_norm_eps", "projection_dim"

static const char *const top_keys[] = {COMMON_KEYS,
                                       "text_config",
                                       "vision_config",
                                       "text_config_dict",
                                       "vision_config_dict",
                                       "projection_dim",
                                       "logit_scale_init_value",
                                       "mien",
                                       NULL};
static const char *const text_keys[] = {
    TOWER_KEYS, "vocab_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", NULL};
static const char *const vision_keys[] = {TOWER_KEYS, "image_size", "patch_size", "num_channels", NULL};
static const char *const temporal_keys[] = {"layers", "heads", "head_dim", "mlp", "max_frames", NULL};

void io_clip_config_default(struct io_clip_config *out)
{
    memset(out, 0, sizeof(*out));
    out->text.tower = (struct io_tower_config){512, 2048, 12, 8, IO_ACT_QUICK_GELU, 1e-5};
    out->text.vocab = 49408;
    out->text.context = 77;
    out->text.bos = 49406;
    out->text.eos = 49407;
    out->text.pad = 1;
    out->vision.tower = (struct io_tower_config){768, 3072, 12, 12, IO_ACT_QUICK_GELU, 1e-5};
    out->vision.image = 224;
    out->vision.patch = 32;
    out->embed = 512;
    out->logit_scale_init = 2.6592;
}

void io_temporal_config_default(struct io_temporal_config *out)
{
    *out = (struct io_temporal_config){.layers = 2, .heads = 8, .head_dim = 2048, .mlp = 512, .max_frames = 1024};
}

static enum mien_status parse_tower(const cJSON *object, const char *where, struct io_tower_config *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t act = t->act;
    TRY(base_json_u32(object, "hidden_size", where, &t->width));
    TRY(base_json_u32(object, "intermediate_size", where, &t->mlp));
    TRY(base_json_u32(object, "num_hidden_layers", where, &t->layers));
    TRY(base_json_u32(object, "num_attention_heads", where, &t->heads));
    TRY(base_json_number(object, "layer_norm_eps", where, &t->eps));
    TRY(base_json_choice(object, "hidden_act", where, act_words, &act));
    t->act = (enum io_act)act;
fail:
    return status;
}

static enum mien_status parse_text(const cJSON *object, const char *where, bool strict, struct io_clip_config *c)
{
    enum mien_status status = MIEN_OK;
    if (strict)
        TRY(base_json_only(object, where, text_keys));
    TRY(parse_tower(object, where, &c->text.tower));
    TRY(base_json_u32(object, "vocab_size", where, &c->text.vocab));
    TRY(base_json_u32(object, "max_position_embeddings", where, &c->text.context));
    TRY(base_json_u32(object, "bos_token_id", where, &c->text.bos));
    TRY(base_json_u32(object, "eos_token_id", where, &c->text.eos));
    TRY(base_json_u32(object, "pad_token_id", where, &c->text.pad));
fail:
    return status;
}

static enum mien_status parse_vision(const cJSON *object, const char *where, bool strict, struct io_clip_config *c)
{
    enum mien_status status = MIEN_OK;
    uint32_t channels = 3;
    if (strict)
        TRY(base_json_only(object, where, vision_keys));
    TRY(parse_tower(object, where, &c->vision.tower));
    TRY(base_json_u32(object, "image_size", where, &c->vision.image));
    TRY(base_json_u32(object, "patch_size", where, &c->vision.patch));
    TRY(base_json_u32(object, "num_channels", where, &channels));
    FAIL_IF(channels != 3, MIEN_ERR_DATA, "%s: num_channels is %u; Mien reads RGB images, 3 channels", where, channels);
fail:
    return status;
}

static enum mien_status check_temporal(const struct io_temporal_config *t, const char *where)
{
    enum { MOST = 1 << 18 };
    if (t->layers == 0 || t->heads == 0 || t->head_dim == 0 || t->mlp == 0 || t->max_frames < 2)
        return base_fail(MIEN_ERR_DATA, "%s: temporal: a size is 0, or max_frames below 2", where);
    if (t->layers > 1024 || t->heads > MOST || t->head_dim > MOST / t->heads || t->mlp > MOST || t->max_frames > MOST)
        return base_fail(MIEN_ERR_DATA,
                         "%s: temporal: %u layers, %u heads of %u, mlp %u or max_frames %u is beyond reason", where,
                         t->layers, t->heads, t->head_dim, t->mlp, t->max_frames);
    return MIEN_OK;
}

enum mien_status io_temporal_config_parse(const cJSON *object, const char *where, struct io_temporal_config *out)
{
    enum mien_status status = MIEN_OK;
    io_temporal_config_default(out);
    TRY(base_json_only(object, where, temporal_keys));
    TRY(base_json_u32(object, "layers", where, &out->layers));
    TRY(base_json_u32(object, "heads", where, &out->heads));
    TRY(base_json_u32(object, "head_dim", where, &out->head_dim));
    TRY(base_json_u32(object, "mlp", where, &out->mlp));
    TRY(base_json_u32(object, "max_frames", where, &out->max_frames));
    TRY(check_temporal(out, where));
fail:
    return status;
}

static bool is_scalar(const char *key)
{
    return strncmp(key, "logit_", 6) == 0 && strcmp(key, "logit_scale") != 0;
}

const struct io_scalar *io_clip_scalar(const struct io_clip_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->scalars; i++) {
        if (strcmp(config->scalar[i].name, name) == 0)
            return &config->scalar[i];
    }
    return NULL;
}

enum mien_status io_clip_scalars_add(struct io_clip_config *config, const struct io_scalar *scalars)
{
    for (const struct io_scalar *add = scalars; add && add->name[0]; add++) {
        uint32_t i = 0;
        while (i < config->scalars && strcmp(config->scalar[i].name, add->name) != 0)
            i++;
        if (i == IO_SCALARS_MAX)
            return base_fail(MIEN_ERR_ARG, "a model has at most %d scalars of losses; %s is one too many",
                             IO_SCALARS_MAX, add->name);
        config->scalar[i] = *add;
        config->scalars = BASE_MAX(config->scalars, i + 1);
    }
    return MIEN_OK;
}

/* "logit_bias": true says that there is a tensor of that name. */
static enum mien_status parse_scalars(const cJSON *mien, const char *where, struct io_clip_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, mien)
    {
        struct io_scalar scalar[2] = {0};
        bool there = false;
        if (!is_scalar(item->string))
            continue;
        TRY(base_json_bool(mien, item->string, where, &there));
        if (!there)
            continue;
        FAIL_IF(out->scalars == IO_SCALARS_MAX || strlen(item->string) >= sizeof(scalar->name), MIEN_ERR_DATA,
                "%s: \"%.64s\" is too long, or more than the %d scalars of losses that a model can have", where,
                item->string, IO_SCALARS_MAX);
        strcpy(scalar->name, item->string);
        TRY(io_clip_scalars_add(out, scalar));
    }
fail:
    return status;
}

/* "mien": what Hugging Face has no field for; other keys in it are somebody else's. */
static enum mien_status parse_mien(const cJSON *object, const char *where, struct io_clip_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *mien = NULL, *temporal = NULL, *head = NULL;
    char place[512];
    snprintf(place, sizeof(place), "%s: mien", where);
    TRY(base_json_object(object, "mien", where, &mien));
    if (mien) {
        TRY(base_json_object(mien, "temporal", place, &temporal));
        TRY(base_json_object(mien, "head", place, &head));
        TRY(parse_scalars(mien, place, out));
    }
    snprintf(place, sizeof(place), "%s: mien.temporal", where);
    if (temporal)
        TRY(io_temporal_config_parse(temporal, place, &out->temporal));
    snprintf(place, sizeof(place), "%s: mien.head", where);
    if (head)
        TRY(io_head_config_parse(head, place, &out->head));
fail:
    return status;
}

/* The part under `key`, then the older `key`_dict, which transformers lets win; either may be missing or null. */
static enum mien_status parse_part(const cJSON *object, const char *key, const char *where, bool strict,
                                   enum mien_status (*parse)(const cJSON *, const char *, bool,
                                                             struct io_clip_config *),
                                   struct io_clip_config *c)
{
    static const char *const suffix[] = {"", "_dict"};
    enum mien_status status = MIEN_OK;
    for (int i = 0; i < 2; i++) {
        char name[32], place[512];
        snprintf(name, sizeof(name), "%s%s", key, suffix[i]);
        snprintf(place, sizeof(place), "%s: %s", where, name);
        const cJSON *part = base_json_member(object, name);
        if (part)
            TRY(parse(part, place, strict, c));
    }
fail:
    return status;
}

enum mien_status io_clip_config_parse(const cJSON *object, const char *where, bool strict, struct io_clip_config *out)
{
    enum mien_status status = MIEN_OK;
    const char *type = "clip";
    io_clip_config_default(out);
    if (strict)
        TRY(base_json_only(object, where, top_keys));
    TRY(base_json_string(object, "model_type", where, &type));
    FAIL_IF(strcmp(type, "clip") != 0, MIEN_ERR_DATA, "%s: model_type is \"%s\"; Mien reads \"clip\"", where, type);
    TRY(base_json_u32(object, "projection_dim", where, &out->embed));
    TRY(base_json_number(object, "logit_scale_init_value", where, &out->logit_scale_init));
    TRY(parse_part(object, "text_config", where, strict, parse_text, out));
    TRY(parse_part(object, "vision_config", where, strict, parse_vision, out));
    TRY(parse_mien(object, where, out));
    TRY(io_clip_config_check(out, where));
fail:
    return status;
}

static enum mien_status check_tower(const struct io_tower_config *t, const char *where, const char *part)
{
    enum { MOST = 1 << 16 };
    if (t->width == 0 || t->mlp == 0 || t->layers == 0 || t->heads == 0)
        return base_fail(MIEN_ERR_DATA, "%s: %s: a size is 0", where, part);
    if (t->width > MOST || t->mlp > 4 * MOST || t->layers > 1024)
        return base_fail(MIEN_ERR_DATA, "%s: %s: hidden_size %u, intermediate_size %u or %u layers is beyond reason",
                         where, part, t->width, t->mlp, t->layers);
    if (t->width % t->heads != 0)
        return base_fail(MIEN_ERR_DATA, "%s: %s: hidden_size %u is not a multiple of num_attention_heads %u", where,
                         part, t->width, t->heads);
    if (!(t->eps >= 1e-30 && t->eps < 1)) /* smaller ones are 0 in fp32 */
        return base_fail(MIEN_ERR_DATA, "%s: %s: layer_norm_eps %g is not between 1e-30 and 1", where, part, t->eps);
    return MIEN_OK;
}

enum mien_status io_clip_config_check(const struct io_clip_config *c, const char *where)
{
    enum mien_status status = MIEN_OK;
    TRY(check_tower(&c->text.tower, where, "text_config"));
    TRY(check_tower(&c->vision.tower, where, "vision_config"));
    FAIL_IF(c->text.context < 2 || c->text.context > 1 << 16 || c->text.vocab == 0 || c->text.vocab > 1 << 24,
            MIEN_ERR_DATA, "%s: text_config: max_position_embeddings %u or vocab_size %u is impossible", where,
            c->text.context, c->text.vocab);
    FAIL_IF(c->text.bos >= c->text.vocab || c->text.eos >= c->text.vocab, MIEN_ERR_DATA,
            "%s: text_config: bos_token_id %u or eos_token_id %u is outside the vocabulary of %u", where, c->text.bos,
            c->text.eos, c->text.vocab);
    FAIL_IF(c->vision.patch == 0 || c->vision.image < c->vision.patch || c->vision.image > 1 << 14, MIEN_ERR_DATA,
            "%s: vision_config: image_size %u and patch_size %u do not fit", where, c->vision.image, c->vision.patch);
    TRY(io_check_logit_scale(where, c->logit_scale_init));
    FAIL_IF(c->embed == 0 || c->embed > 1 << 16, MIEN_ERR_DATA, "%s: projection_dim %u is impossible", where, c->embed);
    if (c->temporal.layers)
        TRY(check_temporal(&c->temporal, where));
    if (c->head.kind)
        TRY(io_head_config_check(&c->head, where));
fail:
    return status;
}

enum mien_status io_clip_config_read(const char *dir, struct io_clip_config *out, cJSON **extra)
{
    return io_clip_config_read_from(&(struct base_source){.dir = dir}, out, extra);
}

enum mien_status io_clip_config_read_from(const struct base_source *source, struct io_clip_config *out, cJSON **extra)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    if (extra)
        *extra = NULL;
    char *path = base_source_path(source, "config.json");
    FAIL_IF_NULL(path, "config.json");
    FAIL_IF(
        !base_source_has(source, path), MIEN_ERR_DATA,
        "%s: not there; a model directory has one, as Hugging Face writes it; mien convert makes one of open_clip's, "
        "OpenAI's and EmoCLIP's weights",
        path);
    TRY(base_source_json(source, path, &json));
    status = io_clip_config_parse(json, path, false, out);
    if (status == MIEN_ERR_ARG) /* a word that is no choice: here the file is at fault, not the user */
        status = MIEN_ERR_DATA;
    TRY(status);
    if (extra)
        *extra = cJSON_DetachItemFromObjectCaseSensitive(json, "mien");
fail:
    cJSON_Delete(json);
    base_free(path);
    return status;
}

static enum mien_status no_memory(void)
{
    return base_fail(MIEN_ERR_NOMEM, "out of host memory for config.json");
}

static enum mien_status add_number(cJSON *object, const char *key, double value)
{
    return cJSON_AddNumberToObject(object, key, value) ? MIEN_OK : no_memory();
}

/* A number that stays a float for readers that tell 1 from 1.0, as transformers 5 does. */
static enum mien_status add_float(cJSON *object, const char *key, double value)
{
    char text[32];
    if (value != floor(value) || fabs(value) > 1e15)
        return add_number(object, key, value);
    snprintf(text, sizeof(text), "%lld.0", (long long)value);
    return cJSON_AddRawToObject(object, key, text) ? MIEN_OK : no_memory();
}

static enum mien_status add_tower(cJSON *object, const char *type, const struct io_tower_config *t, uint32_t embed)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF_NULL(cJSON_AddStringToObject(object, "model_type", type), "config.json");
    FAIL_IF_NULL(cJSON_AddStringToObject(object, "hidden_act", act_words[t->act]), "config.json");
    TRY(add_number(object, "hidden_size", t->width));
    TRY(add_number(object, "intermediate_size", t->mlp));
    TRY(add_number(object, "num_hidden_layers", t->layers));
    TRY(add_number(object, "num_attention_heads", t->heads));
    TRY(add_float(object, "layer_norm_eps", t->eps));
    TRY(add_float(object, "attention_dropout", 0));
    TRY(add_float(object, "initializer_factor", 1));
    TRY(add_float(object, "initializer_range", 0.02));
    TRY(add_number(object, "projection_dim", embed));
fail:
    return status;
}

static enum mien_status add_parts(cJSON *json, const struct io_clip_config *c)
{
    enum mien_status status = MIEN_OK;
    cJSON *text = cJSON_AddObjectToObject(json, "text_config");
    cJSON *vision = cJSON_AddObjectToObject(json, "vision_config");
    FAIL_IF(!text || !vision, MIEN_ERR_NOMEM, "out of host memory for config.json");
    TRY(add_tower(text, "clip_text_model", &c->text.tower, c->embed));
    TRY(add_number(text, "vocab_size", c->text.vocab));
    TRY(add_number(text, "max_position_embeddings", c->text.context));
    TRY(add_number(text, "bos_token_id", c->text.bos));
    TRY(add_number(text, "eos_token_id", c->text.eos));
    TRY(add_number(text, "pad_token_id", c->text.pad));
    TRY(add_tower(vision, "clip_vision_model", &c->vision.tower, c->embed));
    TRY(add_number(vision, "image_size", c->vision.image));
    TRY(add_number(vision, "patch_size", c->vision.patch));
    TRY(add_number(vision, "num_channels", 3));
fail:
    return status;
}

static void drop_scalars(cJSON *mien)
{
    for (cJSON *item = mien->child, *next; item; item = next) {
        next = item->next;
        if (is_scalar(item->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(mien, item));
    }
}

/* The object under "mien", or NULL where nothing is to be said. */
static enum mien_status make_mien(const struct io_clip_config *c, const cJSON *extra, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    const struct io_temporal_config *t = &c->temporal;
    cJSON *temporal = NULL;
    *out = NULL;
    if (!extra && !t->layers && !c->scalars && !c->head.kind)
        return MIEN_OK;
    cJSON *mien = extra ? cJSON_Duplicate(extra, true) : cJSON_CreateObject();
    FAIL_IF_NULL(mien, "config.json");
    cJSON_DeleteItemFromObjectCaseSensitive(mien, "temporal");
    cJSON_DeleteItemFromObjectCaseSensitive(mien, "head");
    drop_scalars(mien);
    for (uint32_t i = 0; i < c->scalars; i++)
        FAIL_IF_NULL(cJSON_AddTrueToObject(mien, c->scalar[i].name), "config.json");
    if (t->layers) {
        temporal = cJSON_AddObjectToObject(mien, "temporal");
        FAIL_IF_NULL(temporal, "config.json");
        TRY(add_number(temporal, "layers", t->layers));
        TRY(add_number(temporal, "heads", t->heads));
        TRY(add_number(temporal, "head_dim", t->head_dim));
        TRY(add_number(temporal, "mlp", t->mlp));
        TRY(add_number(temporal, "max_frames", t->max_frames));
    }
    if (c->head.kind)
        FAIL_IF_NULL(cJSON_AddItemToObject(mien, "head", io_head_config_json(&c->head)) ? mien : NULL, "config.json");
    *out = mien;
    mien = NULL;
fail:
    cJSON_Delete(mien);
    return status;
}

static enum mien_status build(const struct io_clip_config *c, const cJSON *extra, cJSON *json)
{
    static const char *const architectures[] = {"CLIPModel"};
    enum mien_status status = MIEN_OK;
    cJSON *mien = NULL;
    FAIL_IF_NULL(cJSON_AddItemToObject(json, "architectures", cJSON_CreateStringArray(architectures, 1)) ? json : NULL,
                 "config.json");
    FAIL_IF_NULL(cJSON_AddStringToObject(json, "model_type", "clip"), "config.json");
    FAIL_IF_NULL(cJSON_AddStringToObject(json, "torch_dtype", "float32"), "config.json");
    TRY(add_float(json, "initializer_factor", 1));
    TRY(add_float(json, "logit_scale_init_value", c->logit_scale_init));
    TRY(add_number(json, "projection_dim", c->embed));
    TRY(add_parts(json, c));
    TRY(make_mien(c, extra, &mien));
    if (mien)
        FAIL_IF_NULL(cJSON_AddItemToObject(json, "mien", mien) ? json : NULL, "config.json");
fail:
    return status;
}

enum mien_status io_write_json(const char *dir, const char *name, const cJSON *json)
{
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;
    char *path = base_path_join(dir, name), *text = base_json_print(json, true);
    FAIL_IF(!path || !text, MIEN_ERR_NOMEM, "%s: out of host memory for %s", dir, name);
    TRY(base_out_open_own(path, &out));
    TRY(base_out_write(out, text, strlen(text)));
    if (text[strlen(text) - 1] != '\n')
        TRY(base_out_write(out, "\n", 1));
    TRY(base_out_commit(&out));
fail:
    base_out_abandon(&out);
    base_free(path);
    base_free(text);
    return status;
}

enum mien_status io_clip_config_write(const char *dir, const struct io_clip_config *config, const cJSON *extra)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = cJSON_CreateObject();
    FAIL_IF_NULL(json, "config.json");
    TRY(io_clip_config_check(config, dir));
    TRY(build(config, extra, json));
    TRY(io_write_json(dir, "config.json", json));
fail:
    cJSON_Delete(json);
    return status;
}
