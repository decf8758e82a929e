/* csv.c: tables. */
#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30, MAX_COLUMNS = 4096 };

struct reader {
    const char *path;
    char *at, *end; /* fields are unquoted in place */
    char separator;
    uint32_t line;
    const char **fields; /* of the record */
    size_t count, capacity;
};

static enum mien_status bad(const struct reader *r, const char *what)
{
    return base_fail(MIEN_ERR_DATA, "%s:%u: %s", r->path, r->line, what);
}

/* A quoted field at r->at (after the opening quote), unquoted in place; r->at ends after the closing quote. */
static enum mien_status quoted(struct reader *r, char **to)
{
    for (;;) {
        if (r->at >= r->end)
            return bad(r, "a quoted field has no end");
        if (*r->at == '"') {
            if (r->at + 1 >= r->end || r->at[1] != '"')
                break;
            r->at++;
        }
        r->line += *r->at == '\n' || (*r->at == '\r' && r->at[1] != '\n'); /* a zero byte ends all */
        *(*to)++ = *r->at++;
    }
    r->at++;
    return MIEN_OK;
}

/* Past one end of a line: \n, \r\n, or \r alone. */
static void end_line(struct reader *r)
{
    if (r->at == r->end)
        return;
    r->at++;
    if (r->at < r->end && r->at[-1] == '\r' && *r->at == '\n')
        r->at++;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t') && *r->at != r->separator)
        r->at++;
}

/* One field; *last says whether the record ends with it. */
static enum mien_status field(struct reader *r, bool *last)
{
    enum mien_status status = MIEN_OK;
    skip_blanks(r); /* "a, b" and "a, \"b, c\"" as people write them */
    char *start = r->at, *to = r->at;
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        TRY(quoted(r, &to));
        skip_blanks(r);
        if (r->at < r->end && *r->at != r->separator && *r->at != '\n' && *r->at != '\r')
            return bad(r, "text after a closing quote");
    } else {
        while (r->at < r->end && *r->at != r->separator && *r->at != '\n' && *r->at != '\r')
            *to++ = *r->at++;
        while (to > start && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
    }
    *last = r->at >= r->end || *r->at != r->separator;
    if (*last)
        end_line(r);
    else
        r->at++;
    *to = '\0';
    TRY(base_grow(&r->fields, &r->capacity, r->count + 1, sizeof(*r->fields)));
    r->fields[r->count++] = start;
    if (r->count > MAX_COLUMNS)
        return bad(r, "more than 4096 fields; is this the right separator?");
fail:
    return status;
}

/* The fields of one record; none at the end of the file. *line is where it begins. */
static enum mien_status record(struct reader *r, uint32_t *line)
{
    enum mien_status status = MIEN_OK;
    bool last = false;
    r->count = 0;
    while (r->at < r->end && (*r->at == '\n' || *r->at == '\r')) {
        end_line(r);
        r->line++;
    }
    *line = r->line;
    last = r->at >= r->end;
    while (!last) /* a separator at the end of the file is followed by an empty field */
        TRY(field(r, &last));
    r->line++;
fail:
    return status;
}

/* A field, which is ours, without blanks around it. */
static const char *trim(const char *field)
{
    char *text = (char *)(uintptr_t)field;
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        text[--size] = '\0';
    return text;
}

/* The separator that stands most often in the first line, outside quotes. Where two are equal, the one that words hold
 * less often. */
static char choose_separator(const struct reader *r)
{
    static const char all[] = "\t;,";
    size_t count[3] = {0};
    bool inside = false;
    for (const char *p = r->at; p < r->end && (inside || (*p != '\n' && *p != '\r')); p++) {
        const char *which = *p && !inside ? strchr(all, *p) : NULL;
        if (which)
            count[which - all]++;
        inside = inside != (*p == '"');
    }
    size_t best = 2;
    for (size_t i = 2; i-- > 0;)
        best = count[i] && count[i] >= count[best] ? i : best;
    return all[best];
}

/* Excel's own first line, sep=; */
static void read_hint(struct reader *r)
{
    if (r->end - r->at < 5 || memcmp(r->at, "sep=", 4) != 0 || !strchr(",;\t|", r->at[4]) ||
        (r->end - r->at > 5 && r->at[5] != '\n' && r->at[5] != '\r'))
        return;
    r->separator = r->at[4];
    r->at += 5;
}

