/* store.c: embeddings in safetensors files: bare, and of a collection, with what they are of. */
#include "use/store.h"

#include "base/crc32.h"
#include "io/safetensors.h"
#include "use/rows.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, HEX = 2 * USE_KEY + 1 };
static const char meta[] = "mien.embeddings", sum_key[] = "crc32"; /* of all rows: a damaged one looks like any other */
static const char *const names[2] = {"image_embeds", "video_embeds"}, *const lists[2] = {"images", "videos"};

static enum mien_status write_sets(const char *path, const struct mien_embeds *sets, size_t count,
                                   const char *const *metadata, const char *function)
{
    enum mien_status status = MIEN_OK;
    struct io_tensor_out *tensors = base_alloc(count + 1, sizeof(*tensors));
    FAIL_IF_NULL(tensors, "a list of tensors");
    for (size_t i = 0; i < count; i++) {
        FAIL_IF(!sets[i].name || !sets[i].data, MIEN_ERR_ARG, "%s: set %zu has no name or no data", function, i);
        tensors[i] = (struct io_tensor_out){
            .name = sets[i].name, .dtype = IO_F32, .rank = 2, .dims = {sets[i].rows, sets[i].width}};
        tensors[i].data = sets[i].data;
        uint64_t values = (uint64_t)sets[i].rows * sets[i].width, bad = io_first_not_finite(sets[i].data, values);
        FAIL_IF(bad < values, MIEN_ERR_FAILED, "%s: not written: row %llu of %s is not finite", path,
                (unsigned long long)(bad / sets[i].width), sets[i].name);
    }
    TRY(io_safetensors_write(path, tensors, count, metadata, NULL, NULL));
fail:
    base_free(tensors);
    return status;
}

enum mien_status mien_embeds_write(const char *path, const struct mien_embeds *sets, size_t count)
{
    if (!path || !path[0] || !sets)
        return base_fail(MIEN_ERR_ARG, "mien_embeds_write: a path and embeddings are needed");
    return write_sets(path, sets, count, NULL, "mien_embeds_write");
}

/* ---- finding ---- */

struct sorted {
    const struct use_stored *entry;
};

static int by_key(const void *a, const void *b)
{
    const struct use_stored *x = ((const struct sorted *)a)->entry, *y = ((const struct sorted *)b)->entry;
    int order = memcmp(x->key.bytes, y->key.bytes, USE_KEY);
    return order ? order : (x > y) - (x < y);
}

enum mien_status use_store_sort(struct mien_store *s)
{
    enum mien_status status = MIEN_OK;
    struct sorted *all = base_alloc(s->count + 1, sizeof(*all));
    s->sorted = base_arena_array(&s->arena, s->count + 1, sizeof(*s->sorted));
    s->known = 0;
    FAIL_IF(!all || !s->sorted, MIEN_ERR_NOMEM, "out of host memory for stored embeddings");
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].key.known && s->entries[i].row)
            all[s->known++].entry = &s->entries[i];
    qsort(all, s->known, sizeof(*all), by_key);
    for (size_t i = 0; i < s->known; i++)
        s->sorted[i] = (uint32_t)(all[i].entry - s->entries);
fail:
    base_free(all);
    return status;
}

