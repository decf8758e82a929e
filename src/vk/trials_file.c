/* trials_file.c: the file of what kernels have shown: JSON, so that people can read what happened. A head names the
 * device and driver; a wrong byte behind it costs a trial or keeps a good kernel away, never more. */
#include "vk/vk_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1 };

/* ---- sets -------------------------------------------------------------------------------------------------------- */

/* Where the key stands, or would. */
static size_t find(const struct vk_keys *keys, uint64_t key)
{
    size_t low = 0, high = keys->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (keys->key[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool vk_keys_has(const struct vk_keys *keys, uint64_t key)
{
    size_t at = find(keys, key);
    return at < keys->count && keys->key[at] == key;
}

enum mien_status vk_keys_add(struct vk_keys *keys, uint64_t key)
{
    enum mien_status status = MIEN_OK;
    size_t at = find(keys, key);
    if (at < keys->count && keys->key[at] == key)
        return MIEN_OK;
    TRY(base_grow(&keys->key, &keys->capacity, keys->count + 1, sizeof *keys->key));
    memmove(&keys->key[at + 1], &keys->key[at], (keys->count - at) * sizeof *keys->key);
    keys->key[at] = key;
    keys->count++;
fail:
    return status;
}

void vk_trials_clear(struct vk_trials_file *file)
{
    base_free(file->proven.key);
    base_free(file->failed);
    memset(file, 0, sizeof *file);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void uuid_text(const struct vk_caps *caps, char text[33])
{
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", caps->uuid[i]);
}

bool vk_file_hex(const char *text, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef", *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return text[16] == 0;
}

enum mien_status vk_file_check_head(const struct vk_caps *caps, const cJSON *json, const char *what, const char *where)
{
    enum mien_status status = MIEN_OK;
    uint32_t format = 0, vendor = 0, device = 0, driver = 0;
    const char *uuid = "";
    char own[33];
    uuid_text(caps, own);
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: is no file of %s", where, what);
    TRY(base_json_u32(json, "format", where, &format));
    TRY(base_json_u32(json, "vendor_id", where, &vendor));
    TRY(base_json_u32(json, "device_id", where, &device));
    TRY(base_json_u32(json, "driver_version", where, &driver));
    TRY(base_json_string(json, "uuid", where, &uuid));
    FAIL_IF(format != FORMAT || vendor != caps->vendor_id || device != caps->device_id ||
                driver != caps->driver_version || strcmp(uuid, own) != 0,
            MIEN_ERR_DATA, "%s: belongs to another device, driver or version of Mien", where);
fail:
    return status;
}

enum mien_status vk_file_text(const cJSON *json, const char *key, const char *where, char *text, size_t size)
{
    enum mien_status status = MIEN_OK;
    const char *value = NULL;
    TRY(base_json_string(json, key, where, &value));
    FAIL_IF(!value || !*value || strlen(value) >= size, MIEN_ERR_DATA, "%s: \"%s\" is missing or too long", where, key);
    snprintf(text, size, "%s", value);
fail:
    return status;
}

static enum mien_status read_row(const cJSON *json, const char *where, bool why, struct vk_trial_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *code = "";
    *row = (struct vk_trial_row){.op = ""};
    TRY(vk_file_text(json, "op", where, row->op, sizeof row->op));
    TRY(vk_file_text(json, "variant", where, row->variant, sizeof row->variant));
    TRY(vk_file_text(json, "kernel", where, row->kernel, sizeof row->kernel));
    if (why)
        TRY(vk_file_text(json, "why", where, row->why, sizeof row->why));
    TRY(base_json_bool(json, "last", where, &row->last));
    TRY(base_json_string(json, "code", where, &code));
    FAIL_IF(!vk_file_hex(code, &row->code), MIEN_ERR_DATA, "%s: \"code\" is \"%s\"; it takes 16 digits", where, code);
fail:
    if (status != MIEN_OK)
        row->op[0] = 0;
    return status;
}

static enum mien_status read_proven(const cJSON *list, const char *where, struct vk_keys *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    uint64_t key;
    FAIL_IF(cJSON_GetArraySize(list) > VK_TRIALS_MOST, MIEN_ERR_DATA, "%s: more kernels than there are", where);
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(item);
        FAIL_IF(!text || !vk_file_hex(text, &key), MIEN_ERR_DATA, "%s: \"proven\" holds what is no key", where);
        TRY(vk_keys_add(out, key));
    }
fail:
    return status;
}

static enum mien_status read_failed(const cJSON *list, const char *where, struct vk_trials_file *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(out->failed_count == VK_TRIALS_MOST, MIEN_ERR_DATA, "%s: more kernels than there are", where);
        TRY(base_grow(&out->failed, &out->failed_capacity, out->failed_count + 1, sizeof *out->failed));
        TRY(read_row(item, where, true, &out->failed[out->failed_count]));
        out->failed_count++;
    }
fail:
    return status;
}

enum mien_status vk_trials_parse(const struct vk_caps *caps, const char *text, size_t size, const char *where,
                                 struct vk_trials_file *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *proven = NULL, *failed = NULL, *trying = NULL;
    memset(out, 0, sizeof *out);
    TRY(base_json_parse(text, size, where, &json));
    TRY(vk_file_check_head(caps, json, "self-tests", where));
    TRY(base_json_array(json, "proven", where, &proven));
    TRY(base_json_array(json, "failed", where, &failed));
    TRY(base_json_object(json, "trying", where, &trying));
    TRY(read_proven(proven, where, &out->proven));
    TRY(read_failed(failed, where, out));
    if (trying)
        TRY(read_row(trying, where, false, &out->trying));
fail:
    cJSON_Delete(json);
    if (status != MIEN_OK)
        vk_trials_clear(out);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static struct base_json print_row(const struct vk_trial_row *row)
{
    struct base_json json = base_json_object_begin();
    char code[17];
    snprintf(code, sizeof code, "%016" PRIx64, row->code);
    base_put_text(&json, "op", row->op);
    base_put_text(&json, "variant", row->variant);
    base_put_text(&json, "kernel", row->kernel);
    base_put_text(&json, "code", code);
    if (row->why[0])
        base_put_text(&json, "why", row->why);
    if (row->last)
        base_put(&json, "last", cJSON_CreateTrue());
    return json;
}

void vk_file_print_head(const struct vk_caps *caps, struct base_json *json)
{
    char uuid[33];
    uuid_text(caps, uuid);
    base_put_number(json, "format", FORMAT);
    base_put_text(json, "device", caps->name);
    base_put_text(json, "driver", caps->driver);
    base_put_number(json, "vendor_id", caps->vendor_id);
    base_put_number(json, "device_id", caps->device_id);
    base_put_number(json, "driver_version", caps->driver_version);
    base_put_text(json, "uuid", uuid);
}

char *vk_trials_print(const struct vk_caps *caps, const struct vk_trials_file *file)
{
    struct base_json json = base_json_object_begin(), failed = base_json_list_begin(), proven = base_json_list_begin(),
                     trying;
    vk_file_print_head(caps, &json);
    if (file->trying.op[0]) {
        trying = print_row(&file->trying);
        base_put_tree(&json, "trying", &trying);
    }
    for (size_t i = 0; i < file->failed_count; i++) {
        struct base_json row = print_row(&file->failed[i]);
        base_add_tree(&failed, &row);
    }
    for (size_t i = 0; i < file->proven.count; i++) {
        char key[17];
        snprintf(key, sizeof key, "%016" PRIx64, file->proven.key[i]);
        base_add(&proven, cJSON_CreateString(key));
    }
    base_put_tree(&json, "failed", &failed);
    base_put_tree(&json, "proven", &proven);
    cJSON *tree = base_json_end(&json);
    char *text = tree ? base_json_print(tree, true) : NULL;
    cJSON_Delete(tree);
    return text;
}
