/* config.c: reading a training configuration by one table of keys. */
#include "train/config_keys.h"

#include "op/mining.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void set_defaults(struct train_config *c)
{
    io_clip_config_default(&c->model.clip);
    c->model.vocab = 2048;
    c->data.shuffle = true;
    c->data.workers = 2;
    c->data.max_bad = 0.01;
    c->data.augment.crop_scale[0] = 0.9;
    c->data.augment.crop_scale[1] = 1;
    c->data.augment.flip = 0.5;
    c->data.augment.rotate = 6;
    c->loss.local.weight = 1;
    c->loss.local.sentences = 1;
    c->loss.local.tau = 0.07;
    c->loss.mining.threshold_text = c->loss.mining.threshold_image = 0.9;
    c->loss.mining.top_k = 8;
    c->loss.mining.weight = 0.3;
    c->loss.mining.tau = 0.05;
    c->loss.mining.warmup = -1;
    c->optim.lr = 5e-4;
    c->optim.betas[0] = 0.9;
    c->optim.betas[1] = 0.98;
    c->optim.eps = 1e-6;
    c->optim.weight_decay = 0.2;
    c->optim.momentum = 0.9;
    c->optim.clip_norm = 1;
    c->optim.warmup = -1;
    c->optim.gamma = 0.1;
    c->run.epochs = 10;
    c->run.batch = 256;
    c->run.log_every = 1;
    c->run.checkpoint_minutes = 10;
    c->run.keep = 2;
}

static void *member(const struct train_reader *r, const struct train_key *key)
{
    return (char *)r->config + key->at;
}

static enum mien_status out_of_range(const struct train_reader *r, const struct train_key *key, double value)
{
    return base_fail(MIEN_ERR_ARG, "%s: \"%s\" is %.9g; it must lie between %.9g and %.9g", r->where, key->name, value,
                     key->low, key->high);
}

static enum mien_status read_number(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    double value = NAN;
    TRY(base_json_number(object, key->name, r->where, &value));
    if (!(value >= key->low && value <= key->high))
        return out_of_range(r, key, value);
    FAIL_IF(key->kind != KIND_NUMBER && value != floor(value), MIEN_ERR_ARG, "%s: \"%s\" must be a whole number",
            r->where, key->name);
    if (key->kind == KIND_NUMBER)
        *(double *)member(r, key) = value;
    else if (key->kind == KIND_U32)
        *(uint32_t *)member(r, key) = (uint32_t)value;
    else
        *(int32_t *)member(r, key) = (int32_t)value;
fail:
    return status;
}

static enum mien_status read_choice(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    uint32_t choice = 0;
    TRY(base_json_choice(object, key->name, r->where, key->choices, &choice));
    FAIL_IF(!(key->served & TRAIN_BIT(choice)), MIEN_ERR_ARG,
            "%s: \"%s\": \"%s\" is not supported by this version; use \"%s\"", r->where, key->name,
            key->choices[choice], key->choices[key->served & TRAIN_BIT(0) ? 0 : 1]);
    if (key->at != SIZE_MAX)
        *(uint32_t *)member(r, key) = choice;
    if (key->at == TRAIN_AT(loss.local.kind))
        r->config->chosen.local = true;
    if (key->at == TRAIN_AT(loss.mining.same_text))
        r->config->chosen.same_text = true;
    if (key->at == TRAIN_AT(data.resize))
        r->config->chosen.resize = true;
fail:
    return status;
}

static enum mien_status read_numbers(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    int count = cJSON_GetArraySize(item);
    const cJSON *element;
    int i = 0;
    bool pair = key->kind == KIND_PAIR;
    if (!cJSON_IsArray(item) || (pair && count != 2) || (!pair && count > 16))
        return base_fail(MIEN_ERR_DATA, "%s: \"%s\" must be an array of %s", r->where, key->name,
                         pair ? "two numbers" : "at most 16 whole numbers");
    cJSON_ArrayForEach(element, item)
    {
        double value = cJSON_IsNumber(element) ? element->valuedouble : NAN;
        if (pair && !(value >= key->low && value <= key->high))
            return out_of_range(r, key, value);
        if (!pair && !(value >= 1 && value <= 2e9 && value == floor(value)))
            return base_fail(MIEN_ERR_ARG, "%s: \"%s\" must hold whole numbers from 1 on", r->where, key->name);
        if (pair)
            ((double *)member(r, key))[i++] = value;
        else
            r->config->optim.milestone[i++] = (uint32_t)value;
    }
    if (!pair)
        r->config->optim.milestones = (uint32_t)count;
    return MIEN_OK;
}

/* Whether a key of the present section comes from a --set: its path is then relative to the working directory, as the
 * user's shell sees it. */
