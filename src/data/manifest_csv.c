/* manifest_csv.c: tables as manifests: each row as the object that a line of JSON would hold, and then read as one. */
#include "data/csv.h"
#include "data/manifest_internal.h"

#include <stdlib.h>
#include <string.h>

enum { IMAGE, VIDEO, FRAMES, BOX, CAPTION, LABEL, VA, SPLIT, FOLD, SUBJECT }; /* of manifest_columns */

/* open_clip's names, which count where there is no column of the key's own. */
static const char *const others[MANIFEST_COLUMNS] = {[IMAGE] = "filepath", [CAPTION] = "title"};

struct table {
    struct manifest_reader *r;
    struct data_csv csv;
    const char *names[MANIFEST_COLUMNS]; /* as the caller wants them; NULL: the key itself */
    int column[MANIFEST_COLUMNS];        /* -1 = none */
};

/* ---- columns ---- */

/* "a", "b", "c" of the header, for people. */
static const char *list_columns(const struct table *t)
{
    struct base_text text = {0};
    for (uint32_t i = 0; i < t->csv.columns && text.size < 300; i++)
        if (*t->csv.names[i])
            base_text_print(&text, "%s\"%.60s\"", text.size ? ", " : "", t->csv.names[i]);
    const char *kept = base_arena_strdup(&t->r->m->arena, text.data && text.size ? text.data : "no name");
    base_text_clear(&text);
    return kept ? kept : "";
}

static enum mien_status find_columns(struct table *t)
{
    enum mien_status status = MIEN_OK;
    for (int k = 0; k < MANIFEST_COLUMNS; k++) {
        const char *name = t->names[k] ? t->names[k] : manifest_columns[k];
        int also = t->names[k] || !others[k] ? -1 : data_csv_column(&t->csv, others[k]);
        t->column[k] = data_csv_column(&t->csv, name);
        FAIL_IF(t->names[k] && t->column[k] < 0, MIEN_ERR_DATA, "%s: no column \"%s\" for \"%s\"; the header has %s",
                t->csv.path, name, manifest_columns[k], list_columns(t));
        if (t->column[k] >= 0 && also >= 0 && !t->r->quiet)
            LOG_WARN("%s: columns \"%s\" and \"%s\"; \"%s\" is read", t->csv.path, t->csv.names[t->column[k]],
                     t->csv.names[also], t->csv.names[t->column[k]]);
        if (t->column[k] < 0)
            t->column[k] = also;
    }
fail:
    return status;
}

static bool is_read(const struct table *t, uint32_t column)
{
    for (int k = 0; k < MANIFEST_COLUMNS; k++)
        if (t->column[k] == (int)column)
            return true;
    return false;
}

/* The key that a column looks like and that has none; its index, or -1. */
static int looks_like(const struct table *t, uint32_t column)
{
    bool slip;
    const char *near = is_read(t, column) || !*t->csv.names[column] ? NULL : manifest_near(t->csv.names[column], &slip);
    for (int k = 0; near && k < MANIFEST_COLUMNS; k++)
        if (strcmp(near, manifest_columns[k]) == 0)
            return t->column[k] < 0 ? k : -1;
    return -1;
}

/* Names columns that look like a known one; without a source, what may be meant. */
static enum mien_status check_columns(const struct table *t)
{
    enum mien_status status = MIEN_OK;
    bool source = t->column[IMAGE] >= 0 || t->column[VIDEO] >= 0 || t->column[FRAMES] >= 0;
    for (uint32_t i = 0; i < t->csv.columns; i++) {
        int key = looks_like(t, i);
        FAIL_IF(!source && key >= 0 && key <= FRAMES, MIEN_ERR_DATA,
                "%s: no column \"image\" or \"filepath\"; if \"%s\" is meant, say --column %s=%s (in a configuration "
                "data.columns)",
                t->csv.path, t->csv.names[i], manifest_columns[key], t->csv.names[i]);
        if (source && key >= 0 && !t->r->quiet)
            LOG_WARN("%s: column \"%s\" is not read; if it is the %s, say --column %s=%s (in a configuration "
                     "data.columns)",
                     t->csv.path, t->csv.names[i], manifest_columns[key], manifest_columns[key], t->csv.names[i]);
    }
    FAIL_IF(!source, MIEN_ERR_DATA,
            "%s: no column \"image\" or \"filepath\"; the header has %s; --column image=NAME names another (in a "
            "configuration data.columns)",
            t->csv.path, list_columns(t));
fail:
    return status;
}

