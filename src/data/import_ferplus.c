/* import_ferplus.c: FER+ as a directory of pictures with labels.csv. */
#include "data/csv.h"
#include "data/ferplus.h"
#include "data/import.h"

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

/* Votes and their majority; the label column decides between emotions with equally many. total 0 = unrated. */
static enum mien_status read_rating(const struct data_csv *csv, const struct columns *c, size_t row,
                                    struct ferplus_rating *out)
{
    enum mien_status status = MIEN_OK;
    const char *label = c->label >= 0 ? data_csv_cell(csv, row, c->label) : "";
    int labelled = -1;
    *out = (struct ferplus_rating){0};
    for (int e = 0; e < FERPLUS_EMOTIONS; e++) {
        TRY(data_csv_u32(csv, row, c->votes[e], &out->votes[e]));
        FAIL_IF(out->votes[e] > 1000000, MIEN_ERR_DATA, "%s:%u: %u votes are beyond reason", csv->path, csv->lines[row],
                out->votes[e]);
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
    TRY(ferplus_caption(rating, in->params->local, &rng, &in->row_arena, &row.caption));
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
    char where[1200];
    snprintf(where, sizeof(where), "%s:%u", csv->path, csv->lines[i]);
    FAIL_IF(!*path, MIEN_ERR_DATA, "%s: filepath is empty", where);
    TRY(manifest_split(where, data_csv_cell(csv, i, c->split), &split));
    FAIL_IF(split == DATA_SPLIT_NONE, MIEN_ERR_DATA, "%s: split is empty; train, val or test was expected", where);
    TRY(read_rating(csv, c, i, &rating));
    TRY(import_look(in, path, &kind));
    in->summary->missing += kind == IMPORT_MISSING;
    in->summary->unrated += kind != IMPORT_MISSING && rating.total == 0;
    if (kind != IMPORT_MISSING && rating.total > 0)
        TRY(add_row(in, &rating, path, split));
fail:
    return status;
}

static enum mien_status run(struct import *in)
{
    enum mien_status status = MIEN_OK;
    struct data_csv csv = {0};
    struct columns columns;
    char *path = base_path_join(in->top, "labels.csv");
    FAIL_IF_NULL(path, "an import");
    FAIL_IF(!in->marked, MIEN_ERR_DATA,
            "%s is missing; \"ferplus\" needs labels.csv with filepath, split and votes_* in the root", path);
    TRY(data_csv_read(path, ',', &csv));
    TRY(find_columns(&csv, &columns));
    for (size_t i = 0; i < csv.rows; i++)
        TRY(read_row(in, &csv, &columns, i));
fail:
    data_csv_clear(&csv);
    base_free(path);
    return status;
}

const struct import_layout import_ferplus = {
    .info = {.name = "ferplus",
             .summary = "FER+: faces of 48x48 with the votes of ten raters; captions are written from the votes",
             .layout =
                 "ROOT/labels.csv with filepath, split, votes_neutral, votes_happiness, ... and, if there, label; "
                 "the pictures that it names",
             .source = "votes: https://github.com/microsoft/FERPlus; pictures: FER-2013, https://www.kaggle.com/c/"
                       "challenges-in-representation-learning-facial-expression-recognition-challenge"},
    .marks = {"labels.csv"},
    .options = IMPORT_CAPTIONS | IMPORT_LOCAL,
    .run = run,
};
