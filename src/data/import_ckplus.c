/* import_ckplus.c: CK+: sequences from a face at rest to its apex, those that have a label. */
#include "data/frames.h"
#include "data/import_lines.h"
#include "data/import_read.h"
#include "data/import_rule.h"

#include <string.h>

static const char numbers[] = "neutral anger contempt disgust fear happiness sadness surprise";
enum { MOST_UNITS = 32 };

struct ckplus {
    char subject[IMPORT_WORD];  /* the last one */
    int32_t subjects;           /* with a label so far */
    const char *images, *units; /* directories; NULL: not there */
};

/* "4.0000000e+00   3.0000000e+00" a line: a unit and its intensity. Every unit that is listed is present. */
static enum mien_status read_units(struct import *in, const struct ckplus *c, const struct import_match *match,
                                   struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *name = strrchr(match->path, '/') + 1;
    char *text = NULL;
    if (!c->units)
        return MIEN_OK;
    const char *path = base_arena_printf(&in->row_arena, "%s/%s/%s/%.*s_facs.txt", c->units, match->subject,
                                         match->number, (int)(strlen(name) - strlen("_emotion.txt")), name);
    struct data_value *values = base_arena_array(&in->row_arena, MOST_UNITS, sizeof(*values));
    FAIL_IF(!path || !values, MIEN_ERR_NOMEM, "out of host memory for an import");
    enum import_kind kind;
    TRY(import_look(in, path, &kind));
    if (kind == IMPORT_MISSING)
        return MIEN_OK;
    TRY(import_text_read(in, path, &text));
    char where[1200];
    unsigned number = 1;
    in->where = where;
    for (char *line = text, *next; line; line = next, number++) {
        double pair[2];
        size_t count;
        int unit;
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        snprintf(where, sizeof(where), "%s/%s:%u", in->top, path, number);
        TRY(import_numbers(in, line, pair, 2, &count));
        FAIL_IF(count == 1 || row->au_count == MOST_UNITS, MIEN_ERR_DATA, "%s: a unit and its intensity were expected",
                where);
        if (count == 0)
            continue;
        TRY(import_whole(in, "action unit", pair[0], 1, 999, &unit));
        values[row->au_count].name = base_arena_printf(&in->row_arena, "AU%d", unit);
        FAIL_IF_NULL(values[row->au_count].name, "an import");
        for (uint32_t i = 0; i < row->au_count; i++)
            FAIL_IF(strcmp(values[i].name, values[row->au_count].name) == 0, MIEN_ERR_DATA, "%s: %s again", where,
                    values[i].name);
        values[row->au_count++].value = 1;
    }
    row->aus = values;
fail:
    in->where = NULL;
    base_free(text);
    return status;
}

static enum mien_status read_emotion(struct import *in, const struct import_match *match, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL, where[1200], code[8];
    double number = 0;
    int emotion;
    snprintf(where, sizeof(where), "%s/%s:1", in->top, match->path);
    TRY(import_text_read(in, match->path, &text));
    in->where = where;
    TRY(import_number(in, text, strlen(text), &number));
    TRY(import_whole(in, "emotion", number, 0, 7, &emotion));
    snprintf(code, sizeof(code), "%d", emotion);
    TRY(import_labels(in, numbers, 0, code, &row->labels, &row->label_count));
fail:
    in->where = NULL;
    base_free(text);
    return status;
}

/* Names of the sequence's pictures in their order, in the row's arena. */
static enum mien_status list_frames(struct import *in, const char *dir, const char ***out, size_t *count)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t all = 0;
    bool is_dir;
    *count = 0;
    TRY(import_is_dir(in, dir, &is_dir));
    if (!is_dir)
        return MIEN_OK;
    TRY(import_names(in, dir, &names, &all));
    *out = base_arena_array(&in->row_arena, all + 1, sizeof(**out));
    FAIL_IF_NULL(*out, "an import");
    for (size_t i = 0; i < all; i++) {
        if (!data_is_frame(names[i]))
            continue;
        (*out)[*count] = base_arena_printf(&in->row_arena, "%s/%s", dir, names[i]);
        FAIL_IF_NULL((*out)[*count], "an import");
        ++*count;
    }
