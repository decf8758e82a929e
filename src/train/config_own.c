/* config_own.c: configuration keys that take more than one form, or objects in a list. */
#include "train/config_keys.h"

#include "data/manifest.h"

#include <math.h>
#include <string.h>

/* ---- model ---- */

static enum mien_status read_init(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    r->config->model.init = NULL;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "scratch") == 0)
        return MIEN_OK;
    return train_read_path(r, item, key, &r->config->model.init);
}

static cJSON *write_init(const struct train_config *config)
{
    return cJSON_CreateString(config->model.init ? config->model.init : "scratch");
}

const struct train_form train_form_init = {"DIR or \"scratch\"", read_init, write_init};

static enum mien_status read_clip(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    (void)key;
    TRY(io_clip_config_parse(item, r->where, true, &c->model.clip));
    cJSON_Delete(c->model.clip_json);
    c->model.clip_json = cJSON_Duplicate(item, true);
    FAIL_IF_NULL(c->model.clip_json, "a configuration");
fail:
    return status;
}

static cJSON *write_clip(const struct train_config *config)
{
    return config->model.init ? &train_nothing
                              : cJSON_Duplicate(config->model.clip_json, true); /* a directory says it */
}

const struct train_form train_form_clip = {"an object", read_clip, write_clip};

static enum mien_status read_tokenizer(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    static const char *const known[] = {"vocab", NULL};
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    if (!cJSON_IsObject(item))
        return train_read_path(r, item, key, &c->model.tokenizer);
    TRY(base_json_only(item, r->where, known));
    TRY(base_json_u32(item, "vocab", r->where, &c->model.vocab));
    FAIL_IF(c->model.vocab < 514 || c->model.vocab > 1000000, MIEN_ERR_ARG,
            "%s: tokenizer.vocab is %u; it must lie between 514 (the bytes, start and end) and 1000000", r->where,
            c->model.vocab);
fail:
    return status;
}

static cJSON *write_tokenizer(const struct train_config *config)
{
    if (config->model.init)
        return &train_nothing;
    if (config->model.tokenizer)
        return cJSON_CreateString(config->model.tokenizer);
    struct base_json tokenizer = base_json_object_begin();
    base_put_number(&tokenizer, "vocab", config->model.vocab);
    return base_json_end(&tokenizer);
}

const struct train_form train_form_tokenizer = {"DIR, or {\"vocab\": a whole number from 514 to 1000000}",
                                                read_tokenizer, write_tokenizer};

/* ---- data.columns ---- */

/* {"image": "path", "caption": "text"} as "image=path,caption=text". */
static enum mien_status join_columns(struct train_reader *r, const cJSON *item, struct base_text *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *name;
    cJSON_ArrayForEach(name, item)
    {
        if (cJSON_IsNull(name))
            continue;
        FAIL_IF(!cJSON_IsString(name) || !*name->valuestring || strchr(name->valuestring, ','), MIEN_ERR_DATA,
                "%s: columns: \"%s\" must be the name of a column, without a comma", r->where, name->string);
        base_text_print(out, "%s%s=%s", out->size ? "," : "", name->string, name->valuestring);
    }
    TRY(out->status);
fail:
    return status;
}

static enum mien_status read_columns(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    struct base_text text = {0};
    (void)key;
    FAIL_IF(!cJSON_IsString(item) && !cJSON_IsObject(item), MIEN_ERR_DATA,
            "%s: \"columns\" must be an object such as {\"image\": \"path\", \"caption\": \"text\"}", r->where);
    if (cJSON_IsString(item))
        base_text_print(&text, "%s", item->valuestring);
    else
        TRY(join_columns(r, item, &text));
    TRY(text.status);
    if (text.size) {
        TRY(data_columns_check(text.data));
        r->config->data.columns = base_arena_strdup(&r->config->arena, text.data);
        FAIL_IF_NULL(r->config->data.columns, "a configuration");
    }
fail:
    base_text_clear(&text);
    return status;
}

static cJSON *write_columns(const struct train_config *config)
{
    return config->data.columns ? cJSON_CreateString(config->data.columns) : &train_nothing;
}

const struct train_form train_form_columns = {"an object, {\"image\": \"path\", \"caption\": \"text\"}, or "
                                              "image=path,caption=text",
                                              read_columns, write_columns};

/* ---- loss.mining.threshold ---- */