static enum mien_status header(struct reader *r, struct data_csv *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t line;
    if (!r->separator)
        read_hint(r);
    while (r->at < r->end && (*r->at == '\n' || *r->at == '\r')) {
        end_line(r);
        r->line++;
    }
    if (!r->separator)
        r->separator = choose_separator(r);
    TRY(record(r, &line));
    FAIL_IF(r->count == 0, MIEN_ERR_DATA, "%s: empty; a header line with column names was expected", r->path);
    out->columns = (uint32_t)r->count;
    out->names = base_arena_array(&out->arena, r->count, sizeof(*out->names));
    FAIL_IF_NULL(out->names, r->path);
    for (uint32_t i = 0; i < out->columns; i++)
        out->names[i] = trim(r->fields[i]);
    for (uint32_t i = 0; i < out->columns; i++)
        FAIL_IF(*out->names[i] && data_csv_column(out, out->names[i]) != (int)i, MIEN_ERR_DATA,
                "%s:%u: column \"%s\" stands there twice", r->path, line, out->names[i]);
fail:
    return status;
}

/* A row of nothing but separators, as Excel leaves below a table. */
static bool is_empty(const struct reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->fields[i][strspn(r->fields[i], " \t")])
            return false;
    return true;
}

static enum mien_status rows(struct reader *r, struct data_csv *out)
{
    enum mien_status status = MIEN_OK;
    size_t cell_capacity = 0, line_capacity = 0;
    for (;;) {
        uint32_t line;
        TRY(record(r, &line));
        if (r->count == 0)
            return MIEN_OK;
        while (r->count > out->columns && !*r->fields[r->count - 1]) /* Excel's empty columns */
            r->count--;
        if (is_empty(r))
            continue;
        FAIL_IF(r->count != out->columns, MIEN_ERR_DATA, "%s:%u: %zu fields, the header has %u", r->path, line,
                r->count, out->columns);
        TRY(base_grow(&out->cells, &cell_capacity, (out->rows + 1) * out->columns, sizeof(*out->cells)));
        TRY(base_grow(&out->lines, &line_capacity, out->rows + 1, sizeof(*out->lines)));
        memcpy(out->cells + out->rows * out->columns, r->fields, r->count * sizeof(*out->cells));
        out->lines[out->rows++] = line;
    }
fail:
    return status;
}

enum mien_status data_csv_read(const char *path, char separator, struct data_csv *out)
{
    char *text = NULL;
    size_t size = 0;
    *out = (struct data_csv){0};
    enum mien_status status = base_file_read(path, MAX_FILE, &text, &size);
    if (status == MIEN_OK)
        status = data_csv_parse(path, text, size, separator, out);
    base_free(text);
    return status;
}

enum mien_status data_csv_parse(const char *path, const char *text, size_t size, char separator, struct data_csv *out)
{
    enum mien_status status = MIEN_OK;
    struct reader r = {.path = path, .separator = separator, .line = 1};
    size_t skip = 0;
    *out = (struct data_csv){0};
    TRY(base_text_check(path, text, size, &skip));
    r.at = base_arena_strndup(&out->arena, text, size);
    FAIL_IF_NULL(r.at, path);
    r.end = r.at + size;
    r.at += skip;
    out->path = base_arena_strdup(&out->arena, path);
    FAIL_IF_NULL(out->path, path);
    TRY(header(&r, out));
    TRY(rows(&r, out));
fail:
    base_free(r.fields);
    if (status != MIEN_OK)
        data_csv_clear(out);
    return status;
}

void data_csv_clear(struct data_csv *csv)
{
    base_free(csv->cells);
    base_free(csv->lines);
    base_arena_clear(&csv->arena);
    *csv = (struct data_csv){0};
}

/* In the same way whatever the application's locale is. */
static bool same_letters(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a, y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

int data_csv_column(const struct data_csv *csv, const char *name)
{
    for (uint32_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->names[i], name) == 0)
            return (int)i;
    for (uint32_t i = 0; i < csv->columns; i++)
        if (same_letters(csv->names[i], name))
            return (int)i;
    return -1;
}

const char *data_csv_cell(const struct data_csv *csv, size_t row, int column)
{
    return csv->cells[row * csv->columns + (size_t)column];
}

enum mien_status data_csv_u32(const struct data_csv *csv, size_t row, int column, uint32_t *out)
{
    const char *cell = data_csv_cell(csv, row, column);
    size_t digits = strspn(cell, "0123456789");
    if (digits == 0 || digits > 9 || cell[digits])
        return base_fail(MIEN_ERR_DATA, "%s:%u: \"%s\" is \"%s\", a whole number was expected", csv->path,
                         csv->lines[row], csv->names[column], cell);
    *out = (uint32_t)strtoul(cell, NULL, 10);
    return MIEN_OK;
}
