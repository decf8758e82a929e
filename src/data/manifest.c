/* manifest.c: JSON Lines. */
#include "data/manifest.h"

#include "mien/data.h"

#include <string.h>

enum { MAX_FILE = 2147483647 };

struct context {
    struct data_manifest *m;
    const char *dir;
    char where[1200]; /* "path:line" */
};

const char *manifest_path(struct data_manifest *m, const char *dir, const char *name)
{
    char *joined = base_path_join(dir, name);
    const char *kept = joined ? base_arena_strdup(&m->arena, joined) : NULL;
    base_free(joined);
    return kept;
}

enum mien_status manifest_split(const char *where, const char *word, enum data_split *out)
{
    static const char *const words[] = {"", "train", "val", "test"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (enum data_split)i;
            return MIEN_OK;
        }
    return base_fail(MIEN_ERR_DATA, "%s: \"split\" is \"%s\"; train, val or test was expected", where, word);
}

/* A member's string, copied; *out stays NULL when it is missing. */
static enum mien_status read_string(struct context *c, const cJSON *object, const char *key, const char **out)
{
    enum mien_status status = MIEN_OK;
    const char *text = NULL;
    TRY(base_json_string(object, key, c->where, &text));
    if (text) {
        *out = base_arena_strdup(&c->m->arena, text);
        FAIL_IF_NULL(*out, c->where);
    }
fail:
    return status;
}

/* An array of strings; as paths when `paths`. */
static enum mien_status read_strings(struct context *c, const cJSON *list, const char *key, bool paths,
                                     const char *const **out, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = (uint32_t)cJSON_GetArraySize(list), i = 0;
    const cJSON *item;
    const char **strings = base_arena_array(&c->m->arena, n, sizeof(*strings));
    FAIL_IF_NULL(strings, c->where);
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(!cJSON_IsString(item), MIEN_ERR_DATA, "%s: \"%s\" holds something that is not a string", c->where, key);
        strings[i] =
            paths ? manifest_path(c->m, c->dir, item->valuestring) : base_arena_strdup(&c->m->arena, item->valuestring);
        FAIL_IF_NULL(strings[i], c->where);
        i++;
    }
    *out = strings;
    *count = n;
fail:
    return status;
}

/* Numbers of an array that must have `n` of them. */
static enum mien_status read_numbers(struct context *c, const cJSON *object, const char *key, int n, double *out,
                                     bool *found)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *item;
    TRY(base_json_array(object, key, c->where, &list));
    *found = list != NULL;
    if (!list)
        return MIEN_OK;
    FAIL_IF(cJSON_GetArraySize(list) != n, MIEN_ERR_DATA, "%s: \"%s\" needs %d numbers", c->where, key, n);
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\" needs %d numbers", c->where, key, n);
        *out++ = item->valuedouble;
    }
fail:
    return status;
}

/* {"name": number, ...} */
static enum mien_status read_values(struct context *c, const cJSON *object, const char *key,
                                    const struct data_value **out, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    const cJSON *part = NULL, *item;
    uint32_t i = 0;
    TRY(base_json_object(object, key, c->where, &part));
    if (!part)
        return MIEN_OK;
    *count = (uint32_t)cJSON_GetArraySize(part);
    struct data_value *values = base_arena_array(&c->m->arena, *count, sizeof(*values));
    FAIL_IF_NULL(values, c->where);
    cJSON_ArrayForEach(item, part)
    {
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\": \"%s\" is not a number", c->where, key,
                item->string);
        values[i].name = base_arena_strdup(&c->m->arena, item->string);
        FAIL_IF_NULL(values[i].name, c->where);
        values[i++].value = item->valuedouble;
    }
    *out = values;
fail:
    return status;
}

