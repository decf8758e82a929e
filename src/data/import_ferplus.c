/* import_ferplus.c: FER+ as Microsoft publishes it, or as a directory of pictures with labels.csv. */
#include "data/csv.h"
#include "data/ferplus.h"
#include "data/import.h"
#include "data/manifest_internal.h"

#include <string.h>

struct columns {
    int path, split, label, votes[FERPLUS_EMOTIONS];
};

static enum mien_status find_columns(const struct data_csv *csv, struct columns *c)
{
    enum mien_status status = MIEN_OK;
    c->path = data_csv_column(csv, "filepath");
    c->split = data_csv_column(csv, "split");
    c->label = data_csv_column(csv, "label");
    FAIL_IF(c->path < 0 || c->split < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", csv->path,
            c->path < 0 ? "filepath" : "split");
    for (int e = 0; e < FERPLUS_EMOTIONS; e++) {
        char name[32];
        snprintf(name, sizeof(name), "votes_%s", ferplus_names[e]);
        c->votes[e] = data_csv_column(csv, name);
        FAIL_IF(c->votes[e] < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", csv->path, name);
    }
fail:
    return status;
}

static enum mien_status read_count(const struct data_csv *csv, size_t row, int column, uint32_t *out)
{
    enum mien_status status = MIEN_OK;
    TRY(data_csv_u32(csv, row, column, out));
    FAIL_IF(*out > 1000000, MIEN_ERR_DATA, "%s:%u: %u votes are beyond reason", csv->path, csv->lines[row], *out);
fail:
    return status;
}

/* Votes and their majority; the label column decides between emotions with equally many. total 0 = unrated. */
static enum mien_status read_rating(const struct data_csv *csv, const struct columns *c, size_t row,
                                    struct ferplus_rating *out)
{
    enum mien_status status = MIEN_OK;
    const char *label = c->label >= 0 ? data_csv_cell(csv, row, c->label) : "";
    int labelled = -1;
    *out = (struct ferplus_rating){0};
    for (int e = 0; e < FERPLUS_EMOTIONS; e++) {
        TRY(read_count(csv, row, c->votes[e], &out->votes[e]));
        out->total += out->votes[e];
        if (out->votes[e] > out->votes[out->top])
            out->top = (enum ferplus_emotion)e;
        if (strcmp(label, ferplus_names[e]) == 0)
            labelled = e;
    }
    FAIL_IF(*label && labelled < 0, MIEN_ERR_DATA, "%s:%u: label \"%s\" is none of FER+'s eight", csv->path,
            csv->lines[row], label);
    if (labelled >= 0 && out->votes[labelled] == out->votes[out->top])
        out->top = (enum ferplus_emotion)labelled;
fail:
    return status;
}

/* {"votes": {"neutral": n, ...}} */
static cJSON *votes_json(const struct ferplus_rating *rating)
{
    cJSON *more = cJSON_CreateObject(), *votes = cJSON_AddObjectToObject(more, "votes");
    bool ok = votes != NULL;
    for (int e = 0; ok && e < FERPLUS_EMOTIONS; e++)
        ok = cJSON_AddNumberToObject(votes, ferplus_names[e], rating->votes[e]);
    if (ok)
        return more;
    cJSON_Delete(more);
    return NULL;
}

static enum mien_status add_row(struct import *in, const struct ferplus_rating *rating, const char *path,
                                enum data_split split)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = {.image = path, .labels = &ferplus_names[rating->top], .label_count = 1, .split = split};
    struct base_rng rng = base_rng_make(in->params->seed, path, 0, 0); /* the wording follows the file, not its line */
    cJSON *votes = votes_json(rating);
    FAIL_IF_NULL(votes, "a manifest");
    TRY(ferplus_caption(rating, in->params->local || in->params->captions, &rng, &in->row_arena, &row.caption));
    return import_row(in, &row, votes);
fail:
    cJSON_Delete(votes);
    return status;
}