fail:
    base_dir_list_free(&names, &all);
    return status;
}

/* import_row clears the row's arena, and a sequence may give several rows: they are copied. */
static enum mien_status add_picture(struct import *in, struct data_row row, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct base_arena kept = in->row_arena;
    bool found;
    in->row_arena = (struct base_arena){0};
    TRY(import_source(in, path, &row, &found));
    in->summary->missing += !found;
    if (found)
        TRY(import_row(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    in->row_arena = kept;
    return status;
}

static enum mien_status add_rows(struct import *in, struct data_row *row, const char *dir, const char **frames,
                                 size_t count)
{
    static const char *const neutral[] = {"neutral"};
    enum mien_status status = MIEN_OK;
    const char *which = in->params->frames ? in->params->frames : "last";
    bool clip = strcmp(which, "clip") == 0;
    size_t last = BASE_MIN(count, strcmp(which, "last3") == 0 ? (size_t)3 : (size_t)1);
    struct data_row first = {
        .labels = neutral, .label_count = 1, .subject = row->subject, .fold = row->fold, .split = row->split};
    if (in->params->neutral && strcmp(in->params->neutral, "first") == 0 && count > last && !clip)
        TRY(add_picture(in, first, frames[0]));
    for (size_t i = clip ? count : count - last; i < count; i++)
        TRY(add_picture(in, *row, frames[i]));
    if (clip)
        TRY(add_picture(in, *row, dir));
fail:
    return status;
}

static enum mien_status read_sequence(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    struct ckplus *c = user;
    struct data_row row = {.subject = match->subject};
    const char **frames = NULL;
    size_t count = 0;
    if (strcmp(c->subject, match->subject) != 0)
        c->subjects++;
    snprintf(c->subject, sizeof(c->subject), "%s", match->subject);
    import_set_fold(in, (c->subjects - 1) % 10 + 1, &row);
    TRY(read_emotion(in, match, &row));
    TRY(read_units(in, c, match, &row));
    const char *dir = c->images
                          ? base_arena_printf(&in->row_arena, "%s/%s/%s", c->images, match->subject, match->number)
                          : "cohn-kanade-images";
    FAIL_IF_NULL(dir, "an import");
    TRY(list_frames(in, dir, &frames, &count));
    in->summary->missing += count == 0;
    if (count)
        TRY(add_rows(in, &row, dir, frames, count));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status run(struct import *in)
{
    static const char *const emotions[] = {"Emotion", "Emotion_labels/Emotion", "Emotion_labels", NULL};
    static const char *const images[] = {"extended-cohn-kanade-images/cohn-kanade-images", "cohn-kanade-images",
                                         "extended-cohn-kanade-images", NULL};
    static const char *const units[] = {"FACS", "FACS_labels/FACS", "FACS_labels", NULL};
    enum mien_status status = MIEN_OK;
    struct ckplus c = {0};
    const char *dir = NULL;
    TRY(import_first(in, emotions, &dir));
    TRY(import_first(in, images, &c.images));
    TRY(import_first(in, units, &c.units));
    if (!dir)
        return import_no_layout(in);
    dir = base_arena_printf(&in->arena, "%s/<subject>/<number>/*_emotion.txt", dir);
    FAIL_IF_NULL(dir, "an import");
    TRY(import_walk(in, dir, false, read_sequence, &c));
fail:
    return status;
}

const struct import_layout import_ckplus = {
    .info = {.name = "ckplus",
             .summary = "CK+: 7 emotions, action units; the last frame of each of 327 sequences with a label (--frames "
                        "last3|clip, --neutral first); 10 folds by subject",
             .layout = "ROOT/cohn-kanade-images/S005/001/*.png, ROOT/Emotion/S005/001/*_emotion.txt and, if there, "
                       "ROOT/FACS/S005/001/*_facs.txt (also nested, as the archives unpack)",
             .source = "https://www.jeffcohn.net/Resources (a signed agreement, for research)"},
    .marks = {"Emotion", "Emotion_labels", "cohn-kanade-images", "extended-cohn-kanade-images"},
    .folds = 10,
    .options = IMPORT_SEQUENCE,
    .run = run,
};
