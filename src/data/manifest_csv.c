/* manifest_csv.c: tables in open_clip's form as manifests. */
#include "data/csv.h"
#include "data/manifest.h"

#include <string.h>

struct columns {
    int path, title, label, split, subject;
};

/* A cell of an optional column, copied; NULL when there is no column or it is empty. */
static enum mien_status cell(struct data_manifest *m, const struct data_csv *csv, size_t row, int column,
                             const char **out)
{
    const char *text = column >= 0 ? data_csv_cell(csv, row, column) : "";
    *out = NULL;
    if (!*text)
        return MIEN_OK;
    *out = base_arena_strdup(&m->arena, text);
    return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "%s: out of host memory", csv->path);
}

static enum mien_status read_row(struct data_manifest *m, const char *dir, const struct data_csv *csv, size_t i,
                                 const struct columns *c)
{
    enum mien_status status = MIEN_OK;
    struct data_row *row = &m->rows[i];
    const char *title, *label, *split;
    char where[1200];
    snprintf(where, sizeof(where), "%s:%u", csv->path, csv->lines[i]);
    *row = (struct data_row){.line = csv->lines[i], .answer = -1, .fold = -1};
    FAIL_IF(!*data_csv_cell(csv, i, c->path), MIEN_ERR_DATA, "%s: the path of the sample is empty", where);
    row->image = manifest_path(m, dir, data_csv_cell(csv, i, c->path));
    FAIL_IF_NULL(row->image, where);
    TRY(cell(m, csv, i, c->title, &title));
    if (title)
        TRY(data_caption_split(&m->arena, title, &row->caption));
    TRY(cell(m, csv, i, c->label, &label));
    if (label) {
        const char **list = base_arena_array(&m->arena, 1, sizeof(*list));
        FAIL_IF_NULL(list, where);
        list[0] = label;
        row->labels = list;
        row->label_count = 1;
    }
    TRY(cell(m, csv, i, c->split, &split));
    TRY(manifest_split(where, split ? split : "", &row->split));
    TRY(cell(m, csv, i, c->subject, &row->subject));
fail:
    return status;
}

enum mien_status manifest_read_csv(const char *path, char separator, struct data_manifest *m)
{
    enum mien_status status = MIEN_OK;
    struct data_csv csv = {0};
    char *dir = base_path_dir(path);
    FAIL_IF_NULL(dir, path);
    TRY(data_csv_read(path, separator, &csv));
    struct columns c = {data_csv_column(&csv, "filepath"), data_csv_column(&csv, "title"),
                        data_csv_column(&csv, "label"), data_csv_column(&csv, "split"),
                        data_csv_column(&csv, "subject")};
    FAIL_IF(c.path < 0, MIEN_ERR_DATA, "%s: no column \"filepath\"; the header names what each column holds", path);
    m->rows = base_alloc(csv.rows + 1, sizeof(*m->rows));
    FAIL_IF_NULL(m->rows, path);
    for (size_t i = 0; i < csv.rows; i++, m->count++)
        TRY(read_row(m, dir, &csv, i, &c));
fail:
    data_csv_clear(&csv);
    base_free(dir);
    return status;
}