static enum mien_status read_row(struct import *in, const struct data_csv *csv, const struct columns *c, size_t i)
{
    enum mien_status status = MIEN_OK;
    struct ferplus_rating rating;
    enum data_split split;
    enum import_kind kind;
    const char *path = data_csv_cell(csv, i, c->path);
    FAIL_IF(data_is_blank(path), MIEN_ERR_DATA, "%s: filepath is empty", in->where);
    TRY(manifest_split(in->where, data_csv_cell(csv, i, c->split), &split));
    FAIL_IF(split == DATA_SPLIT_NONE, MIEN_ERR_DATA, "%s: split is empty; train, val or test was expected", in->where);
    TRY(read_rating(csv, c, i, &rating));
    TRY(import_look(in, path, &kind));
    in->summary->missing += kind == IMPORT_MISSING;
    in->summary->unrated += kind != IMPORT_MISSING && rating.total == 0;
    if (kind != IMPORT_MISSING && rating.total > 0)
        TRY(add_row(in, &rating, path, split));
fail:
    return status;
}

/* ---- as Microsoft publishes it ---- */

enum { UNKNOWN = FERPLUS_EMOTIONS, NO_FACE, ALL_VOTES };

struct official {
    int usage, name, votes[ALL_VOTES];
};

static enum mien_status find_official(const struct data_csv *csv, struct official *c)
{
    static const char *const more[] = {"unknown", "NF"};
    enum mien_status status = MIEN_OK;
    c->usage = data_csv_column(csv, "Usage");
    c->name = data_csv_column(csv, "Image name");
    FAIL_IF(c->usage < 0 || c->name < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", csv->path,
            c->usage < 0 ? "Usage" : "Image name");
    for (int e = 0; e < ALL_VOTES; e++) {
        const char *name = e < FERPLUS_EMOTIONS ? ferplus_names[e] : more[e - FERPLUS_EMOTIONS];
        c->votes[e] = data_csv_column(csv, name);
        FAIL_IF(c->votes[e] < 0, MIEN_ERR_DATA, "%s: no column \"%s\"", csv->path, name);
    }
fail:
    return status;
}

/* Single votes count for nothing; of the rest the most decide, the first of equals. *rated is false where that is
 * nothing, "unknown" or "no face". */
static enum mien_status read_votes(const struct data_csv *csv, const struct official *c, size_t row,
                                   struct ferplus_rating *out, bool *rated)
{
    enum mien_status status = MIEN_OK;
    uint32_t votes, most = 1;
    int top = UNKNOWN;
    *out = (struct ferplus_rating){0};
    for (int e = 0; e < ALL_VOTES; e++) {
        TRY(read_count(csv, row, c->votes[e], &votes));
        if (votes > most) {
            most = votes;
            top = e;
        }
        if (e < FERPLUS_EMOTIONS) {
            out->votes[e] = votes;
            out->total += votes;
        }
    }
    *rated = top < FERPLUS_EMOTIONS;
    out->top = *rated ? (enum ferplus_emotion)top : FERPLUS_NEUTRAL;
fail:
    return status;
}

/* Where a picture is: in its part's folder, below the top or in data/. */
static enum mien_status find_picture(struct import *in, const char *folder, const char *name, const char **path,
                                     enum import_kind *kind)
{
    enum mien_status status = MIEN_OK;
    static const char *const places[] = {"", "data/"};
    *kind = IMPORT_MISSING;
    for (size_t i = 0; i < BASE_COUNT(places) && *kind == IMPORT_MISSING; i++) {
        *path = base_arena_printf(&in->row_arena, "%s%s/%s", places[i], folder, name);
        FAIL_IF_NULL(*path, "an import");
        TRY(import_look(in, *path, kind));
    }
fail:
    return status;
}