static bool was_set(const struct train_reader *r, const char *key)
{
    char name[128];
    int length = snprintf(name, sizeof(name), "%s.%s=", r->section, key);
    for (size_t i = 0; i < r->set_count; i++) {
        if (strncmp(r->sets[i], name, (size_t)length) == 0)
            return true;
    }
    return false;
}

static enum mien_status read_path(struct train_reader *r, const cJSON *object, const char *key, const char **out)
{
    enum mien_status status = MIEN_OK;
    const char *text = NULL;
    char *joined = NULL;
    TRY(base_json_string(object, key, r->where, &text));
    if (!text)
        return MIEN_OK;
    FAIL_IF(!*text, MIEN_ERR_ARG, "%s: \"%s\" is empty; give a path or leave the key out", r->where, key);
    joined = strcmp(r->dir, ".") == 0 || was_set(r, key) ? base_arena_strdup(&r->config->arena, text) : NULL;
    if (!joined) {
        char *full = base_path_join(r->dir, text);
        joined = full ? base_arena_strdup(&r->config->arena, full) : NULL;
        base_free(full);
    }
    FAIL_IF_NULL(joined, "a path");
    *out = joined;
fail:
    return status;
}

static enum mien_status read_later(const struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    char *text = key->only ? base_json_print(item, false) : NULL;
    bool harmless = text && strcmp(text, key->only) == 0;
    base_free(text);
    if (harmless)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s: \"%s\" is not supported by this version; remove it%s%s", r->where, key->name,
                     key->only ? " or set it to " : "", key->only ? key->only : "");
}

static enum mien_status read_model(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key->name);
    if (strcmp(key->name, "init") == 0) {
        if (!cJSON_IsString(item) || strcmp(item->valuestring, "scratch") != 0)
            TRY(read_path(r, object, "init", &c->model.init));
    } else if (strcmp(key->name, "config") == 0) {
        TRY(io_clip_config_parse(item, r->where, true, &c->model.clip));
        c->model.clip_json = cJSON_Duplicate(item, true);
    } else if (cJSON_IsObject(item)) {
        static const char *const known[] = {"vocab", NULL};
        TRY(base_json_only(item, r->where, known));
        TRY(base_json_u32(item, "vocab", r->where, &c->model.vocab));
    } else {
        TRY(read_path(r, object, "tokenizer", &c->model.tokenizer));
    }
fail:
    return status;
}

static enum mien_status read_key(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key->name);
    switch (key->kind) {
    case KIND_PATH:
        return read_path(r, object, key->name, member(r, key));
    case KIND_U32:
    case KIND_I32:
    case KIND_NUMBER:
        return read_number(r, object, key);
    case KIND_BOOL:
        return base_json_bool(object, key->name, r->where, member(r, key));
    case KIND_CHOICE:
        return read_choice(r, object, key);
    case KIND_PAIR:
    case KIND_LIST:
        return read_numbers(r, item, key);
    case KIND_OWN:
        return read_model(r, object, key);
    case KIND_LATER:
        return read_later(r, item, key);
    case KIND_THRESHOLD:
        return train_read_threshold(r, object, key);
    case KIND_GROUPS:
        return train_read_groups(r, item);
    case KIND_OBJECT:
        break;
    }
    return MIEN_OK;
}

/* The object at a dotted name, or NULL. */
static const cJSON *section_of(const cJSON *root, const char *name)
{
    char part[64];
    while (root && *name) {
        size_t length = strcspn(name, ".");
        snprintf(part, sizeof(part), "%.*s", (int)length, name);
        root = cJSON_GetObjectItemCaseSensitive(root, part);
        name += length + (name[length] == '.');
    }
    return root;
}

static enum mien_status read_section(struct train_reader *r, const cJSON *root, const struct train_section *section)
{
    enum mien_status status = MIEN_OK;
    const char *known[32] = {0};
    const cJSON *object = section_of(root, section->name);
    if (!object)
        return MIEN_OK;
    r->section = section->name;
    snprintf(r->where, sizeof(r->where), "%s%s%s", r->path, *section->name ? ": " : "", section->name);
    FAIL_IF(!cJSON_IsObject(object), MIEN_ERR_DATA, "%s must be an object", r->where);
    for (size_t i = 0; section->keys[i].name; i++)
        known[i] = section->keys[i].name;
    TRY(base_json_only(object, r->where, known));
    if (strcmp(section->name, "data.augment") == 0) { /* an object is exactly what it names */
        memset(&r->config->data.augment, 0, sizeof(r->config->data.augment));
        r->config->data.augment.crop_scale[0] = r->config->data.augment.crop_scale[1] = 1;
    }
    for (const struct train_key *key = section->keys; key->name; key++) {
        if (cJSON_GetObjectItemCaseSensitive(object, key->name))
            TRY(read_key(r, object, key));
    }
fail:
    return status;
}

