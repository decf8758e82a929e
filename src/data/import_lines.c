/* import_lines.c: lists of samples as texts. */
#include "data/import_lines.h"

#include "data/csv.h"

#include <string.h>

enum { MAX_FILE = 1 << 30 };

enum mien_status import_text_read(struct import *in, const char *path, char **text)
{
    enum mien_status status = MIEN_OK;
    char *full = NULL, *data = NULL;
    size_t size = 0, skip = 0;
    *text = NULL;
    TRY(import_path(in, path, &full));
    TRY(base_file_read(full, MAX_FILE, &data, &size));
    if (base_utf8_prefix(data, size) != size && !memchr(data, 0, size))
        TRY(base_text_from_gbk(full, &data, &size));
    TRY(base_text_check(full, data, size, &skip));
    memmove(data, data + skip, size - skip + 1);
    *text = data;
    data = NULL;
fail:
    base_free(full);
    base_free(data);
    return status;
}

/* The field without blanks around it, in place. */
static char *trim(char *field)
{
    field += strspn(field, " ");
    size_t size = strlen(field);
    while (size && strchr(" \t\r", field[size - 1]))
        field[--size] = 0;
    return field;
}

/* Takes one line apart, in place. */
static enum mien_status read_line(struct import *in, char *line, import_line_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    struct import_line out = {0};
    char *fields[4] = {line}, *tab = strchr(line, '\t'), *blank = strrchr(line, ' ');
    size_t count = 1;
    for (; tab && count < 4; tab = strchr(tab, '\t')) {
        *tab++ = 0;
        fields[count++] = tab;
    }
    if (count == 1 && blank) { /* of several blanks the last; names keep theirs */
        fields[count++] = blank + 1;
        while (blank > line && blank[-1] == ' ')
            blank--;
        *blank = 0;
    }
    for (size_t i = 0; i < count; i++)
        fields[i] = trim(fields[i]);
    FAIL_IF(count < 2 || !*fields[0] || !*fields[1], MIEN_ERR_DATA, "%s: a name and a label were expected, not \"%s\"",
            in->where, line);
    out = (struct import_line){fields[0], fields[1], count == 4 && *fields[3] ? fields[3] : NULL};
    TRY(fn(in, &out, user));
fail:
    return status;
}

static enum mien_status read_lines(struct import *in, const char *path, char *text, import_line_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    char where[1200];
    unsigned number = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        number++;
        line = trim(line);
        snprintf(where, sizeof(where), "%s/%s:%u", in->top, path, number);
        in->where = where;
        if (*line)
            TRY(read_line(in, line, fn, user));
    }
fail:
    in->where = NULL;
    return status;
}

static enum mien_status read_table(struct import *in, const char *path, const char *text, import_line_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    struct data_csv csv = {0};
    char where[1200];
    const char *full = base_arena_printf(&in->arena, "%s/%s", in->top, path);
    FAIL_IF_NULL(full, "an import");
    TRY(data_csv_parse(full, text, strlen(text), 0, &csv));
    int name = data_csv_column(&csv, "video_name"), label = data_csv_column(&csv, "label");
    FAIL_IF(name < 0 || label < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", full, name < 0 ? "video_name" : "label");
    for (size_t i = 0; i < csv.rows; i++) {
        const struct import_line line = {data_csv_cell(&csv, i, name), data_csv_cell(&csv, i, label), NULL};
        snprintf(where, sizeof(where), "%s:%u", full, csv.lines[i]);
        in->where = where;
        TRY(fn(in, &line, user));
    }
fail:
    in->where = NULL;
    data_csv_clear(&csv);
    return status;
}

enum mien_status import_lines_read(struct import *in, const char *path, import_line_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    TRY(import_text_read(in, path, &text));
    size_t head = strcspn(text, "\r\n");
    const char *comma = memchr(text, ',', head);
    TRY(comma && strstr(text, "label") && strstr(text, "label") < text + head ? read_table(in, path, text, fn, user)
                                                                              : read_lines(in, path, text, fn, user));
fail:
    base_free(text);
    return status;
}