static enum mien_status read_threshold(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    static const char *const known[] = {"text", "image", NULL};
    enum mien_status status = MIEN_OK;
    double *text = &r->config->loss.mining.threshold_text, *image = &r->config->loss.mining.threshold_image;
    if (cJSON_IsObject(item)) {
        TRY(base_json_only(item, r->where, known));
        TRY(base_json_number(item, "text", r->where, text));
        TRY(base_json_number(item, "image", r->where, image));
    } else {
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA,
                "%s: \"threshold\" must be a number, or an object such as {\"text\": 0.9, \"image\": 0.8}", r->where);
        *text = *image = item->valuedouble;
    }
    TRY(train_check_range(r, key, *text));
    TRY(train_check_range(r, key, *image));
fail:
    return status;
}

static cJSON *write_threshold(const struct train_config *config)
{
    double text = config->loss.mining.threshold_text, image = config->loss.mining.threshold_image;
    if (text == image)
        return cJSON_CreateNumber(text);
    struct base_json object = base_json_object_begin();
    base_put_number(&object, "text", text);
    base_put_number(&object, "image", image);
    return base_json_end(&object);
}

const struct train_form train_form_threshold = {"a number, or {\"text\": a number, \"image\": a number}",
                                                read_threshold, write_threshold};

/* ---- optim.milestones ---- */

static enum mien_status read_milestones(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    int count = cJSON_GetArraySize(item);
    (void)key;
    FAIL_IF(!cJSON_IsArray(item) || count > (int)BASE_COUNT(c->optim.milestone), MIEN_ERR_DATA,
            "%s: \"milestones\" must be an array of at most %zu whole numbers", r->where,
            BASE_COUNT(c->optim.milestone));
    for (int i = 0; i < count; i++) {
        const cJSON *element = cJSON_GetArrayItem(item, i);
        double value = cJSON_IsNumber(element) ? element->valuedouble : NAN;
        FAIL_IF(!(value >= 1 && value <= 2e9 && value == floor(value)), MIEN_ERR_ARG,
                "%s: \"milestones\" must hold whole numbers from 1 on", r->where);
        c->optim.milestone[i] = (uint32_t)value;
    }
    c->optim.milestones = (uint32_t)count;
fail:
    return status;
}

static cJSON *write_milestones(const struct train_config *config)
{
    struct base_json array = base_json_list_begin();
    for (uint32_t i = 0; i < config->optim.milestones; i++)
        base_add_number(&array, config->optim.milestone[i]);
    return base_json_end(&array);
}

const struct train_form train_form_milestones = {"an array of at most 16 whole numbers from 1 on", read_milestones,
                                                 write_milestones};

/* ---- run.shares ---- */

static enum mien_status read_shares(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum { MOST = 4096 };
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    int count = cJSON_GetArraySize(item);
    (void)key;
    FAIL_IF(!cJSON_IsArray(item) || count > MOST, MIEN_ERR_DATA,
            "%s: \"shares\" must be an array of at most %d numbers above 0, one a rank", r->where, MOST);
    double *share = base_arena_array(&c->arena, (size_t)count + 1, sizeof(*share));
    FAIL_IF_NULL(share, "a configuration");
    for (int i = 0; i < count; i++) {
        const cJSON *element = cJSON_GetArrayItem(item, i);
        share[i] = cJSON_IsNumber(element) ? element->valuedouble : NAN;
        FAIL_IF(!(share[i] > 0 && share[i] <= 1e9), MIEN_ERR_ARG,
                "%s: \"shares\" must hold numbers above 0, at most 1e9, one a rank; element %d is not", r->where,
                i + 1);
    }
    c->run.share = share;
    c->run.shares = (uint32_t)count;
fail:
    return status;
}

static cJSON *write_shares(const struct train_config *config)
{
    struct base_json array = base_json_list_begin();
    for (uint32_t i = 0; i < config->run.shares; i++)
        base_add_number(&array, config->run.share[i]);
    return base_json_end(&array);
}

const struct train_form train_form_shares = {"an array of numbers above 0, one a rank", read_shares, write_shares};

/* ---- model.head.targets ---- */

