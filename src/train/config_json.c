/* config_json.c: a configuration with all its values, as JSON: what the run directory keeps. */
#include "train/config_keys.h"

cJSON train_nothing;

/* &train_nothing: there is nothing to write; NULL: memory ran out. */
static cJSON *value_of(const struct train_config *config, const struct train_key *key)
{
    const void *at = (const char *)config + key->at;
    const char *text;
    switch (key->kind) {
    case KIND_PATH:
    case KIND_TEXT:
        text = *(const char *const *)at;
        return text ? cJSON_CreateString(text) : &train_nothing;
    case KIND_U32:
        return cJSON_CreateNumber(*(const uint32_t *)at);
    case KIND_I32:
        return cJSON_CreateNumber(*(const int32_t *)at);
    case KIND_NUMBER:
        return cJSON_CreateNumber(*(const double *)at);
    case KIND_BOOL:
        return cJSON_CreateBool(*(const bool *)at);
    case KIND_CHOICE:
        return cJSON_CreateString(train_key_word(key, *(const uint32_t *)at)->name);
    case KIND_PAIR:
        return cJSON_CreateDoubleArray(at, 2);
    case KIND_OWN:
        return key->form->write(config);
    }
    return &train_nothing;
}

enum mien_status train_config_resolve(struct train_config *config)
{
    cJSON *root = cJSON_CreateObject();
    bool failed = !root;
    for (const struct train_key *key = train_keys; !failed && key->name; key++) {
        if (key->at == offsetof(struct train_config, loss.local.kind) && !config->chosen.local)
            continue; /* the data decide */
        cJSON *value = value_of(config, key);
        if (value == &train_nothing)
            continue;
        failed = !cJSON_AddItemToObject(train_object_of(root, key->name, true), train_key_last(key->name), value);
        if (failed)
            cJSON_Delete(value);
    }
    if (failed) {
        cJSON_Delete(root);
        root = NULL;
    }
    cJSON_Delete(config->json);
    config->json = root;
    if (!root)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a configuration");
    return MIEN_OK;
}