/* ---- rows ---- */

/* "1.5, 2; 3 4" or "[1.5, 2, 3, 4]" as a list of numbers. */
static enum mien_status put_numbers(struct base_json *object, const char *key, const char *cell, const char *where)
{
    enum mien_status status = MIEN_OK;
    struct base_text text = {0};
    cJSON *list = NULL;
    base_text_add(&text, "[", 1);
    for (size_t length; *(cell += strspn(cell, " \t,;[]()")); cell += length) {
        length = strcspn(cell, " \t,;[]()");
        base_text_add(&text, ",", text.size > 1);
        base_text_add(&text, cell, length);
    }
    base_text_add(&text, "]", 1);
    TRY(text.status);
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* said in the table's words below */
    status = base_json_parse(text.data, text.size, where, &list);
    base_log_soften(before);
    FAIL_IF(status == MIEN_ERR_DATA, MIEN_ERR_DATA, "%s: \"%s\" holds something that is not a number", where, key);
    FAIL_IF(status != MIEN_OK, status, "%s: out of host memory for \"%s\"", where, key);
    base_put(object, key, list);
fail:
    base_text_clear(&text);
    return status;
}

/* "3" or, as pandas writes whole numbers beside missing ones, "3.0". */
static enum mien_status put_whole(struct base_json *object, const char *key, const char *cell, const char *where)
{
    size_t digits = strspn(cell, "0123456789"), rest = digits;
    if (cell[rest] == '.')
        rest += 1 + strspn(cell + rest + 1, "0");
    if (digits == 0 || digits > 9 || cell[rest])
        return base_fail(MIEN_ERR_DATA, "%s: \"%s\" is \"%s\", a whole number was expected", where, key, cell);
    base_put_number(object, key, (double)strtoul(cell, NULL, 10));
    return MIEN_OK;
}

static enum mien_status read_row(struct table *t, size_t i)
{
    enum mien_status status = MIEN_OK;
    struct data_row *row = &t->r->m->rows[i];
    struct base_json object = base_json_object_begin();
    cJSON *tree = NULL;
    *row = (struct data_row){.line = t->csv.lines[i]};
    snprintf(t->r->where, sizeof(t->r->where), "%s:%u", t->csv.path, t->csv.lines[i]);
    for (int k = 0; k < MANIFEST_COLUMNS; k++) {
        const char *cell = t->column[k] < 0 ? "" : data_csv_cell(&t->csv, i, t->column[k]);
        if (data_is_blank(cell))
            continue;
        if (k == BOX || k == VA)
            TRY(put_numbers(&object, manifest_columns[k], cell, t->r->where));
        else if (k == FOLD)
            TRY(put_whole(&object, manifest_columns[k], cell, t->r->where));
        else
            base_put_text(&object, manifest_columns[k], cell);
    }
    tree = base_json_end(&object);
    FAIL_IF_NULL(tree, t->r->where);
    TRY(manifest_read_row(t->r, tree, row));
fail:
    if (!tree)
        tree = base_json_end(&object);
    cJSON_Delete(tree);
    return status;
}

enum mien_status manifest_read_csv(struct manifest_reader *r, const char *text, size_t size)
{
    enum mien_status status = MIEN_OK;
    struct table t = {.r = r};
    struct data_manifest *m = r->m;
    if (r->columns)
        TRY(manifest_columns_parse(r->columns, &m->arena, t.names));
    TRY(data_csv_parse(m->path, text, size, 0, &t.csv));
    TRY(find_columns(&t));
    TRY(check_columns(&t));
    m->rows = base_alloc(t.csv.rows + 1, sizeof(*m->rows));
    FAIL_IF_NULL(m->rows, m->path);
    for (size_t i = 0; i < t.csv.rows; i++, m->count++)
        TRY(read_row(&t, i));
fail:
    data_csv_clear(&t.csv);
    return status;
}
