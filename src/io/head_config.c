/* head_config.c: "mien": {"head": {...}} of config.json. */
#include "io/model_dir.h"

#include <math.h>
#include <string.h>

static const char *const kinds[] = {"none", "regression", "classes", NULL};
static const char *const keys[] = {"kind", "hidden", "targets", "mean", "std", NULL};

enum mien_status io_head_config_check(const struct io_head_config *c, const char *where)
{
    enum { MOST = 1 << 16 };
    enum mien_status status = MIEN_OK;
    FAIL_IF(c->hidden == 0 || c->hidden > MOST || c->targets == 0 || c->targets > IO_HEAD_TARGETS_MAX, MIEN_ERR_DATA,
            "%s: head: %u targets from %u hidden units are not possible (1 to %d, 1 to %d)", where, c->targets,
            c->hidden, IO_HEAD_TARGETS_MAX, MOST);
    FAIL_IF(c->kind == IO_HEAD_CLASSES && c->targets < 2, MIEN_ERR_DATA, "%s: head: one class is none to tell apart",
            where);
    for (uint32_t i = 0; i < c->targets; i++) {
        FAIL_IF(!isfinite(c->mean[i]) || !isfinite(c->std[i]) || c->std[i] <= 0, MIEN_ERR_DATA,
                "%s: head: mean %g and std %g of \"%s\" are not possible", where, c->mean[i], c->std[i], c->name[i]);
        for (uint32_t k = 0; k < i; k++)
            FAIL_IF(strcmp(c->name[i], c->name[k]) == 0, MIEN_ERR_DATA, "%s: head: target \"%s\" stands there twice",
                    where, c->name[i]);
    }
fail:
    return status;
}

static enum mien_status read_names(const cJSON *names, const char *where, struct io_head_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, names)
    {
        FAIL_IF(!cJSON_IsString(item) || !*item->valuestring || strlen(item->valuestring) >= IO_HEAD_NAME_MAX,
                MIEN_ERR_DATA, "%s: \"targets\" must hold names of at most %d bytes", where, IO_HEAD_NAME_MAX - 1);
        FAIL_IF(out->targets == IO_HEAD_TARGETS_MAX, MIEN_ERR_DATA, "%s: \"targets\" has more than %d names", where,
                IO_HEAD_TARGETS_MAX);
        strcpy(out->name[out->targets++], item->valuestring);
    }
fail:
    return status;
}

/* As many numbers as there are targets. */
static enum mien_status read_numbers(const cJSON *object, const char *key, const char *where, uint32_t count,
                                     double *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *array = NULL, *item;
    uint32_t i = 0;
    TRY(base_json_array(object, key, where, &array));
    FAIL_IF(array && cJSON_GetArraySize(array) != (int)count, MIEN_ERR_DATA,
            "%s: \"%s\" must hold a number for each of the %u targets", where, key, count);
    cJSON_ArrayForEach(item, array)
    {
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\" must hold numbers", where, key);
        out[i++] = item->valuedouble;
    }
fail:
    return status;
}

enum mien_status io_head_config_parse(const cJSON *object, const char *where, struct io_head_config *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *names = NULL;
    uint32_t kind = IO_HEAD_NONE;
    *out = (struct io_head_config){0};
    for (uint32_t i = 0; i < IO_HEAD_TARGETS_MAX; i++)
        out->std[i] = 1;
    TRY(base_json_only(object, where, keys));
    TRY(base_json_choice(object, "kind", where, kinds, &kind));
    TRY(base_json_u32(object, "hidden", where, &out->hidden));
    TRY(base_json_array(object, "targets", where, &names));
    TRY(read_names(names, where, out));
    TRY(read_numbers(object, "mean", where, out->targets, out->mean));
    TRY(read_numbers(object, "std", where, out->targets, out->std));
    out->kind = (enum io_head_kind)kind;
    if (out->kind)
        TRY(io_head_config_check(out, where));
fail:
    return status;
}

cJSON *io_head_config_json(const struct io_head_config *c)
{
    const char *names[IO_HEAD_TARGETS_MAX];
    cJSON *object = cJSON_CreateObject();
    for (uint32_t i = 0; i < c->targets; i++)
        names[i] = c->name[i];
    bool good = cJSON_AddStringToObject(object, "kind", kinds[c->kind]) &&
                cJSON_AddNumberToObject(object, "hidden", c->hidden) &&
                cJSON_AddItemToObject(object, "targets", cJSON_CreateStringArray(names, (int)c->targets));
    if (c->kind == IO_HEAD_REGRESSION)
        good = good && cJSON_AddItemToObject(object, "mean", cJSON_CreateDoubleArray(c->mean, (int)c->targets)) &&
               cJSON_AddItemToObject(object, "std", cJSON_CreateDoubleArray(c->std, (int)c->targets));
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}
