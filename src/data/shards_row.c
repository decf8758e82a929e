/* shards_row.c: a sample of a shard as a row of a manifest. */
#include "data/frames.h"
#include "data/manifest_internal.h"
#include "data/shards.h"

#include <stdlib.h>
#include <string.h>

/* ---- members by what they are ---- */

static bool is_picture(const char *name)
{
    static const char *const words[] = {"jpg", "jpeg", "png", "webp"};
    const char *dot = strrchr(name, '.'), *word = dot ? dot + 1 : name;
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static bool is_text(const char *name)
{
    return strcmp(name, "txt") == 0 || strcmp(name, "text") == 0 || strcmp(name, "caption") == 0;
}

bool shard_is_meta(const char *name)
{
    return strcmp(name, "json") == 0 || strcmp(name, "cls") == 0 || is_text(name);
}

static const struct shard_content *find(const struct shard_content *c, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (name ? strcmp(c[i].name, name) == 0 : is_text(c[i].name))
            return &c[i];
    return NULL;
}

/* ---- the object ---- */

static enum mien_status put_item(const struct manifest_reader *r, cJSON *object, const char *key, cJSON *item)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    if (item && cJSON_AddItemToObject(object, key, item))
        return MIEN_OK;
    cJSON_Delete(item);
    return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory", r->where);
}

/* A text member as a string of the object, without the line ends that end it. */
static enum mien_status put_text(const struct manifest_reader *r, cJSON *object, const char *key,
                                 const struct shard_content *c)
{
    enum mien_status status = MIEN_OK;
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(object, key);
    char *text = NULL;
    size_t size = c ? c->bytes.size : 0, skip = 0;
    if (!c || (own && !cJSON_IsNull(own) && !(cJSON_IsString(own) && data_is_blank(own->valuestring))))
        return MIEN_OK;
    TRY(base_text_check(r->where, c->bytes.data, size, &skip));
    text = base_alloc(size + 1, 1);
    FAIL_IF_NULL(text, r->where);
    memcpy(text, (const char *)c->bytes.data + skip, size - skip);
    for (size -= skip; size && strchr(" \t\r\n", text[size - 1]);)
        text[--size] = 0;
    TRY(put_item(r, object, key, cJSON_CreateString(text)));
fail:
    base_free(text);
    return status;
}

/* Members that the columns name get the names of the keys; those two may change their places. */
static enum mien_status rename_keys(const struct manifest_reader *r, const char *const *columns, cJSON *object)
{
    enum mien_status status = MIEN_OK;
    cJSON *items[MANIFEST_COLUMNS] = {NULL};
    for (int i = 0; i < MANIFEST_COLUMNS; i++)
        items[i] = columns[i] ? cJSON_DetachItemFromObjectCaseSensitive(object, columns[i]) : NULL;
    for (int i = 0; i < MANIFEST_COLUMNS; i++) {
        cJSON *item = items[i];
        items[i] = NULL;
        if (item)
            TRY(put_item(r, object, manifest_columns[i], item));
        else if (columns[i])
            cJSON_DeleteItemFromObjectCaseSensitive(object, manifest_columns[i]);
    }
fail:
    for (int i = 0; i < MANIFEST_COLUMNS; i++)
        cJSON_Delete(items[i]);
    return status;
}

/* A class that is a number as the word that cls would be. */
static enum mien_status name_class(const struct manifest_reader *r, cJSON *object)
{
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(object, "label");
    char word[32];
    if (!cJSON_IsNumber(label))
        return MIEN_OK;
    snprintf(word, sizeof(word), "%.17g", label->valuedouble);
    return put_item(r, object, "label", cJSON_CreateString(word));
}

/* The members' object in the form of a manifest's row, with a stand-in for the pictures. */
static enum mien_status make_object(const struct manifest_reader *r, const char *const *columns,
                                    const struct shard_content *c, size_t count, cJSON **out, bool *is_clip)
{
    enum mien_status status = MIEN_OK;
    const struct shard_content *json = find(c, count, "json");
    cJSON *object = NULL;
    if (json)
        TRY(base_json_parse(json->bytes.data, json->bytes.size, r->where, &object));
    else
        object = cJSON_CreateObject();
    FAIL_IF_NULL(object, r->where);
    FAIL_IF(!cJSON_IsObject(object), MIEN_ERR_DATA, "%s: its .json is no object", r->where);
    *is_clip = base_json_member(object, "frames") != NULL;
    TRY(rename_keys(r, columns, object));
    TRY(name_class(r, object));
    cJSON_DeleteItemFromObjectCaseSensitive(object, "frames");
    cJSON_DeleteItemFromObjectCaseSensitive(object, "video");
    TRY(put_item(r, object, "image", cJSON_CreateString("-")));
    TRY(put_text(r, object, "caption", find(c, count, NULL)));
    TRY(put_text(r, object, "label", find(c, count, "cls")));
    *out = object;
    return MIEN_OK;
fail:
    cJSON_Delete(object);
    return status;
}

/* ---- pictures ---- */

static int by_nature(const void *a, const void *b)
{
    return data_natural_order(((const struct shard_content *)a)->name, ((const struct shard_content *)b)->name);
}

/* The pictures among the members as the row's. Without one the row's picture has no bytes: a bad sample. */
static enum mien_status put_pictures(const struct manifest_reader *r, const char *shard, const char *key,
                                     const struct shard_content *c, size_t count, bool is_clip, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct base_arena *arena = &r->m->arena;
    struct shard_content *kept = base_arena_array(arena, count + 1, sizeof(*kept));
    struct data_bytes *bytes = base_arena_array(arena, count + 1, sizeof(*bytes));
    const char **names = base_arena_array(arena, count + 1, sizeof(*names));
    uint32_t n = 0;
    FAIL_IF(!kept || !bytes || !names, MIEN_ERR_NOMEM, "%s: out of host memory", r->where);
    for (size_t i = 0; i < count; i++)
        if (is_picture(c[i].name))
            kept[n++] = c[i];
    qsort(kept, n, sizeof(*kept), by_nature);
    for (uint32_t i = 0; i < n || i == 0; i++) {
        bytes[i] = kept[i].bytes;
        names[i] = base_arena_printf(arena, "%s/%s.%s", shard, key, n ? kept[i].name : "(no jpg, jpeg, png or webp)");
        FAIL_IF_NULL(names[i], r->where);
    }
    is_clip = n > 1 || (n == 1 && is_clip);
    row->bytes = bytes;
    row->image = is_clip ? NULL : names[0];
    row->frames = is_clip ? names : NULL;
    row->frame_count = is_clip ? n : 0;
fail:
    return status;
}

enum mien_status shard_make_row(const struct data_shards *shards, const char *shard, const char *key, uint64_t byte,
                                const struct shard_content *c, size_t count, bool quiet, struct data_manifest *m,
                                struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct manifest_reader r = {.m = m, .dir = ".", .quiet = quiet};
    cJSON *object = NULL;
    bool is_clip = false;
    shard_where(r.where, sizeof(r.where), shard, key, byte);
    *row = (struct data_row){.where = base_arena_strdup(&m->arena, r.where)};
    FAIL_IF_NULL(row->where, r.where);
    TRY(make_object(&r, shards->columns, c, count, &object, &is_clip));
    TRY(manifest_read_row(&r, object, row));
    TRY(put_pictures(&r, shard, key, c, count, is_clip, row));
fail:
    cJSON_Delete(object);
    return status;
}
