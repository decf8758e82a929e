/* rows.c: reading result files. */
#include "rows.h"

#include <string.h>

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "?";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void read_row(const cJSON *json, struct row *out)
{
    const cJSON *item;
    char spec[128] = "";
    size_t used = 0;
    *out = (struct row){.registers = number_of(json, "registers"),
                        .occupancy = number_of(json, "occupancy"),
                        .spills = number_of(json, "spills"),
                        .instructions = number_of(json, "instructions"),
                        .alone = number_of(json, "alone"),
                        .share = number_of(json, "share"),
                        .share_scalar = number_of(json, "share_scalar"),
                        .lanes = number_of(json, "lanes"),
                        .group_waves = number_of(json, "group_waves")};
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "spec")) if (used < sizeof spec) used +=
        (size_t)snprintf(spec + used, sizeof spec - used, "%s%.0f", used ? " " : "", item->valuedouble);
    snprintf(out->shader, sizeof out->shader, "%s", text_of(json, "shader"));
    snprintf(out->key, sizeof out->key, "%.80s [%.120s] %.0f", out->shader, spec, number_of(json, "pinned"));
    snprintf(out->name, sizeof out->name, "%.40s %.40s %.60s [%.100s]", text_of(json, "op"), text_of(json, "variant"),
             out->shader, spec);
}

static enum mien_status read_shape(const cJSON *json, const char *path, struct result *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    TRY(base_grow(&out->shapes, &out->shape_capacity, out->shape_count + 1, sizeof *out->shapes));
    struct shape *s = &out->shapes[out->shape_count++];
    *s = (struct shape){0};
    snprintf(s->name, sizeof s->name, "%s", text_of(json, "name"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "rows"))
    {
        FAIL_IF(s->count == BASE_COUNT(s->rows) || item->valuedouble < 0 || item->valuedouble >= (double)out->count,
                MIEN_ERR_DATA, "%s: %s has rows that are not there", path, s->name);
        s->rows[s->count++] = (size_t)item->valuedouble;
    }
fail:
    return status;
}

enum mien_status result_read(const char *path, struct result *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *item;
    *out = (struct result){0};
    TRY(base_json_read(path, &json));
    const cJSON *head = base_json_member(json, "head"), *rows = base_json_member(json, "rows");
    FAIL_IF(!cJSON_IsObject(head) || !cJSON_IsArray(rows) || !cJSON_GetArraySize(rows), MIEN_ERR_DATA,
            "%s: is no {\"head\", \"rows\"}", path);
    snprintf(out->device, sizeof out->device, "%s", text_of(head, "device"));
    snprintf(out->driver, sizeof out->driver, "%s", text_of(head, "driver"));
    snprintf(out->class_, sizeof out->class_, "%s", text_of(head, "class"));
    cJSON_ArrayForEach(item, rows)
    {
        TRY(base_grow(&out->rows, &out->capacity, out->count + 1, sizeof *out->rows));
        read_row(item, &out->rows[out->count]);
        FAIL_IF(out->rows[out->count].spills < 0, MIEN_ERR_DATA, "%s: row %zu says nothing of spills", path,
                out->count + 1);
        out->count++;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "shapes")) TRY(read_shape(item, path, out));
fail:
    cJSON_Delete(json);
    return status;
}

void result_clear(struct result *r)
{
    base_free(r->rows);
    base_free(r->shapes);
    *r = (struct result){0};
}

const struct row *result_find(const struct result *r, const char *key)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rows[i].key, key) == 0)
            return &r->rows[i];
    return NULL;
}
