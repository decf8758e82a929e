/* manifest.c: JSON Lines. */
#include "data/manifest_internal.h"
#include "data/shards.h"

#include <string.h>

enum { MAX_FILE = 2147483647 };

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

static enum mien_status read_line(struct manifest_reader *r, const char *text, size_t size, uint32_t line,
                                  size_t *capacity)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    struct data_manifest *m = r->m;
    snprintf(r->where, sizeof(r->where), "%s:%u", m->path, line);
    FAIL_IF(
        text[strspn(text, " \t")] == '[', MIEN_ERR_DATA,
        "%s: one JSON object per line was expected, not an array; pandas writes them by to_json(orient=\"records\", "
        "lines=True)",
        r->where);
    TRY(base_json_parse(text, size, r->where, &json));
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: one JSON object per line was expected", r->where);
    TRY(base_grow(&m->rows, capacity, m->count + 1, sizeof(*m->rows)));
    m->rows[m->count] = (struct data_row){.line = line};
    TRY(manifest_read_row(r, json, &m->rows[m->count]));
    m->count++;
fail:
    cJSON_Delete(json);
    return status;
}

static enum mien_status read_lines(struct manifest_reader *r, const char *text, size_t size)
{
    enum mien_status status = MIEN_OK;
    size_t capacity = 0, skip = 0;
    uint32_t line = 1;
    TRY(base_text_check(r->m->path, text, size, &skip));
    for (size_t at = skip, end; at < size; line++) {
        size_t blank = at;
        for (end = at; end < size && text[end] != '\n' && text[end] != '\r';) /* JSON has neither in a string */
            end++;
        while (blank < end && (text[blank] == ' ' || text[blank] == '\t'))
            blank++;
        if (blank < end)
            TRY(read_line(r, text + at, end - at, line, &capacity));
        at = end + 1 + (end + 1 < size && text[end] == '\r' && text[end + 1] == '\n');
    }
fail:
    return status;
}

/* Lines of JSON begin with a bracket, whatever the file is called; what begins otherwise is a table, unless the name
 * says JSON. */
static bool is_json(const char *path, const char *text)
{
    static const char *const endings[] = {".jsonl", ".json", ".ndjson", NULL};
    text += strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    text += strspn(text, " \t\r\n");
    return *text == '{' || *text == '[' || base_path_ends(path, endings);
}

static enum mien_status read_all(const char *path, const char *columns, bool quiet, bool more,
                                 struct data_manifest **out)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *m = base_alloc(1, sizeof(*m));
    struct manifest_reader *r = base_alloc(1, sizeof(*r));
    char *dir = base_path_dir(path), *text = NULL;
    size_t size = 0;
    *out = NULL;
    FAIL_IF(!m || !r || !dir, MIEN_ERR_NOMEM, "%s: out of host memory", path);
    *r = (struct manifest_reader){.m = m, .dir = dir, .columns = columns, .quiet = quiet, .more = more};
    m->path = base_arena_strdup(&m->arena, path);
    FAIL_IF_NULL(m->path, path);
    if (columns)
        TRY(data_columns_check(columns));
    FAIL_IF(data_is_shards(path), MIEN_ERR_DATA,
            "%s: is a tar file; shards are read by data.train of a training alone: name the manifest that they were "
            "made of, or unpack them (tar -xf) and make one by mien import captions",
            path);
    FAIL_IF(base_file_is_dir(path), MIEN_ERR_DATA, "%s: is a directory; a manifest is a file%s%s%s", path,
            base_file_exists_in(path, "manifest.jsonl") ? ": give " : ", which mien import makes",
            base_file_exists_in(path, "manifest.jsonl") ? path : "",
            base_file_exists_in(path, "manifest.jsonl") ? "/manifest.jsonl" : "");
    TRY(base_file_read(path, MAX_FILE, &text, &size));
    bool json = is_json(path, text);
    if (json && columns && !quiet)
        LOG_WARN("%s: columns are a table's; this is JSON Lines, whose keys are read by their own names", path);
    if (json)
        TRY(read_lines(r, text, size));
    else
        TRY(manifest_read_csv(r, text, size));
    FAIL_IF(m->count == 0, MIEN_ERR_DATA,
            "%s: holds no sample; one JSON object a line, or a table with a header, is expected", path);
    *out = m;
    m = NULL;
fail:
    data_manifest_destroy(&m);
    base_free(text);
    base_free(dir);
    base_free(r);
    return status;
}

enum mien_status data_manifest_read(const char *path, struct data_manifest **out)
{
    return read_all(path, NULL, false, false, out);
}

enum mien_status data_manifest_read_as(const char *path, const char *columns, bool quiet, struct data_manifest **out)
{
    return read_all(path, columns, quiet, false, out);
}

enum mien_status data_manifest_read_more(const char *path, struct data_manifest **out)
{
    return read_all(path, NULL, false, true, out);
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

const char *data_row_class(struct base_arena *arena, const struct data_row *row)
{
    size_t size = 1;
    for (uint32_t i = 0; i < row->label_count; i++)
        size += strlen(row->labels[i]) + strlen(" and ");
    if (row->label_count == 1)
        return row->labels[0];
    char *text = base_arena_alloc(arena, size);
    return text ? data_row_label(row, text, size) : NULL;
}
