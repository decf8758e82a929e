/* import_affectnet.c: AffectNet in both forms of its releases: an array of NumPy for each value, or tables. */
#include "data/csv.h"
#include "data/import_lines.h"
#include "data/import_read.h"
#include "data/import_rule.h"

#include <string.h>

static const char numbers[] = "neutral happiness sadness surprise fear disgust anger contempt";

/* Labels, valence and arousal; 8, 9, 10: none, uncertain, no face. */
static enum mien_status add_row(struct import *in, struct data_row *row, double expression)
{
    enum mien_status status = MIEN_OK;
    char text[8];
    int number;
    TRY(import_whole(in, "expression", expression, 0, 10, &number));
    snprintf(text, sizeof(text), "%d", number);
    TRY(import_labels(in, numbers, 0, text, &row->labels, &row->label_count));
    row->has_va = row->va[0] >= -1 && row->va[1] >= -1; /* -2: not annotated */
    in->summary->unrated += row->label_count == 0;
    if (row->label_count)
        TRY(import_labelled(in, row, NULL));
fail:
    return status;
}

/* ---- arrays ---- */

struct part {
    const char *name;
    enum data_split split;
};

static enum mien_status read_value(struct import *in, const struct import_match *match, const char *what, double *out,
                                   bool *there)
{
    const char *path = base_arena_printf(&in->row_arena, "%.*s/annotations/%s_%s.npy", (int)strcspn(match->path, "/"),
                                         match->path, match->number, what);
    return path ? import_npy(in, path, out, there) : base_fail(MIEN_ERR_NOMEM, "out of host memory for an import");
}

static enum mien_status read_arrays(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = *(const enum data_split *)user, .va = {-2, -2}};
    double expression = 0;
    bool found = false, there;
    in->where = match->path;
    TRY(read_value(in, match, "exp", &expression, &there));
    TRY(read_value(in, match, "val", &row.va[0], &there));
    TRY(read_value(in, match, "aro", &row.va[1], &there));
    static const char *const endings[] = {"jpg", "png", "jpeg"};
    for (size_t i = 0; i < BASE_COUNT(endings) && !found; i++) {
        const char *path = base_arena_printf(&in->row_arena, "%.*s/images/%s.%s", (int)strcspn(match->path, "/"),
                                             match->path, match->number, endings[i]);
        FAIL_IF_NULL(path, "an import");
        TRY(import_source(in, path, &row, &found));
    }
    in->summary->missing += !found;
    if (found)
        TRY(add_row(in, &row, expression));
fail:
    in->where = NULL;
    base_arena_clear(&in->row_arena);
    return status;
}

/* ---- tables ---- */

static const char *const columns[] = {"subDirectory_filePath", "face_x",     "face_y",  "face_width",
                                      "face_height",           "expression", "valence", "arousal"};
enum { PATH, X, Y, WIDTH, HEIGHT, EXPRESSION, VALENCE, AROUSAL, COLUMNS };

static enum mien_status read_row(struct import *in, const struct data_csv *csv, size_t i, const int at[COLUMNS])
{
    static const char *const places[] = {"Manually_Annotated_Images/", "Manually_Annotated/Manually_Annotated_Images/",
                                         ""};
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = strstr(csv->path, "validation") ? DATA_SPLIT_TEST : DATA_SPLIT_TRAIN};
    double values[COLUMNS] = {0};
    bool found = false, seen;
    const char *name = data_csv_cell(csv, i, at[PATH]), *entry = name;
    for (int c = X; c < COLUMNS; c++) {
        const char *cell = data_csv_cell(csv, i, at[c]);
        TRY(import_number(in, cell, strlen(cell), &values[c]));
        entry = base_arena_printf(&in->row_arena, "%s,%s", entry, cell);
        FAIL_IF_NULL(entry, "an import");
    }
    TRY(import_seen(in, entry, &seen));
    in->summary->duplicates += seen;
    in->summary->left_out += !seen && (values[WIDTH] <= 0 || values[HEIGHT] <= 0);
    if (seen || values[WIDTH] <= 0 || values[HEIGHT] <= 0)
        goto fail; /* status is MIEN_OK */
    for (size_t p = 0; p < BASE_COUNT(places) && !found; p++) {
        const char *path = base_arena_printf(&in->row_arena, "%s%s", places[p], name);
        FAIL_IF_NULL(path, "an import");
        TRY(import_source(in, path, &row, &found));
    }
    in->summary->missing += !found;
    row.va[0] = values[VALENCE];
    row.va[1] = values[AROUSAL];
    row.has_box = true;
    TRY(mien_box_round(values + X, row.box));
    if (found)
        TRY(add_row(in, &row, values[EXPRESSION]));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

