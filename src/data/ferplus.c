/* ferplus.c: FER+ as a directory of pictures with labels.csv to a manifest. */
#include "data/ferplus.h"

#include "data/csv.h"
#include "mien/data.h"

#include <string.h>

struct columns {
    int path, split, label, votes[FERPLUS_EMOTIONS];
};

struct import {
    const struct mien_import_params *params;
    struct mien_import_summary *summary;
    struct data_csv csv;
    struct columns columns;
    char *from_manifest; /* root as the manifest's directory sees it */
    struct base_out *out;
    uint32_t *caption_row;   /* [rows]: whose votes a row's caption is written from; NULL = its own */
    struct base_arena arena; /* of one row */
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

static enum mien_status build_row(const struct ferplus_rating *rating, const struct data_caption *caption,
                                  const char *image, const char *split, cJSON *json)
{
    enum mien_status status = MIEN_OK;
    cJSON *text = NULL, *votes = NULL, *local = NULL;
    bool ok = cJSON_AddStringToObject(json, "image", image) && (text = cJSON_AddObjectToObject(json, "caption")) &&
              cJSON_AddStringToObject(text, "global", caption->global);
    if (ok && caption->local_count > 0) {
        local = cJSON_CreateStringArray(caption->local, (int)caption->local_count);
        ok = cJSON_AddItemToObject(text, "local", local);
    }
    ok = ok && cJSON_AddStringToObject(text, "summary", caption->summary) &&
         cJSON_AddStringToObject(json, "label", ferplus_names[rating->top]) &&
         cJSON_AddStringToObject(json, "split", split) && (votes = cJSON_AddObjectToObject(json, "votes"));
    for (int e = 0; ok && e < FERPLUS_EMOTIONS; e++)
        ok = cJSON_AddNumberToObject(votes, ferplus_names[e], rating->votes[e]);
    FAIL_IF(!ok, MIEN_ERR_NOMEM, "out of host memory for a manifest");
fail:
    return status;
}

/* The caption of a row: from its own votes, or, for the control of shuffled captions, from another row's. */
static enum mien_status write_caption(struct import *in, size_t row, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    struct ferplus_rating rating;
    size_t from = in->caption_row ? in->caption_row[row] : row;
    const char *path = data_csv_cell(&in->csv, from, in->columns.path);
    struct base_rng rng = base_rng_make(in->params->seed, path, 0, 0); /* the wording follows the file, not its line */
    TRY(read_rating(&in->csv, &in->columns, from, &rating));
    TRY(ferplus_caption(&rating, in->params->local, &rng, &in->arena, out));
fail:
    return status;
}

static enum mien_status write_row(struct import *in, const struct ferplus_rating *rating, size_t row, const char *path,
                                  const char *split)
{
    enum mien_status status = MIEN_OK;
    struct data_caption caption;
    bool beside = strcmp(in->from_manifest, ".") == 0;
    char *text = NULL, *image = base_path_join(beside ? "" : in->from_manifest, path);
    cJSON *json = cJSON_CreateObject();
    FAIL_IF(!json || !image, MIEN_ERR_NOMEM, "out of host memory for a manifest");
    TRY(write_caption(in, row, &caption));
    TRY(build_row(rating, &caption, image, split, json));
    text = base_json_print(json, false);
    FAIL_IF_NULL(text, "a manifest");
    TRY(base_out_write(in->out, text, strlen(text)));
    TRY(base_out_write(in->out, "\n", 1));
fail:
    base_free(text);
    base_free(image);
    cJSON_Delete(json);
    base_arena_clear(&in->arena);
    return status;
}

static enum mien_status import_row(struct import *in, size_t row)
{
    enum mien_status status = MIEN_OK;
    struct ferplus_rating rating;
    enum data_split split;
    const char *path = data_csv_cell(&in->csv, row, in->columns.path);
    const char *word = data_csv_cell(&in->csv, row, in->columns.split);
    char where[1200];
    snprintf(where, sizeof(where), "%s:%u", in->csv.path, in->csv.lines[row]);
    FAIL_IF(!*path, MIEN_ERR_DATA, "%s: filepath is empty", where);
    TRY(manifest_split(where, word, &split));
    FAIL_IF(split == DATA_SPLIT_NONE, MIEN_ERR_DATA, "%s: split is empty; train, val or test was expected", where);
    TRY(read_rating(&in->csv, &in->columns, row, &rating));
    char *full = base_path_join(in->params->root, path);
    FAIL_IF_NULL(full, where);
    bool there = base_file_exists(full);
    base_free(full);
    in->summary->missing += !there;
    in->summary->unrated += there && rating.total == 0;
    if (!there || rating.total == 0)
        return MIEN_OK;
    TRY(write_row(in, &rating, row, path, word));
    in->summary->samples++;
    in->summary->train += split == DATA_SPLIT_TRAIN;
    in->summary->val += split == DATA_SPLIT_VAL;
    in->summary->test += split == DATA_SPLIT_TEST;
fail:
    return status;
}

static enum mien_status open_files(struct import *in)
{
    enum mien_status status = MIEN_OK;
    char *table = base_path_join(in->params->root, "labels.csv"), *dir = base_path_dir(in->params->manifest);
    FAIL_IF(!table || !dir, MIEN_ERR_NOMEM, "out of host memory for an import");
    FAIL_IF(!base_file_exists(table), MIEN_ERR_DATA,
            "%s is missing; \"ferplus\" needs labels.csv with filepath, split and votes_* in the root", table);
    TRY(data_csv_read(table, ',', &in->csv));
    TRY(find_columns(&in->csv, &in->columns));
    TRY(base_path_relative(dir, in->params->root, &in->from_manifest));
    TRY(base_out_open(in->params->manifest, &in->out));
fail:
    base_free(table);
    base_free(dir);
    return status;
}

/* Hands the captions of the rated rows of one split round at random. */
static enum mien_status shuffle_split(struct import *in, const char *split)
{
    enum mien_status status = MIEN_OK;
    struct ferplus_rating rating;
    uint32_t count = 0, *from = base_alloc(in->csv.rows, sizeof(*from)), *to = base_alloc(in->csv.rows, sizeof(*to));
    FAIL_IF(!from || !to, MIEN_ERR_NOMEM, "out of host memory for an import");
    for (size_t row = 0; row < in->csv.rows; row++) {
        TRY(read_rating(&in->csv, &in->columns, row, &rating));
        if (rating.total > 0 && strcmp(data_csv_cell(&in->csv, row, in->columns.split), split) == 0)
            from[count++] = (uint32_t)row;
    }
    memcpy(to, from, count * sizeof(*to));
    struct base_rng rng = base_rng_make(in->params->seed, split, 0, 0);
    base_rng_shuffle(&rng, to, count);
    for (uint32_t i = 0; i < count; i++)
        in->caption_row[from[i]] = to[i];
fail:
    base_free(from);
    base_free(to);
    return status;
}

static enum mien_status shuffle_captions(struct import *in)
{
    enum mien_status status = MIEN_OK;
    in->caption_row = base_alloc(in->csv.rows, sizeof(*in->caption_row));
    FAIL_IF_NULL(in->caption_row, "an import");
    for (size_t row = 0; row < in->csv.rows; row++)
        in->caption_row[row] = (uint32_t)row;
    TRY(shuffle_split(in, "train"));
    TRY(shuffle_split(in, "val"));
    TRY(shuffle_split(in, "test"));
fail:
    return status;
}

enum mien_status ferplus_import(const struct mien_import_params *params, struct mien_import_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct import in = {.params = params, .summary = summary};
    TRY(open_files(&in));
    if (params->shuffle_captions)
        TRY(shuffle_captions(&in));
    for (size_t row = 0; row < in.csv.rows; row++)
        TRY(import_row(&in, row));
    FAIL_IF(summary->samples == 0, MIEN_ERR_DATA, "%s: none of the %zu pictures of labels.csv is there", params->root,
            in.csv.rows);
    if (summary->missing > 0)
        LOG_WARN("%s: %llu of %zu pictures of labels.csv are not there and were left out", params->root,
                 (unsigned long long)summary->missing, in.csv.rows);
    TRY(base_out_commit(&in.out));
fail:
    base_out_abandon(&in.out);
    data_csv_clear(&in.csv);
    base_free(in.from_manifest);
    base_free(in.caption_row);
    base_arena_clear(&in.arena);
    return status;
}
