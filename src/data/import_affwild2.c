/* import_affwild2.c: Aff-Wild2: a line a frame in three kinds of files: valence and arousal, expression, action units.
 */
#include "data/import_lines.h"
#include "data/import_read.h"
#include "data/import_rule.h"

#include <string.h>

static const char expressions[] = "neutral anger disgust fear happiness sadness surprise other";
enum { VA, EXPRESSION, UNITS, KINDS, MOST = 16 };

/* One file of a video, line by line. */
struct lines {
    char *text, *at; /* NULL: not there, or at its end */
    const char *path;
    char heads[MOST][24]; /* words of the header */
    size_t columns;
    unsigned line;
    double values[MOST]; /* of the line */
    int expression;      /* the same, of a file of expressions */
    bool annotated;
};

/* ---- lines ---- */

static char *next_line(struct lines *l)
{
    char *line = l->at, *end = line ? strchr(line, '\n') : NULL;
    l->at = end ? end + 1 : NULL;
    if (end)
        *end = 0;
    l->line += line != NULL;
    return line;
}

/* What the columns, or the numbers of expressions, are called: as the header says; of files without one, as the first
 * challenge had them. */
static void read_header(struct lines *l, int kind)
{
    static const char *const first[KINDS] = {"valence,arousal",
                                             "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other",
                                             "AU1,AU2,AU4,AU6,AU12,AU15,AU20,AU25"};
    bool headed = l->at[strspn(l->at, " \t")] >= 'A';
    const char *names = headed ? next_line(l) : first[kind];
    for (; *(names += strspn(names, ", \t\r")) && l->columns < MOST; l->columns++) {
        size_t size = strcspn(names, ", \t\r");
        snprintf(l->heads[l->columns], sizeof(l->heads[0]), "%.*s", (int)size, names);
        names += size;
    }
}

/* Keys of a manifest's "au": each an action unit, none twice. */
static enum mien_status check_units(const struct import *in, const struct lines *l)
{
    for (size_t i = 0; i < l->columns; i++) {
        const char *name = l->heads[i], *digits = name + (strncmp(name, "AU", 2) == 0 ? 2 : 0);
        bool unit = digits > name && *digits && strspn(digits, "0123456789") == strlen(digits);
        for (size_t k = 0; k < i && unit; k++)
            unit = strcmp(l->heads[k], name) != 0;
        if (!unit)
            return base_fail(MIEN_ERR_DATA, "%s/%s:1: \"%s\" is no action unit, or stands there twice", in->top,
                             l->path, name);
    }
    return MIEN_OK;
}

static enum mien_status open_lines(struct import *in, const char *dir, const char *name, int kind, struct lines *l)
{
    enum mien_status status = MIEN_OK;
    enum import_kind is;
    *l = (struct lines){0};
    if (!dir)
        return MIEN_OK;
    l->path = base_arena_printf(&in->arena, "%s/%s", dir, name);
    FAIL_IF_NULL(l->path, "an import");
    TRY(import_look(in, l->path, &is));
    if (is == IMPORT_MISSING)
        return MIEN_OK;
    TRY(import_text_read(in, l->path, &l->text));
    l->at = l->text;
    read_header(l, kind);
    if (kind == UNITS)
        TRY(check_units(in, l));
fail:
    return status;
}

/* The next frame's values; a line that is empty, or that holds what stands for none, is not annotated. */
static enum mien_status read_frame(struct import *in, struct lines *l, int kind, bool *more)
{
    enum mien_status status = MIEN_OK;
    char where[1200];
    size_t count = 0, want = kind == EXPRESSION ? 1 : l->columns;
    const char *line = next_line(l);
    l->annotated = false;
    if (!line || !line[strspn(line, " \t\r")])
        goto fail; /* status is MIEN_OK */
    *more = true;
    snprintf(where, sizeof(where), "%s/%s:%u", in->top, l->path, l->line);
    in->where = where;
    TRY(import_numbers(in, line, l->values, MOST, &count));
    FAIL_IF(count != want, MIEN_ERR_DATA, "%s: %zu numbers; %zu were expected", where, count, want);
    l->annotated = true;
    for (size_t i = 0; i < count; i++)
        l->annotated = l->annotated && l->values[i] >= (kind == VA ? -1 : 0);
    if (kind == EXPRESSION && l->annotated)
        TRY(import_whole(in, "expression", l->values[0], 0, (int)l->columns - 1, &l->expression));
fail:
    *more = *more || (l->at != NULL && status == MIEN_OK);
    in->where = NULL;
    return status;
}

/* ---- frames ---- */