/* What the table cannot say: keys that depend on each other. */
static enum mien_status check(const struct train_reader *r, const cJSON *root)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    const cJSON *optim = section_of(root, "optim");
    FAIL_IF(!c->data.train, MIEN_ERR_ARG, "%s: \"data.train\" is missing; name the manifest to train on", r->path);
    FAIL_IF(!c->run.dir, MIEN_ERR_ARG, "%s: \"run.dir\" is missing; name the directory for the results", r->path);
    FAIL_IF(c->run.steps == 0 && c->run.epochs == 0, MIEN_ERR_ARG, "%s: run.steps and run.epochs are both 0", r->path);
    FAIL_IF(c->data.augment.crop_scale[0] > c->data.augment.crop_scale[1], MIEN_ERR_ARG,
            "%s: data.augment.crop_scale must be [smallest, largest]", r->path);
    FAIL_IF(c->model.init && section_of(root, "model.config"), MIEN_ERR_ARG,
            "%s: model.config belongs to \"init\": \"scratch\"; a directory brings its own", r->path);
    FAIL_IF(c->model.init && c->model.tokenizer, MIEN_ERR_ARG,
            "%s: model.tokenizer belongs to \"init\": \"scratch\"; a directory brings its own", r->path);
    FAIL_IF(c->model.vocab < 514 || c->model.vocab > 1000000, MIEN_ERR_ARG,
            "%s: model.tokenizer.vocab is %u; it must lie between 514 (the bytes, start and end) and 1000000", r->path,
            c->model.vocab);
    FAIL_IF(c->optim.schedule == TRAIN_MULTISTEP && c->optim.milestones == 0, MIEN_ERR_ARG,
            "%s: optim.schedule multistep needs optim.milestones", r->path);
    if (c->model.init && !(optim && cJSON_GetObjectItemCaseSensitive(optim, "lr")))
        c->optim.lr = 1e-5;   /* given weights are tuned gently */
    if (!c->chosen.same_text) /* a label is the same text for all its images */
        c->loss.mining.same_text = c->loss.text == TRAIN_TEXT_LABEL ? OP_SAME_TEXT_POSITIVE : OP_SAME_TEXT_NEGATIVE;
fail:
    return status;
}

/* ---- --set ---- */

static enum mien_status apply_set(cJSON *root, const char *set)
{
    const char *equals = strchr(set, '=');
    const char *name = set;
    cJSON *object = root, *value = NULL;
    char part[64];
    if (!equals || equals == set)
        return base_fail(MIEN_ERR_ARG, "--set %s: it must be key=value, such as run.steps=100", set);
    value = cJSON_ParseWithOpts(equals + 1, NULL, true);
    if (!value)
        value = cJSON_CreateString(equals + 1);
    for (;;) {
        size_t length = strcspn(name, ".=");
        snprintf(part, sizeof(part), "%.*s", (int)length, name);
        if (length == 0 || length >= sizeof(part))
            break;
        if (name[length] == '=') {
            cJSON_DeleteItemFromObjectCaseSensitive(object, part);
            cJSON_AddItemToObject(object, part, value);
            return MIEN_OK;
        }
        cJSON *child = cJSON_GetObjectItemCaseSensitive(object, part);
        if (!child)
            child = cJSON_AddObjectToObject(object, part);
        if (!cJSON_IsObject(child))
            break;
        object = child;
        name += length + 1;
    }
    cJSON_Delete(value);
    return base_fail(MIEN_ERR_ARG, "--set %s: \"%.*s\" is no key of a section", set, (int)(equals - set), set);
}

enum mien_status train_config_read(const char *path, const char *const *sets, size_t count, struct train_config **out)
{
    enum mien_status status = MIEN_OK;
    struct train_reader r = {.path = path, .sets = sets, .set_count = count};
    cJSON *root = NULL;
    *out = NULL;
    r.config = base_alloc(1, sizeof(*r.config));
    r.dir = base_path_dir(path);
    FAIL_IF(!r.config || !r.dir, MIEN_ERR_NOMEM, "out of host memory for a configuration");
    set_defaults(r.config);
    TRY(base_json_read(path, &root));
    FAIL_IF(!cJSON_IsObject(root), MIEN_ERR_DATA, "%s: a configuration is a JSON object", path);
    for (size_t i = 0; i < count; i++)
        TRY(apply_set(root, sets[i]));
    for (const struct train_section *section = train_sections; section->name; section++)
        TRY(read_section(&r, root, section));
    TRY(check(&r, root));
    TRY(train_config_resolve(r.config));
    *out = r.config;
    r.config = NULL;
fail:
    train_config_destroy(&r.config);
    base_free(r.dir);
    cJSON_Delete(root);
    return status;
}

void train_config_destroy(struct train_config **config)
{
    if (!config || !*config)
        return;
    base_arena_clear(&(*config)->arena);
    cJSON_Delete((*config)->json);
    cJSON_Delete((*config)->model.clip_json);
    base_free(*config);
    *config = NULL;
}