/* "image": path | "frames": directory or list | "video": path; exactly one. */
static enum mien_status read_source(struct context *c, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *image = NULL, *video = NULL, *dir = NULL;
    const cJSON *frames = cJSON_GetObjectItemCaseSensitive(object, "frames");
    TRY(base_json_string(object, "image", c->where, &image));
    TRY(base_json_string(object, "video", c->where, &video));
    if (cJSON_IsArray(frames))
        TRY(read_strings(c, frames, "frames", true, &row->frames, &row->frame_count));
    else
        TRY(base_json_string(object, "frames", c->where, &dir));
    FAIL_IF((image != NULL) + (video != NULL) + (frames != NULL) != 1, MIEN_ERR_DATA,
            "%s: exactly one of \"image\", \"frames\" and \"video\" is needed", c->where);
    FAIL_IF((image && !*image) || (video && !*video) || (dir && !*dir) || (row->frames && row->frame_count == 0),
            MIEN_ERR_DATA, "%s: the path of the sample is empty", c->where);
    const char *path = image ? image : video ? video : dir;
    const char *joined = path ? manifest_path(c->m, c->dir, path) : NULL;
    FAIL_IF(path && !joined, MIEN_ERR_NOMEM, "%s: out of host memory", c->where);
    row->image = image ? joined : NULL;
    row->video = video ? joined : NULL;
    row->frames_dir = dir ? joined : NULL;
fail:
    return status;
}

static enum mien_status read_caption(struct context *c, const cJSON *object, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *caption = cJSON_GetObjectItemCaseSensitive(object, "caption"), *local = NULL;
    const char *text = NULL;
    if (!cJSON_IsObject(caption)) {
        TRY(read_string(c, object, "caption", &text));
        if (text)
            TRY(data_caption_split(&c->m->arena, text, out));
        return MIEN_OK;
    }
    TRY(read_string(c, caption, "global", &out->global));
    TRY(read_string(c, caption, "summary", &out->summary));
    TRY(base_json_array(caption, "local", c->where, &local));
    if (local)
        TRY(read_strings(c, local, "local", false, &out->local, &out->local_count));
fail:
    return status;
}

static enum mien_status read_labels(struct context *c, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(object, "label");
    const char *word = NULL;
    if (cJSON_IsArray(label))
        return read_strings(c, label, "label", false, &row->labels, &row->label_count);
    TRY(read_string(c, object, "label", &word));
    if (word) {
        const char **list = base_arena_array(&c->m->arena, 1, sizeof(*list));
        FAIL_IF_NULL(list, c->where);
        list[0] = word;
        row->labels = list;
        row->label_count = 1;
    }
fail:
    return status;
}

static enum mien_status read_choice(struct context *c, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const cJSON *options = NULL;
    uint32_t answer = UINT32_MAX;
    TRY(read_string(c, object, "question", &row->question));
    TRY(base_json_array(object, "options", c->where, &options));
    if (options)
        TRY(read_strings(c, options, "options", false, &row->options, &row->option_count));
    TRY(base_json_u32(object, "answer", c->where, &answer));
    FAIL_IF(answer != UINT32_MAX && answer >= row->option_count, MIEN_ERR_DATA,
            "%s: \"answer\" is %u, the index of one of the %u options was expected", c->where, answer,
            row->option_count);
    row->answer = answer == UINT32_MAX ? -1 : (int32_t)answer;
fail:
    return status;
}

static enum mien_status read_groups(struct context *c, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *split = "";
    uint32_t fold = UINT32_MAX;
    const cJSON *subject = cJSON_GetObjectItemCaseSensitive(object, "subject");
    TRY(base_json_string(object, "split", c->where, &split));
    TRY(manifest_split(c->where, split, &row->split));
    TRY(base_json_u32(object, "fold", c->where, &fold));
    row->fold = fold > INT32_MAX ? -1 : (int32_t)fold;
    if (cJSON_IsNumber(subject)) { /* an id that was written as a number */
        row->subject = base_arena_printf(&c->m->arena, "%.17g", subject->valuedouble);
        FAIL_IF_NULL(row->subject, c->where);
    } else {
        TRY(read_string(c, object, "subject", &row->subject));
    }
fail:
    return status;
}

static enum mien_status read_row(struct context *c, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    double box[4];
    TRY(read_source(c, object, row));
    TRY(read_caption(c, object, &row->caption));
    TRY(read_labels(c, object, row));
    TRY(read_numbers(c, object, "va", 2, row->va, &row->has_va));
    TRY(read_numbers(c, object, "box", 4, box, &row->has_box));
    if (row->has_box)
        TRY(mien_box_round(box, row->box));
    TRY(read_values(c, object, "au", &row->aus, &row->au_count));
    TRY(read_values(c, object, "targets", &row->targets, &row->target_count));
    TRY(read_choice(c, object, row));
    TRY(read_groups(c, object, row));
fail:
    return status;
}