static enum mien_status add_row(struct import *in, const struct lines lines[KINDS], const char *image,
                                struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const struct lines *units = &lines[UNITS];
    struct data_value *values = base_arena_array(&in->row_arena, MOST, sizeof(*values));
    FAIL_IF_NULL(values, "an import");
    row->image = image;
    row->has_va = lines[VA].annotated;
    memcpy(row->va, lines[VA].values, sizeof(row->va));
    if (lines[EXPRESSION].annotated) {
        const char *word = lines[EXPRESSION].heads[lines[EXPRESSION].expression];
        TRY(import_labels(in, NULL, 0, word, &row->labels, &row->label_count));
        FAIL_IF(row->label_count == 0, MIEN_ERR_DATA, "%s/%s:1: \"%s\" is no expression of the set's", in->top,
                lines[EXPRESSION].path, word);
    }
    for (size_t i = 0; units->annotated && i < units->columns; i++)
        values[row->au_count++] = (struct data_value){units->heads[i], units->values[i]};
    row->aus = units->annotated ? values : NULL;
    TRY(import_labelled(in, row, NULL));
fail:
    return status;
}

/* Frames by their numbers: names [most + 1], in the import's arena; the first picture is looked at for all. */
static enum mien_status list_frames(struct import *in, const char *dir, const char ***names, size_t *most)
{
    enum { LAST = 10000000 };
    enum mien_status status = MIEN_OK;
    char **list = NULL;
    size_t count = 0, number = 0;
    enum import_kind kind;
    bool is_dir;
    char after;
    *most = 0;
    *names = NULL;
    TRY(import_is_dir(in, dir, &is_dir));
    if (is_dir)
        TRY(import_names(in, dir, &list, &count));
    for (size_t i = 0; i < count; i++)
        if (sscanf(list[i], "%8zu%c", &number, &after) == 2 && after == '.' && number < LAST)
            *most = BASE_MAX(*most, number);
    *names = base_arena_array(&in->arena, *most + 1, sizeof(**names));
    FAIL_IF_NULL(*names, "an import");
    for (size_t i = 0; i < count; i++) {
        if (sscanf(list[i], "%8zu%c", &number, &after) != 2 || after != '.' || number >= LAST)
            continue;
        (*names)[number] = base_arena_printf(&in->arena, "%s/%s", dir, list[i]);
        FAIL_IF_NULL((*names)[number], "an import");
        if (i == 0)
            TRY(import_look(in, (*names)[number], &kind));
    }
fail:
    base_dir_list_free(&list, &count);
    return status;
}

static enum mien_status read_video(struct import *in, const char *const dirs[KINDS], const char *faces,
                                   const char *name, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    struct lines lines[KINDS] = {{0}};
    const char **frames = NULL;
    size_t most = 0;
    const char *video = base_arena_printf(&in->arena, "%.*s", (int)(strlen(name) - 4), name);
    const char *dir = video ? base_arena_printf(&in->arena, "%s/%s", faces ? faces : "cropped_aligned", video) : NULL;
    FAIL_IF_NULL(dir, "an import");
    for (int k = 0; k < KINDS; k++)
        TRY(open_lines(in, dirs[k], name, k, &lines[k]));
    TRY(list_frames(in, dir, &frames, &most));
    bool more = true;
    for (size_t number = 1; more; number++) {
        struct data_row row = {.split = split, .subject = video};
        more = false;
        for (int k = 0; k < KINDS; k++)
            TRY(read_frame(in, &lines[k], k, &more));
        const char *image = number <= most ? frames[number] : NULL;
        bool annotated = lines[VA].annotated || lines[EXPRESSION].annotated || lines[UNITS].annotated;
        in->summary->missing += annotated && !image;
        if (annotated && image)
            TRY(add_row(in, lines, image, &row));
    }
fail:
    for (int k = 0; k < KINDS; k++)
        base_free(lines[k].text);
    return status;
}

/* ---- the multi-task challenge: one list a split ---- */