const struct use_stored *use_store_find(const struct mien_store *s, const struct use_key *key)
{
    size_t low = 0, high = s->known;
    while (key->known && low < high) {
        size_t middle = low + (high - low) / 2;
        const struct use_stored *entry = &s->entries[s->sorted[middle]];
        int order = memcmp(key->bytes, entry->key.bytes, USE_KEY);
        if (order == 0)
            return entry;
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return NULL;
}

bool mien_store_at(const struct mien_store *store, size_t index, struct mien_store_entry *entry)
{
    if (!store || !entry || index >= store->count)
        return false;
    const struct use_stored *e = &store->entries[index];
    const struct mien_store_entry own = {.size = sizeof(own), .path = e->path, .embed = e->row, .is_clip = e->is_clip};
    return SIZED_WRITE(entry, &own) == MIEN_OK;
}

void mien_store_destroy(struct mien_store **store)
{
    if (!store || !*store)
        return;
    base_free((*store)->data);
    base_free((*store)->name);
    base_arena_clear(&(*store)->arena);
    base_free(*store);
    *store = NULL;
}

/* ---- writing ---- */

static cJSON *list_of(const struct mien_store *s, bool clips)
{
    struct base_json list = base_json_list_begin();
    for (size_t i = 0; i < s->count; i++) {
        const struct use_stored *e = &s->entries[i];
        char hex[HEX];
        if (e->is_clip != clips || !e->row)
            continue;
        struct base_json object = base_json_object_begin();
        base_put_text(&object, "path", e->path);
        base_put_number(&object, "size", (double)e->key.size);
        for (int k = 0; k < USE_KEY; k++)
            snprintf(hex + 2 * k, 3, "%02x", e->key.bytes[k]);
        base_put_text(&object, "key", e->key.known ? hex : NULL);
        base_add_tree(&list, &object);
    }
    return base_json_end(&list);
}

/* base_free'd by the caller; NULL when memory has run out. */
static char *describe(const struct mien_store *s, uint32_t sum)
{
    struct base_json object = base_json_object_begin();
    char hex[HEX];
    for (int k = 0; k < USE_KEY; k++)
        snprintf(hex + 2 * k, 3, "%02x", s->model[k]);
    base_put_number(&object, "version", VERSION);
    base_put_text(&object, "model", hex);
    base_put(&object, "raw", cJSON_CreateBool(s->raw));
    base_put_number(&object, sum_key, sum);
    for (int kind = 0; kind < 2; kind++)
        base_put(&object, lists[kind], list_of(s, kind));
    cJSON *tree = base_json_end(&object);
    char *text = tree ? base_json_print(tree, false) : NULL;
    cJSON_Delete(tree);
    return text;
}

enum mien_status mien_store_write(const struct mien_store *s, const char *path, const struct mien_embeds *more,
                                  size_t more_count)
{
    enum mien_status status = MIEN_OK;
    struct mien_embeds *sets = NULL;
    char *text = NULL;
    float *rows = NULL;
    size_t count = 0, at = 0;
    NEED(s && path && path[0] && (!more_count || more));
    sets = base_alloc(more_count + 2, sizeof(*sets));
    rows = base_alloc(s->count * s->width + 1, sizeof(*rows));
    FAIL_IF(!sets || !rows, MIEN_ERR_NOMEM, "out of host memory for stored embeddings");
    for (int kind = 0; kind < 2; kind++) {
        bool any = false;
        sets[count] = (struct mien_embeds){names[kind], rows + at * s->width, 0, s->width};
        for (size_t i = 0; i < s->count; i++) {
            any |= s->entries[i].is_clip == kind;
            if (s->entries[i].is_clip != kind || !s->entries[i].row)
                continue;
            memcpy(rows + at++ * s->width, s->entries[i].row, s->width * sizeof(*rows));
            sets[count].rows++;
        }
        count += any;
    }
    for (size_t i = 0; i < more_count; i++)
        sets[count++] = more[i];
    text = describe(s, base_crc32(0, rows, at * s->width * sizeof(*rows)));
    FAIL_IF_NULL(text, "stored embeddings");
    TRY(write_sets(path, sets, count, (const char *const[]){meta, text, NULL}, __func__));
fail:
    base_free(text);
    base_free(rows);
    base_free(sets);
    return status;
}

/* ---- reading ---- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *hex, unsigned char out[USE_KEY])
{
    if (!hex || strlen(hex) != 2 * USE_KEY)
        return false;
    for (int k = 0; k < USE_KEY; k++) {
        int high = digit_of(hex[2 * k]), low = digit_of(hex[2 * k + 1]);
        if (high < 0 || low < 0)
            return false;
        out[k] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static enum mien_status read_entry(struct mien_store *s, const cJSON *json, const char *where, struct use_stored *e)
{
    enum mien_status status = MIEN_OK;
    const char *path = NULL, *key = NULL;
    TRY(base_json_string(json, "path", where, &path));
    TRY(base_json_string(json, "key", where, &key));
    TRY(base_json_u64(json, "size", where, &e->key.size));
    FAIL_IF(key && !read_hex(key, e->key.bytes), MIEN_ERR_DATA, "%s: \"key\" is not %d hexadecimal digits", where,
            2 * USE_KEY);
    e->key.known = key != NULL;
    if (path) {
        e->path = base_arena_strdup(&s->arena, path);
        FAIL_IF_NULL(e->path, "a path");
    }
fail:
    return status;
}

/* Rows of one kind: those of the tensor are those of the list. */
static enum mien_status read_kind(struct mien_store *s, const struct io_safetensors *file, const cJSON *object,
                                  int kind, size_t first)
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor *tensor = io_safetensors_find(file, names[kind]);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, lists[kind]), *item = NULL;
    size_t count = (size_t)cJSON_GetArraySize(list), i = first;
    FAIL_IF(tensor ? tensor->rank != 2 || tensor->dims[0] != count || tensor->dims[1] != s->width : count > 0,
            MIEN_ERR_DATA, "%s: %s is not %zu rows of the model's %u numbers, as \"%s\" says", s->name, names[kind],
            count, s->width, meta);
    if (tensor)
        TRY(io_tensor_read_f32(tensor, 0, tensor->count, s->data + first * s->width));
    cJSON_ArrayForEach(item, list)
    {
        char where[1200];
        snprintf(where, sizeof(where), "%s: %s %zu", s->name, lists[kind], i - first);
        struct use_stored *e = &s->entries[i];
        *e = (struct use_stored){.row = s->data + i * s->width, .is_clip = kind};
        TRY(read_entry(s, item, where, e));
        i++;
    }