static enum mien_status read_official(struct import *in, const struct data_csv *csv, const struct official *c, size_t i)
{
    static const struct {
        const char *usage, *folder;
        enum data_split split;
    } parts[] = {{"Training", "FER2013Train", DATA_SPLIT_TRAIN},
                 {"PublicTest", "FER2013Valid", DATA_SPLIT_VAL},
                 {"PrivateTest", "FER2013Test", DATA_SPLIT_TEST}};
    enum mien_status status = MIEN_OK;
    const char *usage = data_csv_cell(csv, i, c->usage), *name = data_csv_cell(csv, i, c->name), *path = NULL;
    struct ferplus_rating rating;
    enum import_kind kind;
    bool rated;
    size_t part = 0;
    while (part < BASE_COUNT(parts) && strcmp(parts[part].usage, usage) != 0)
        part++;
    FAIL_IF(part == BASE_COUNT(parts), MIEN_ERR_DATA,
            "%s: Usage is \"%s\"; Training, PublicTest or PrivateTest was expected", in->where, usage);
    TRY(read_votes(csv, c, i, &rating, &rated));
    if (data_is_blank(name)) { /* no face: the picture was withdrawn */
        in->summary->unrated++;
        return MIEN_OK;
    }
    TRY(find_picture(in, parts[part].folder, name, &path, &kind));
    in->summary->missing += kind == IMPORT_MISSING;
    in->summary->unrated += kind != IMPORT_MISSING && !rated;
    if (kind != IMPORT_MISSING && rated)
        TRY(add_row(in, &rating, path, parts[part].split));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

/* ---- the lists ---- */

static const char official_list[] = "fer2013new.csv", own_list[] = "labels.csv";

static enum mien_status read_list(struct import *in, const char *path, bool official)
{
    enum mien_status status = MIEN_OK;
    struct data_csv csv = {0};
    struct official names = {0};
    struct columns columns = {0};
    char where[1200];
    TRY(data_csv_read(path, 0, &csv));
    TRY(official ? find_official(&csv, &names) : find_columns(&csv, &columns));
    in->where = where;
    for (size_t i = 0; i < csv.rows; i++) {
        snprintf(where, sizeof(where), "%s:%u", path, csv.lines[i]);
        TRY(official ? read_official(in, &csv, &names, i) : read_row(in, &csv, &columns, i));
    }
fail:
    in->where = NULL;
    data_csv_clear(&csv);
    return status;
}

static enum mien_status run(struct import *in)
{
    enum mien_status status = MIEN_OK;
    char *path = NULL;
    FAIL_IF(!in->marked, MIEN_ERR_DATA,
            "%s/%s is missing; \"ferplus\" needs it beside the folders FER2013Train, FER2013Valid and FER2013Test, or "
            "%s with filepath, split and votes_*, in the root",
            in->top, official_list, own_list);
    TRY(import_path(in, official_list, &path));
    bool official = base_file_exists(path);
    if (!official) {
        base_free(path);
        TRY(import_path(in, own_list, &path));
    }
    TRY(read_list(in, path, official));
fail:
    base_free(path);
    return status;
}

const struct import_layout import_ferplus = {
    .info = {.name = "ferplus",
             .summary = "FER+: faces of 48x48 with the votes of ten raters; captions are written from the votes",
             .layout =
                 "ROOT/fer2013new.csv; FER2013Train/, FER2013Valid/ and FER2013Test/ with its pictures, in ROOT or "
                 "ROOT/data; or ROOT/labels.csv with filepath, split, votes_neutral, votes_happiness, ... and, if "
                 "there, label; the pictures that it names",
             .source = "votes: https://github.com/microsoft/FERPlus; pictures: FER-2013, https://www.kaggle.com/c/"
                       "challenges-in-representation-learning-facial-expression-recognition-challenge"},
    .marks = {"fer2013new.csv", "labels.csv"},
    .options = IMPORT_CAPTIONS | IMPORT_LOCAL,
    .run = run,
};
