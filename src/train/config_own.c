/* config_own.c: configuration keys that take more than one form, or objects in a list. */
#include "train/config_keys.h"

#include <math.h>
#include <string.h>

static enum mien_status in_range(const struct train_reader *r, const char *name, double value, double low, double high)
{
    if (value >= low && value <= high)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s: \"%s\" is %.9g; it must lie between %.9g and %.9g", r->where, name, value, low,
                     high);
}

enum mien_status train_read_threshold(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    static const char *const known[] = {"text", "image", NULL};
    enum mien_status status = MIEN_OK;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key->name);
    double *text = &r->config->loss.mining.threshold_text, *image = &r->config->loss.mining.threshold_image;
    if (cJSON_IsObject(item)) {
        TRY(base_json_only(item, r->where, known));
        TRY(base_json_number(item, "text", r->where, text));
        TRY(base_json_number(item, "image", r->where, image));
    } else {
        TRY(base_json_number(object, key->name, r->where, text));
        *image = *text;
    }
    TRY(in_range(r, key->name, *text, key->low, key->high));
    TRY(in_range(r, key->name, *image, key->low, key->high));
fail:
    return status;
}

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
    FAIL_IF(!(group->lr_scale >= 1e-9 && group->lr_scale <= 1e6), MIEN_ERR_ARG,
            "%s: groups[%u]: \"lr_scale\" is %.9g; it must lie between 1e-9 and 1e6 (\"freeze\": true leaves "
            "parameters as they are)",
            r->where, index, group->lr_scale);
fail:
    return status;
}

enum mien_status train_read_groups(struct train_reader *r, const cJSON *item)
{
    enum { MOST = 64 };
    enum mien_status status = MIEN_OK;
    int count = cJSON_GetArraySize(item);
    const cJSON *element;
    uint32_t i = 0;
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