fail:
    return status;
}

static enum mien_status check_model(const struct mien_store *s, const cJSON *object)
{
    enum mien_status status = MIEN_OK;
    const char *model = NULL;
    unsigned char key[USE_KEY];
    uint32_t version = 0;
    TRY(base_json_u32(object, "version", s->name, &version));
    FAIL_IF(version != VERSION, MIEN_ERR_DATA,
            "%s: embeddings of version %u, which this version of Mien (%s) does not "
            "read; embed the collection again",
            s->name, version, mien_version());
    TRY(base_json_string(object, "model", s->name, &model));
    FAIL_IF(!read_hex(model, key), MIEN_ERR_DATA, "%s: \"model\" is not %d hexadecimal digits", s->name, 2 * USE_KEY);
    FAIL_IF(memcmp(key, s->model, USE_KEY) != 0, MIEN_ERR_DATA,
            "%s: these embeddings were made by another model (other weights, preprocessing or --precision); name that "
            "one, or embed the collection again with this one (mien embed --manifest)",
            s->name);
fail:
    return status;
}

/* Files of older versions say no sum. */
static enum mien_status check_sum(const struct mien_store *s, const cJSON *object)
{
    enum mien_status status = MIEN_OK;
    uint32_t sum = base_crc32(0, s->data, s->count * s->width * sizeof(*s->data)), said = sum;
    TRY(base_json_u32(object, sum_key, s->name, &said));
    FAIL_IF(
        said != sum, MIEN_ERR_DATA,
        "%s: damaged: its embeddings are not those that were written (their checksum differs); embed the collection "
        "again",
        s->name);
fail:
    return status;
}

static enum mien_status read_file(struct mien_store *s, const struct io_safetensors *file)
{
    enum mien_status status = MIEN_OK;
    const char *text = io_safetensors_metadata(file, meta);
    cJSON *object = NULL;
    size_t images;
    FAIL_IF(!text, MIEN_ERR_DATA,
            "%s: it does not say what its embeddings are of (no metadata \"%s\"); make it by mien "
            "embed",
            s->name, meta);
    TRY(base_json_parse(text, strlen(text), s->name, &object));
    TRY(check_model(s, object));
    TRY(base_json_bool(object, "raw", s->name, &s->raw));
    images = (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, lists[0]));
    s->count = images + (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, lists[1]));
    FAIL_IF(s->count > UINT32_MAX, MIEN_ERR_DATA, "%s: too many embeddings", s->name);
    s->entries = base_arena_array(&s->arena, s->count + 1, sizeof(*s->entries));
    s->data = base_alloc(s->count * s->width + 1, sizeof(*s->data));
    FAIL_IF(!s->entries || !s->data, MIEN_ERR_NOMEM, "out of host memory for stored embeddings");
    TRY(read_kind(s, file, object, 0, 0));
    TRY(read_kind(s, file, object, 1, images));
    TRY(check_sum(s, object));
    TRY(use_store_sort(s));
fail:
    cJSON_Delete(object);
    return status;
}

enum mien_status mien_store_read(struct mien_model *model, const char *path, struct mien_store **out)
{
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    struct mien_store *s = NULL;
    NEED(out);
    *out = NULL;
    NEED(model && path);
    s = base_alloc(1, sizeof(*s));
    FAIL_IF_NULL(s, "stored embeddings");
    s->name = use_copy_text(path);
    FAIL_IF_NULL(s->name, "stored embeddings");
    s->width = model->nn->config.embed;
    TRY(use_model_key(model, s->model));
    TRY(io_safetensors_open(path, &file));
    TRY(read_file(s, file));
    *out = s;
    s = NULL;
fail:
    io_safetensors_close(&file);
    mien_store_destroy(&s);
    return use_ended(model, status);
}