static enum mien_status read_line(struct context *c, const char *text, size_t size, uint32_t line, size_t *capacity)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    struct data_manifest *m = c->m;
    snprintf(c->where, sizeof(c->where), "%s:%u", m->path, line);
    TRY(base_json_parse(text, size, c->where, &json));
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: one JSON object per line was expected", c->where);
    TRY(base_grow(&m->rows, capacity, m->count + 1, sizeof(*m->rows)));
    m->rows[m->count] = (struct data_row){.line = line};
    TRY(read_row(c, json, &m->rows[m->count]));
    m->count++;
fail:
    cJSON_Delete(json);
    return status;
}

static enum mien_status read_lines(struct context *c, const char *text, size_t size)
{
    enum mien_status status = MIEN_OK;
    size_t capacity = 0;
    uint32_t line = 1;
    for (size_t at = 0; at < size; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t next = end ? (size_t)(end - text) + 1 : size, length = (end ? next - 1 : size) - at;
        size_t blank = 0;
        while (blank < length && strchr(" \t\r", text[at + blank]) && text[at + blank])
            blank++;
        if (blank < length)
            TRY(read_line(c, text + at, length, line, &capacity));
        at = next;
    }
fail:
    return status;
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

static enum mien_status read_json(const char *path, struct data_manifest *m)
{
    enum mien_status status = MIEN_OK;
    struct context c = {.m = m};
    char *text = NULL, *dir = base_path_dir(path);
    size_t size = 0, skip = 0;
    FAIL_IF_NULL(dir, path);
    c.dir = dir;
    TRY(base_file_read(path, MAX_FILE, &text, &size));
    TRY(base_text_check(path, text, size, &skip));
    TRY(read_lines(&c, text + skip, size - skip));
fail:
    base_free(text);
    base_free(dir);
    return status;
}

enum mien_status data_manifest_read(const char *path, struct data_manifest **out)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *m = base_alloc(1, sizeof(*m));
    *out = NULL;
    FAIL_IF_NULL(m, path);
    m->path = base_arena_strdup(&m->arena, path);
    FAIL_IF_NULL(m->path, path);
    if (ends_with(path, ".csv") || ends_with(path, ".tsv"))
        TRY(manifest_read_csv(path, ends_with(path, ".tsv") ? '\t' : ',', m));
    else
        TRY(read_json(path, m));
    FAIL_IF(m->count == 0, MIEN_ERR_DATA, "%s: holds no sample; one JSON object per line is expected", path);
    *out = m;
    return MIEN_OK;
fail:
    data_manifest_destroy(&m);
    return status;
}

void data_manifest_destroy(struct data_manifest **manifest)
{
    if (!manifest || !*manifest)
        return;
    base_free((*manifest)->rows);
    base_arena_clear(&(*manifest)->arena);
    base_free(*manifest);
    *manifest = NULL;
}

enum mien_status data_manifest_select(const struct data_manifest *manifest, enum data_split split, bool absent_too,
                                      uint32_t **rows, size_t *count)
{
    bool all = split == DATA_SPLIT_NONE && absent_too;
    *count = 0;
    *rows = base_alloc(manifest->count + 1, sizeof(**rows));
    if (!*rows)
        return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory", manifest->path);
    for (size_t i = 0; i < manifest->count; i++) {
        enum data_split s = manifest->rows[i].split;
        if (all || s == split || (absent_too && s == DATA_SPLIT_NONE))
            (*rows)[(*count)++] = (uint32_t)i;
    }
    return MIEN_OK;
}

const char *data_row_label_after(const struct data_row *row, const char *before)
{
    const char *next = NULL;
    for (uint32_t i = 0; i < row->label_count; i++)
        if ((!before || strcmp(row->labels[i], before) > 0) && (!next || strcmp(row->labels[i], next) < 0))
            next = row->labels[i];
    return next;
}

const char *data_row_label(const struct data_row *row, char *buffer, size_t size)
{
    size_t n = 0;
    buffer[0] = '\0';
    for (const char *label = data_row_label_after(row, NULL); label && n < size;
         label = data_row_label_after(row, label))
        n += (size_t)snprintf(buffer + n, size - n, "%s%s", n ? " and " : "", label);
    return buffer;
}
