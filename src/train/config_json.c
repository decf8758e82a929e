/* config_json.c: a configuration with all its values, as JSON: what the run directory keeps. */
#include "train/config_keys.h"

#include <stdio.h>
#include <string.h>

static cJSON *numbers(const double *values, uint32_t count)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(values[i]));
    return array;
}

static cJSON *milestones(const struct train_config *config)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < config->optim.milestones; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(config->optim.milestone[i]));
    return array;
}

static cJSON *model_value(const struct train_config *config, const char *key)
{
    if (strcmp(key, "init") == 0)
        return cJSON_CreateString(config->model.init ? config->model.init : "scratch");
    if (config->model.init)
        return NULL; /* the directory says the rest */
    if (strcmp(key, "config") == 0)
        return config->model.clip_json ? cJSON_Duplicate(config->model.clip_json, true) : cJSON_CreateObject();
    if (config->model.tokenizer)
        return cJSON_CreateString(config->model.tokenizer);
    cJSON *tokenizer = cJSON_CreateObject();
    cJSON_AddNumberToObject(tokenizer, "vocab", config->model.vocab);
    return tokenizer;
}

static cJSON *thresholds(const struct train_config *config)
{
    double text = config->loss.mining.threshold_text, image = config->loss.mining.threshold_image;
    if (text == image)
        return cJSON_CreateNumber(text);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "text", text);
    cJSON_AddNumberToObject(object, "image", image);
    return object;
}

static cJSON *groups(const struct train_config *config)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < config->optim.groups; i++) {
        const struct train_group *group = &config->optim.group[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "match", group->match);
        cJSON_AddNumberToObject(object, "lr_scale", group->lr_scale);
        cJSON_AddBoolToObject(object, "freeze", group->freeze);
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

/* The first choice that is served: the only one, where it has no place in the struct. */
static const char *choice_of(const struct train_key *key, const void *at)
{
    uint32_t choice = 0;
    if (key->at != SIZE_MAX)
        choice = *(const uint32_t *)at;
    return key->choices[choice];
}

/* NULL = nothing to write. */
static cJSON *value_of(const struct train_config *config, const struct train_key *key)
{
    const void *at = key->at == SIZE_MAX ? NULL : (const char *)config + key->at;
    const char *text;
    switch (key->kind) {
    case KIND_PATH:
        text = *(const char *const *)at;
        return text ? cJSON_CreateString(text) : NULL;
    case KIND_U32:
        return cJSON_CreateNumber(*(const uint32_t *)at);
    case KIND_I32:
        return cJSON_CreateNumber(*(const int32_t *)at);
    case KIND_NUMBER:
        return cJSON_CreateNumber(*(const double *)at);
    case KIND_BOOL:
        return cJSON_CreateBool(*(const bool *)at);
    case KIND_CHOICE:
        if (key->at == TRAIN_AT(loss.local.kind) && !config->chosen.local)
            return NULL; /* the data decide */
        return cJSON_CreateString(choice_of(key, at));
    case KIND_PAIR:
        return numbers(at, 2);
    case KIND_LIST:
        return milestones(config);
    case KIND_OWN:
        return model_value(config, key->name);
    case KIND_OBJECT:
        return cJSON_CreateObject();
    case KIND_THRESHOLD:
        return thresholds(config);
    case KIND_GROUPS:
        return groups(config);
    case KIND_LATER:
        break;
    }
    return NULL;
}

/* The object of a section, made when its parent was written. */
static cJSON *section_object(cJSON *root, const char *name)
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

enum mien_status train_config_resolve(struct train_config *config)
{
    cJSON *root = cJSON_CreateObject();
    for (const struct train_section *section = train_sections; root && section->name; section++) {
        cJSON *object = section_object(root, section->name);
        for (const struct train_key *key = section->keys; key->name; key++) {
            cJSON *value = value_of(config, key);
            if (value)
                cJSON_AddItemToObject(object, key->name, value);
        }
    }
    cJSON_Delete(config->json);
    config->json = root;
    if (!root)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a configuration");
    return MIEN_OK;
}
