/* tuned.c: the table of what is the fastest kernel of which call on a device, and its file: JSON, so that people can
 * read it. Whoever chooses kernels takes a row only where it names one that could serve anyway, so that a wrong byte
 * costs speed, never more. */
#include "vk/vk_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 24 };

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static int compare(const struct vk_choice *row, const char *call, uint64_t key)
{
    int order = strcmp(row->call, call);
    return order ? order : (row->key > key) - (row->key < key);
}

/* Where the row stands, or would. */
static size_t place_of(const struct vk_tuned *tuned, const char *call, uint64_t key)
{
    size_t low = 0, high = tuned->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&tuned->row[middle], call, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct vk_tuned *tuned, size_t at, const char *call, uint64_t key)
{
    return at < tuned->count && compare(&tuned->row[at], call, key) == 0;
}

const struct vk_choice *vk_tuned_find(const struct vk_tuned *tuned, const char *call, uint64_t key)
{
    if (!tuned)
        return NULL;
    if (tuned->asked)
        tuned->asked(tuned->user, call);
    size_t at = place_of(tuned, call, key);
    return stands_at(tuned, at, call, key) ? &tuned->row[at] : NULL;
}

enum mien_status vk_tuned_put(struct vk_tuned *tuned, const struct vk_choice *row)
{
    enum mien_status status = MIEN_OK;
    size_t at = place_of(tuned, row->call, row->key);
    if (!stands_at(tuned, at, row->call, row->key)) {
        FAIL_IF(tuned->count == VK_TUNED_MOST, MIEN_ERR_NOMEM,
                "a table of tuned kernels has %d rows at most; mien tune --clear begins another", VK_TUNED_MOST);
        TRY(base_grow(&tuned->row, &tuned->capacity, tuned->count + 1, sizeof *tuned->row));
        memmove(&tuned->row[at + 1], &tuned->row[at], (tuned->count - at) * sizeof *tuned->row);
        tuned->count++;
    }
    tuned->row[at] = *row;
fail:
    return status;
}

const struct vk_choice *vk_tuned_lost(const struct vk_tuned *tuned, const struct vk_choice *row)
{
    for (size_t i = 0; tuned && i < tuned->lost_count; i++) {
        const struct vk_choice *lost = &tuned->lost[i];
        if (compare(lost, row->call, row->key) == 0 && strcmp(lost->variant, row->variant) == 0 &&
            strcmp(lost->tile, row->tile) == 0)
            return lost;
    }
    return NULL;
}

enum mien_status vk_tuned_lose(struct vk_tuned *tuned, const struct vk_choice *row)
{
    enum mien_status status = MIEN_OK;
    if (vk_tuned_lost(tuned, row) || tuned->lost_count == VK_TUNED_MOST)
        return MIEN_OK;
    TRY(base_grow(&tuned->lost, &tuned->lost_capacity, tuned->lost_count + 1, sizeof *tuned->lost));
    tuned->lost[tuned->lost_count++] = *row;
fail:
    return status;
}

void vk_tuned_clear(struct vk_tuned *tuned)
{
    base_free(tuned->row);
    base_free(tuned->lost);
    *tuned = (struct vk_tuned){0};
}

enum mien_status vk_tuned_copy(const struct vk_tuned *tuned, struct vk_tuned *out)
{
    enum mien_status status = MIEN_OK;
    *out = tuned ? (struct vk_tuned){.asked = tuned->asked, .user = tuned->user} : (struct vk_tuned){0};
    for (size_t i = 0; tuned && i < tuned->count; i++)
        TRY(vk_tuned_put(out, &tuned->row[i]));
fail:
    if (status != MIEN_OK)
        vk_tuned_clear(out);
    return status;
}

/* ---- as JSON ----------------------------------------------------------------------------------------------------- */

static struct base_json print_row(const struct vk_choice *row)
{
    struct base_json json = base_json_object_begin();
    char key[17];
    snprintf(key, sizeof key, "%016" PRIx64, row->key);
    base_put_text(&json, "call", row->call);
    base_put_text(&json, "variant", row->variant);
    if (row->tile[0])
        base_put_text(&json, "tile", row->tile);
    base_put_text(&json, "choices", key);
    if (row->why[0])
        base_put_text(&json, "why", row->why);
    else
        base_put_number(&json, "gain", row->gain);
    return json;
}

static struct base_json print_rows(const struct vk_choice *row, size_t count)
{
    struct base_json list = base_json_list_begin();
    for (size_t i = 0; i < count; i++) {
        struct base_json one = print_row(&row[i]);
        base_add_tree(&list, &one);
    }
    return list;
}

cJSON *vk_tuned_list(const struct vk_tuned *tuned)
{
    struct base_json list = print_rows(tuned ? tuned->row : NULL, tuned ? tuned->count : 0);
    return base_json_end(&list);
}

static enum mien_status read_row(const cJSON *json, const char *where, bool lost, struct vk_choice *row)
{
    enum mien_status status = MIEN_OK;
    const char *tile = "", *key = "";
    *row = (struct vk_choice){.gain = 1};
    TRY(vk_file_text(json, "call", where, row->call, sizeof row->call));
    TRY(vk_file_text(json, "variant", where, row->variant, sizeof row->variant));
    if (lost)
        TRY(vk_file_text(json, "why", where, row->why, sizeof row->why));
    TRY(base_json_string(json, "tile", where, &tile));
    FAIL_IF(strlen(tile) >= sizeof row->tile, MIEN_ERR_DATA, "%s: \"tile\" is too long", where);
    snprintf(row->tile, sizeof row->tile, "%s", tile);
    TRY(base_json_string(json, "choices", where, &key));
    FAIL_IF(!vk_file_hex(key, &row->key), MIEN_ERR_DATA, "%s: \"choices\" is \"%s\"; it takes 16 digits", where, key);
    TRY(base_json_number(json, "gain", where, &row->gain));
    FAIL_IF(!(row->gain > 0), MIEN_ERR_DATA, "%s: \"gain\" should be above 0", where);
fail:
    return status;
}