static enum mien_status read_targets(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    int count = cJSON_GetArraySize(item);
    const char **names = base_arena_array(&c->arena, (size_t)count + 1, sizeof(*names));
    const cJSON *element;
    (void)key;
    FAIL_IF_NULL(names, "targets");
    FAIL_IF(!cJSON_IsArray(item) || count > IO_HEAD_TARGETS_MAX, MIEN_ERR_DATA,
            "%s: \"targets\" must be an array of at most %d names", r->where, IO_HEAD_TARGETS_MAX);
    c->model.head.targets = 0;
    c->model.head.target = names;
    cJSON_ArrayForEach(element, item)
    {
        FAIL_IF(!cJSON_IsString(element) || !*element->valuestring, MIEN_ERR_DATA,
                "%s: \"targets\" must hold names of targets", r->where);
        for (uint32_t i = 0; i < c->model.head.targets; i++)
            FAIL_IF(strcmp(names[i], element->valuestring) == 0, MIEN_ERR_ARG, "%s: \"targets\" names \"%s\" twice",
                    r->where, names[i]);
        names[c->model.head.targets] = base_arena_strdup(&c->arena, element->valuestring);
        FAIL_IF_NULL(names[c->model.head.targets++], "targets");
    }
fail:
    return status;
}

static cJSON *write_targets(const struct train_config *config)
{
    return cJSON_CreateStringArray(config->model.head.target, (int)config->model.head.targets);
}

const struct train_form train_form_targets = {"an array of names", read_targets, write_targets};

/* ---- optim.groups ---- */

static enum mien_status read_group(struct train_reader *r, const cJSON *item, uint32_t index, struct train_group *group)
{
    static const char *const known[] = {"match", "lr_scale", "freeze", NULL};
    enum mien_status status = MIEN_OK;
    const char *match = NULL;
    FAIL_IF(!cJSON_IsObject(item), MIEN_ERR_DATA,
            "%s: groups[%u] must be an object such as {\"match\": "
            "\"vision_model.*\", \"lr_scale\": 0.1}",
            r->where, index);
    *group = (struct train_group){.lr_scale = 1};
    TRY(base_json_only(item, r->where, known));
    TRY(base_json_string(item, "match", r->where, &match));
    FAIL_IF(!match || !*match, MIEN_ERR_ARG, "%s: groups[%u] lacks \"match\", a pattern of parameter names", r->where,
            index);
    group->match = base_arena_strdup(&r->config->arena, match);
    FAIL_IF_NULL(group->match, "a group");
    TRY(base_json_number(item, "lr_scale", r->where, &group->lr_scale));
    TRY(base_json_bool(item, "freeze", r->where, &group->freeze));
    group->thaw = !group->freeze && cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(item, "freeze"));
    FAIL_IF(!(group->lr_scale >= 1e-9 && group->lr_scale <= 1e6), MIEN_ERR_ARG,
            "%s: groups[%u]: \"lr_scale\" is %.9g; it must lie between 1e-9 and 1e6 (\"freeze\": true leaves "
            "parameters as they are)",
            r->where, index, group->lr_scale);
fail:
    return status;
}

static enum mien_status read_groups(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum { MOST = 64 };
    enum mien_status status = MIEN_OK;
    int count = cJSON_GetArraySize(item);
    const cJSON *element;
    uint32_t i = 0;
    (void)key;
    FAIL_IF(!cJSON_IsArray(item) || count > MOST, MIEN_ERR_DATA,
            "%s: \"groups\" must be an array of at most %d objects", r->where, MOST);
    r->config->optim.group = base_arena_array(&r->config->arena, (size_t)count + 1, sizeof(*r->config->optim.group));
    FAIL_IF_NULL(r->config->optim.group, "groups");
    cJSON_ArrayForEach(element, item)
    {
        TRY(read_group(r, element, i, &r->config->optim.group[i]));
        i++;
    }
    r->config->optim.groups = (uint32_t)count;
fail:
    return status;
}

static cJSON *write_groups(const struct train_config *config)
{
    struct base_json array = base_json_list_begin();
    for (uint32_t i = 0; i < config->optim.groups; i++) {
        const struct train_group *group = &config->optim.group[i];
        struct base_json object = base_json_object_begin();
        base_put_text(&object, "match", group->match);
        base_put_number(&object, "lr_scale", group->lr_scale);
        if (group->freeze || group->thaw)
            base_put(&object, "freeze", cJSON_CreateBool(group->freeze));
        base_add_tree(&array, &object);
    }
    return base_json_end(&array);
}

const struct train_form train_form_groups = {
    "an array of objects: {\"match\": \"vision_model.*\", \"lr_scale\": 0.1, \"freeze\": false}", read_groups,
    write_groups};