/* validation.csv is about without a header, too. */
static enum mien_status read_table(struct import *in, const char *path)
{
    static const char header[] = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
                                 "expression,valence,arousal\n";
    enum mien_status status = MIEN_OK;
    struct base_text whole = {0};
    struct data_csv csv = {0};
    int at[COLUMNS];
    char *text = NULL, where[1200];
    const char *full = base_arena_printf(&in->arena, "%s/%s", in->top, path);
    FAIL_IF_NULL(full, "an import");
    TRY(import_text_read(in, path, &text));
    bool bare = strncmp(text, columns[PATH], strlen(columns[PATH])) != 0;
    base_text_add(&whole, header, bare ? strlen(header) : 0);
    base_text_add(&whole, text, strlen(text));
    TRY(whole.status);
    TRY(data_csv_parse(full, whole.data, whole.size, ',', &csv));
    for (int c = 0; c < COLUMNS; c++) {
        at[c] = data_csv_column(&csv, columns[c]);
        FAIL_IF(at[c] < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", full, columns[c]);
    }
    import_forget(in);
    for (size_t i = 0; i < csv.rows; i++) {
        snprintf(where, sizeof(where), "%s:%u", full, csv.lines[i] - bare);
        in->where = where;
        TRY(read_row(in, &csv, i, at));
    }
fail:
    in->where = NULL;
    data_csv_clear(&csv);
    base_text_clear(&whole);
    base_free(text);
    return status;
}

static enum mien_status run(struct import *in)
{
    static const char *const tables[] = {"training.csv", "validation.csv"};
    static const struct part parts[] = {{"train_set/annotations/<number>_exp.npy", DATA_SPLIT_TRAIN},
                                        {"val_set/annotations/<number>_exp.npy", DATA_SPLIT_TEST}};
    enum mien_status status = MIEN_OK;
    bool any = false;
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        enum data_split split = parts[i].split;
        TRY(import_walk(in, parts[i].name, false, read_arrays, &split));
    }
    any = in->summary->samples + in->summary->missing + in->summary->unrated > 0;
    for (size_t i = 0; i < BASE_COUNT(tables) && !any; i++) {
        const char *below = base_arena_printf(&in->arena, "Manually_Annotated_file_lists/%s", tables[i]), *path;
        FAIL_IF_NULL(below, "an import");
        TRY(import_first(in, (const char *const[]){below, tables[i], NULL}, &path));
        if (path)
            TRY(read_table(in, path));
        in->marked = path != NULL || (i > 0 && in->marked);
    }
    if (!any && !in->marked)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_affectnet = {
    .info = {.name = "affectnet",
             .summary = "AffectNet: 8 emotions, valence and arousal; its validation part, on which it is tested, is "
                        "test; --classes 7 leaves contempt out",
             .layout = "ROOT/train_set|val_set/images/1.jpg with annotations/1_exp.npy, 1_val.npy, 1_aro.npy; or "
                       "ROOT/Manually_Annotated_file_lists/training.csv, validation.csv and "
                       "ROOT/Manually_Annotated_Images/",
             .source = "http://mohammadmahoor.com/affectnet (a signed agreement, for research; a professor asks)"},
    .marks = {"train_set", "val_set", "Manually_Annotated_file_lists", "training.csv", "validation.csv"},
    .classes = 8,
    .dropped = "contempt",
    .run = run,
};