static enum mien_status read_rows(const cJSON *list, const char *where, bool lost, struct vk_tuned *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    struct vk_choice row;
    FAIL_IF(cJSON_GetArraySize(list) > VK_TUNED_MOST, MIEN_ERR_DATA, "%s: more rows than a table has", where);
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(!cJSON_IsObject(item), MIEN_ERR_DATA, "%s: a row is no object", where);
        TRY(read_row(item, where, lost, &row));
        TRY(lost ? vk_tuned_lose(out, &row) : vk_tuned_put(out, &row));
    }
fail:
    return status;
}

enum mien_status vk_tuned_take(const cJSON *list, const char *where, struct vk_tuned *out)
{
    *out = (struct vk_tuned){0};
    enum mien_status status = read_rows(list, where, false, out);
    if (status != MIEN_OK)
        vk_tuned_clear(out);
    return status;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

char *vk_tuned_path(const struct vk_caps *caps, const char *dir)
{
    char *own = NULL, *path = NULL;
    vk_cache_place(caps, dir, "tuned", ".json", &own, &path);
    base_free(own);
    return path;
}

static enum mien_status parse(const struct vk_caps *caps, const char *text, size_t size, const char *path,
                              struct vk_tuned *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *rows = NULL, *lost = NULL;
    TRY(base_json_parse(text, size, path, &json));
    TRY(vk_file_check_head(caps, json, "tuned kernels", path));
    TRY(base_json_array(json, "tuned", path, &rows));
    TRY(base_json_array(json, "lost", path, &lost));
    TRY(read_rows(rows, path, false, out));
    TRY(read_rows(lost, path, true, out));
fail:
    cJSON_Delete(json);
    return status;
}

enum mien_status vk_tuned_read(const struct vk_caps *caps, const char *path, struct vk_tuned *out)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size = 0;
    *out = (struct vk_tuned){0};
    if (!path || !base_file_exists(path))
        return MIEN_OK;
    TRY(base_file_read(path, FILE_MOST, &text, &size));
    TRY(parse(caps, text, size, path, out));
fail:
    base_free(text);
    if (status != MIEN_OK)
        vk_tuned_clear(out);
    return status;
}

enum mien_status vk_tuned_write(const struct vk_caps *caps, const char *path, const struct vk_tuned *tuned)
{
    enum mien_status status = MIEN_OK;
    struct base_json json = base_json_object_begin(), rows = print_rows(tuned->row, tuned->count),
                     lost = print_rows(tuned->lost, tuned->lost_count);
    vk_file_print_head(caps, &json);
    base_put_tree(&json, "tuned", &rows);
    base_put_tree(&json, "lost", &lost);
    cJSON *tree = base_json_end(&json);
    char *text = tree ? base_json_print(tree, true) : NULL, *dir = base_path_dir(path);
    FAIL_IF(!text || !dir, MIEN_ERR_NOMEM, "out of host memory for %s", path);
    TRY(base_dir_create(dir));
    TRY(base_file_write_own(path, text, strlen(text)));
fail:
    cJSON_Delete(tree);
    base_free(text);
    base_free(dir);
    return status;
}

/* ---- of a device ------------------------------------------------------------------------------------------------- */

void vk_device_tune(struct vk_device *device, const struct vk_tuned *tuned)
{
    const struct vk_tuned *own = device->tuned.count ? &device->tuned : NULL;
    device->caps.tuned = device->created.tuned = tuned ? tuned : own;
}

enum mien_status vk_tuned_open(struct vk_device *device)
{
    char why[400] = "";
    if (device->tune_off)
        return MIEN_OK;
    char *path = vk_tuned_path(&device->physical->caps, device->cache_dir);
    base_log_divert(why, sizeof why);
    enum mien_status status = vk_tuned_read(&device->physical->caps, path, &device->tuned);
    base_log_divert(NULL, 0);
    base_free(path);
    if (status == MIEN_ERR_NOMEM)
        return base_fail(status, "out of host memory for a table of tuned kernels");
    if (status != MIEN_OK)
        LOG_WARN("tuned kernels: %s; they are not used, and the rules serve: mien tune measures anew", why);
    vk_device_tune(device, NULL);
    return MIEN_OK;
}

void vk_tuned_describe(const struct vk_caps *caps, const char *dir, char *text, size_t size)
{
    struct vk_tuned tuned;
    char why[400], *path = vk_tuned_path(caps, dir);
    size_t faster = 0;
    base_log_divert(why, sizeof why);
    enum mien_status status = vk_tuned_read(caps, path, &tuned);
    base_log_divert(NULL, 0);
    for (size_t i = 0; i < tuned.count; i++)
        faster += tuned.row[i].gain > 1;
    text[0] = 0;
    if (status != MIEN_OK)
        snprintf(text, size, "not used: %s", why);
    else if (tuned.count)
        snprintf(text, size, "%zu calls, %zu of them faster than by the rules (%s)", tuned.count, faster, path);
    vk_tuned_clear(&tuned);
    base_free(path);
}
