/* import_captions.c: pictures with captions: a text beside each, or one table of all, as other tools keep them. */
#include "data/csv.h"
#include "data/import_lines.h"
#include "data/import_rule.h"

#include <string.h>

static const struct {
    const char *dir;
    enum data_split split;
} parts[] = {{"train", DATA_SPLIT_TRAIN},    {"val", DATA_SPLIT_VAL},   {"valid", DATA_SPLIT_VAL},
             {"validation", DATA_SPLIT_VAL}, {"test", DATA_SPLIT_TEST}, {"", DATA_SPLIT_NONE}};

/* ---- a table: file_name and text (or caption, title), as Hugging Face's ImageFolder has it ---- */

static enum mien_status add(struct import *in, const char *dir, const char *file, const char *caption,
                            enum data_split split)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = split, .caption = {.whole = caption}};
    bool found, seen;
    const char *path = base_arena_printf(&in->row_arena, "%s%s%s", dir, *dir ? "/" : "", file);
    const char *entry = base_arena_printf(&in->row_arena, "%s\n%s", path ? path : "", caption);
    FAIL_IF(!path || !entry, MIEN_ERR_NOMEM, "out of host memory for an import");
    FAIL_IF(data_is_blank(file), MIEN_ERR_DATA, "%s: no name of a picture", in->where);
    TRY(import_seen(in, entry, &seen)); /* several captions of one picture are several rows */
    in->summary->duplicates += seen;
    in->summary->unrated += !seen && data_is_blank(caption);
    if (seen || data_is_blank(caption))
        goto fail; /* status is MIEN_OK */
    TRY(import_source(in, path, &row, &found));
    in->summary->missing += !found;
    if (found)
        TRY(import_row(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static const char *const names[] = {"file_name", "filepath", "image"}, *const texts[] = {"text", "caption", "title"};

static enum mien_status read_csv(struct import *in, const char *dir, const char *path, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    struct data_csv csv = {0};
    char *text = NULL, where[1200];
    int name = -1, caption = -1;
    const char *full = base_arena_printf(&in->arena, "%s/%s", in->top, path);
    FAIL_IF_NULL(full, "an import");
    TRY(import_text_read(in, path, &text));
    TRY(data_csv_parse(full, text, strlen(text), 0, &csv));
    for (size_t i = 0; i < 3; i++) {
        name = name < 0 ? data_csv_column(&csv, names[i]) : name;
        caption = caption < 0 ? data_csv_column(&csv, texts[i]) : caption;
    }
    FAIL_IF(name < 0 || caption < 0, MIEN_ERR_DATA, "%s:1: no column \"%s\"", full, name < 0 ? "file_name" : "text");
    in->where = where;
    for (size_t i = 0; i < csv.rows; i++) {
        snprintf(where, sizeof(where), "%s:%u", full, csv.lines[i]);
        TRY(add(in, dir, data_csv_cell(&csv, i, name), data_csv_cell(&csv, i, caption), split));
    }
fail:
    in->where = NULL;
    data_csv_clear(&csv);
    base_free(text);
    return status;
}

static enum mien_status read_jsonl(struct import *in, const char *dir, const char *path, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL, where[1200];
    unsigned number = 0;
    cJSON *json = NULL;
    TRY(import_text_read(in, path, &text));
    in->where = where;
    for (char *line = text, *next; line; line = next) {
        const char *name = NULL, *caption = NULL;
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        snprintf(where, sizeof(where), "%s/%s:%u", in->top, path, ++number);
        if (!line[strspn(line, " \t\r")])
            continue;
        TRY(base_json_parse(line, strlen(line), where, &json));
        for (size_t i = 0; i < 3; i++) {
            if (!name)
                TRY(base_json_string(json, names[i], where, &name));
            if (!caption)
                TRY(base_json_string(json, texts[i], where, &caption));
        }
        FAIL_IF(!name, MIEN_ERR_DATA, "%s: no \"file_name\"", where);
        TRY(add(in, dir, name, caption ? caption : "", split));
        cJSON_Delete(json);
        json = NULL;
    }
fail:
    in->where = NULL;
    cJSON_Delete(json);
    base_free(text);
    return status;
}

/* ---- a text beside each picture ---- */

static enum mien_status read_pair(struct import *in, const char *dir, const char *name, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    const char *dot = strrchr(name, '.'), *slash = *dir ? "/" : "";
    enum import_kind kind;
    char *text = NULL;
    const char *path = base_arena_printf(&in->row_arena, "%s%s%s", dir, slash, name);
    const char *beside =
        base_arena_printf(&in->row_arena, "%s%s%.*s.txt", dir, slash, dot ? (int)(dot - name) : 0, name);
    FAIL_IF(!path || !beside, MIEN_ERR_NOMEM, "out of host memory for an import");
    TRY(import_look(in, path, &kind));
    if (kind != IMPORT_PICTURE && kind != IMPORT_FOREIGN)
        goto fail; /* status is MIEN_OK */
    TRY(import_look(in, beside, &kind));
    in->summary->unrated += kind == IMPORT_MISSING;
    if (kind == IMPORT_MISSING)
        goto fail;
    TRY(import_text_read(in, beside, &text));
    for (size_t size = strlen(text); size && strchr(" \t\r\n", text[size - 1]);)
        text[--size] = 0;
    TRY(add(in, dir, name, text, split));
fail:
    base_free(text);
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status read_part(struct import *in, const char *dir, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    const char *at = *dir ? "/" : "";
    char **list = NULL;
    size_t count = 0;
    bool is_dir;
    TRY(import_is_dir(in, dir, &is_dir));
    if (!is_dir)
        return MIEN_OK;
    const char *const tables[] = {base_arena_printf(&in->arena, "%s%smetadata.csv", dir, at),
                                  base_arena_printf(&in->arena, "%s%smetadata.jsonl", dir, at), NULL};
    const char *table = NULL;
    FAIL_IF(!tables[0] || !tables[1], MIEN_ERR_NOMEM, "out of host memory for an import");
    TRY(import_first(in, tables, &table));
    if (table)
        return (base_path_ends(table, (const char *const[]){".csv", NULL}) ? read_csv : read_jsonl)(in, dir, table,
                                                                                                    split);
    TRY(import_names(in, dir, &list, &count));
    for (size_t i = 0; i < count; i++)
        TRY(read_pair(in, dir, list[i], split));
fail:
    base_dir_list_free(&list, &count);
    return status;
}

static enum mien_status run(struct import *in)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < BASE_COUNT(parts); i++)
        TRY(read_part(in, parts[i].dir, parts[i].split));
    if (in->summary->samples + in->summary->missing + in->summary->unrated == 0)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_captions = {
    .info = {.name = "captions",
             .summary = "pictures with captions; a caption's sentences become its levels",
             .layout =
                 "ROOT/x.jpg with ROOT/x.txt beside it; or ROOT/metadata.csv or .jsonl with file_name and text (or "
                 "caption); also in ROOT/train, val and test",
             .source = "your own files, and what image-text tools write"},
    .marks = {"train", "val", "valid", "validation", "test", "metadata.*"},
    .options = IMPORT_CAPTIONS,
    .run = run,
};