/* "VIDEO/00001.jpg,valence,arousal,expression,AU1,..." a line. */
static enum mien_status read_multi_line(struct import *in, char *line, enum data_split split, const char *faces)
{
    static const char *const units[] = {"AU1",  "AU2",  "AU4",  "AU6",  "AU7",  "AU10",
                                        "AU12", "AU15", "AU23", "AU24", "AU25", "AU26"};
    enum { FIELDS = 3 + BASE_COUNT(units) };
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = split};
    struct data_value values[BASE_COUNT(units)];
    double v[FIELDS + 1];
    size_t count;
    char *comma = strchr(line, ','), code[16];
    int expression;
    bool found, seen, whole = true;
    FAIL_IF(!comma || comma == line, MIEN_ERR_DATA, "%s: a picture and its values were expected", in->where);
    TRY(import_seen(in, line, &seen));
    *comma = 0;
    TRY(import_numbers(in, comma + 1, v, FIELDS + 1, &count));
    FAIL_IF(count != FIELDS, MIEN_ERR_DATA, "%s: %zu numbers; %d were expected", in->where, count, FIELDS);
    in->summary->duplicates += seen;
    row.has_va = v[0] >= -1 && v[1] >= -1;
    memcpy(row.va, v, sizeof(row.va));
    if (v[2] >= 0) {
        TRY(import_whole(in, "expression", v[2], 0, 7, &expression));
        snprintf(code, sizeof(code), "%d", expression);
        TRY(import_labels(in, expressions, 0, code, &row.labels, &row.label_count));
    }
    for (size_t i = 0; i < BASE_COUNT(units); i++) {
        values[i] = (struct data_value){units[i], v[3 + i]};
        whole = whole && v[3 + i] >= 0;
    }
    row.aus = whole ? values : NULL;
    row.au_count = whole ? BASE_COUNT(units) : 0;
    row.subject = base_arena_strndup(&in->row_arena, line, strcspn(line, "/"));
    const char *path = base_arena_printf(&in->row_arena, "%s/%s", faces, line);
    FAIL_IF(!path || !row.subject, MIEN_ERR_NOMEM, "out of host memory for an import");
    if (seen || !(row.has_va || row.label_count || row.aus))
        goto fail; /* status is MIEN_OK */
    TRY(import_source(in, path, &row, &found));
    in->summary->missing += !found;
    if (found)
        TRY(import_labelled(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status read_multi(struct import *in, const char *name, enum data_split split, const char *faces,
                                   bool *any)
{
    enum mien_status status = MIEN_OK;
    const char *near = base_arena_printf(&in->arena, "*/%s", name), *path;
    const char *far = base_arena_printf(&in->arena, "*/MTL_Challenge/%s", name);
    char *text = NULL, where[1200];
    unsigned number = 0;
    FAIL_IF(!near || !far, MIEN_ERR_NOMEM, "out of host memory for an import");
    TRY(import_first(in, (const char *const[]){name, near, far, NULL}, &path));
    if (path)
        TRY(import_text_read(in, path, &text));
    *any = *any || path;
    import_forget(in);
    in->where = where;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        snprintf(where, sizeof(where), "%s/%s:%u", in->top, path, ++number);
        if (line[strspn(line, " \t\r")] && !(number == 1 && strncmp(line, "image", 5) == 0))
            TRY(read_multi_line(in, line, split, faces ? faces : "cropped_aligned"));
    }
fail:
    in->where = NULL;
    base_free(text);
    return status;
}

/* ---- the tree ---- */

static enum mien_status read_split(struct import *in, const char *part, enum data_split split, const char *faces,
                                   bool *any)
{
    static const char *const kinds[KINDS] = {"VA_*", "EXPR_*", "AU_*"};
    enum mien_status status = MIEN_OK;
    const char *dirs[KINDS] = {NULL};
    struct import_match match;
    import_forget(in);
    for (int k = 0; k < KINDS; k++) {
        const char *near = base_arena_printf(&in->arena, "%s/%s", kinds[k], part);
        const char *far = base_arena_printf(&in->arena, "*/%s/%s", kinds[k], part);
        FAIL_IF(!near || !far, MIEN_ERR_NOMEM, "out of host memory for an import");
        TRY(import_first(in, (const char *const[]){near, far, NULL}, &dirs[k]));
    }
    for (int k = 0; k < KINDS; k++) {
        char **names = NULL;
        size_t count = 0;
        bool seen;
        if (dirs[k])
            TRY(import_names(in, dirs[k], &names, &count));
        for (size_t i = 0; i < count && status == MIEN_OK; i++) {
            bool fits = import_name_fits("?*.txt", names[i], &match);
            in->summary->passed_over += !fits;
            status = fits ? import_seen(in, names[i], &seen) : MIEN_OK;
            if (status == MIEN_OK && fits && !seen)
                status = read_video(in, dirs, faces, names[i], split);
        }
        base_dir_list_free(&names, &count);
        TRY(status);
        *any = *any || dirs[k];
    }
fail:
    return status;
}

static enum mien_status run(struct import *in)
{
    static const char *const faces[] = {"cropped_aligned", "cropped_aligned*", "*/cropped_aligned", NULL};
    enum mien_status status = MIEN_OK;
    const char *dir = NULL;
    bool any = false;
    TRY(import_first(in, faces, &dir));
    TRY(read_split(in, "Train*_Set", DATA_SPLIT_TRAIN, dir, &any));
    TRY(read_split(in, "Validation_Set", DATA_SPLIT_TEST, dir, &any));
    if (!any) {
        TRY(read_multi(in, "training_set_annotations.txt", DATA_SPLIT_TRAIN, dir, &any));
        TRY(read_multi(in, "validation_set_annotations.txt", DATA_SPLIT_TEST, dir, &any));
    }
    if (!any)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_affwild2 = {
    .info = {.name = "affwild2",
             .summary =
                 "Aff-Wild2 (ABAW): frames of videos with valence and arousal, 8 expressions, 12 action units, as "
                 "far as each is there; its validation part, on which it is tested, is test; --classes 7 leaves "
                 "other out",
             .layout = "ROOT/*ABAW_Annotations/VA_*|EXPR_*|AU_*/Train_Set|Validation_Set/VIDEO.txt and "
                       "ROOT/cropped_aligned/VIDEO/00001.jpg; or, of the multi-task challenge, "
                       "training_set_annotations.txt and validation_set_annotations.txt",
             .source = "https://ibug.doc.ic.ac.uk/resources/aff-wild2 (a signed agreement, for research)"},
    .marks = {"cropped_aligned*", "*ABAW_Annotations", "annotations", "VA_*", "EXPR_*", "AU_*",
              "*_set_annotations.txt"},
    .classes = 8,
    .dropped = "other",
    .run = run,
};
