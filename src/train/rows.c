/* rows.c: which rows a run trains on, and what they have to learn from. */
#include "train/config_keys.h"
#include "train/trainer.h"
#include "use/classes.h"

#include <string.h>

static bool has_caption(const struct data_caption *caption)
{
    return caption->whole || caption->global || caption->summary || caption->local_count;
}

/* Which of the texts that loss.text asks for a row has: bit 0, and bit 1 for the summary of "both". */
static uint32_t texts_of(const struct train_config *c, const struct data_row *row)
{
    const struct data_caption *caption = &row->caption;
    switch (c->loss.text) {
    case TRAIN_TEXT_BOTH:
        return (caption->global ? 1u : 0) | (caption->summary ? 2u : 0);
    case TRAIN_TEXT_GLOBAL:
        return caption->global != NULL;
    case TRAIN_TEXT_SUMMARY:
        return caption->summary != NULL;
    case TRAIN_TEXT_LABEL:
        return row->label_count > 0;
    default:
        return has_caption(caption);
    }
}

const enum data_text train_text_kinds[] = {DATA_TEXT_BOTH, DATA_TEXT_GLOBAL, DATA_TEXT_SUMMARY, DATA_TEXT_CAPTION,
                                           DATA_TEXT_LABEL};

enum mien_status train_each_row(struct trainer *t, data_row_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    if (t->shards)
        return data_shards_each(t->shards, fn, user);
    for (size_t i = 0; i < t->row_count; i++)
        TRY(fn(user, &t->manifest->rows[t->rows[i]]));
fail:
    return status;
}

/* What the rows have, found in one pass. */
struct survey {
    const struct train_config *config;
    struct base_sha256 key;
    uint32_t any, all;    /* texts_of some rows, and of all */
    uint32_t most, least; /* local sentences */
    size_t clips;
    bool caption, label;
};

static enum mien_status survey_row(void *user, const struct data_row *row)
{
    struct survey *s = user;
    uint32_t has = texts_of(s->config, row);
    train_data_key_add(&s->key, row);
    s->any |= has;
    s->all &= has;
    s->most = BASE_MAX(s->most, row->caption.local_count);
    s->least = BASE_MIN(s->least, row->caption.local_count);
    s->clips += row->image == NULL;
    s->caption |= has_caption(&row->caption);
    s->label |= row->label_count > 0;
    return MIEN_OK;
}

/* None has a text that loss.text asks for: what would find one. */
static enum mien_status refuse_texts(const struct trainer *t, const struct survey *s)
{
    return base_fail(MIEN_ERR_DATA, "%s: no row has the text that loss.text asks for; %s", t->manifest->path,
                     s->caption ? "there are other parts of captions: loss.text=caption takes what a row has"
                     : s->label ? "there are labels: loss.text=label takes these"
                                : "captions or labels are needed");
}

/* Which levels there are and which rows lack some. Without a word on it local sentences are used where there are any.
 */
static enum mien_status survey_texts(struct trainer *t, const struct survey *s)
{
    enum mien_status status = MIEN_OK;
    struct train_objective *objective = &t->recipe.objective;
    const struct train_config *c = t->config;
    uint32_t any = s->any, all = s->all, most = s->most, least = s->least;
    if (train_head_alone(c)) {
        t->config->loss.local.kind = train_locals_none();
        objective->local = train_locals[c->loss.local.kind];
        return MIEN_OK;
    }
    if (any == 0)
        TRY(refuse_texts(t, s));
    objective->global_levels = any == 3 ? 2 : 1;
    t->level_text[0] = c->loss.text != TRAIN_TEXT_BOTH ? train_text_kinds[c->loss.text]
                       : any == 2                      ? DATA_TEXT_SUMMARY
                                                       : DATA_TEXT_GLOBAL;
    t->level_text[1] = DATA_TEXT_SUMMARY;
    for (uint32_t k = 0; k < objective->global_levels; k++)
        objective->missing |= (all >> (objective->global_levels == 2 ? k : any >> 1) & 1) ? 0 : 1u << k;
    if (!c->chosen.local && most == 0)
        t->config->loss.local.kind = train_locals_none();
    t->config->chosen.local = true;
    objective->local = train_locals[c->loss.local.kind];
    if (!objective->local->record)
        return MIEN_OK;
    FAIL_IF(most == 0, MIEN_ERR_DATA, "%s: no row has local sentences; set loss.local.kind to \"none\"",
            t->manifest->path);
    objective->slots = c->loss.local.sentences;
    for (uint32_t k = 0; k < objective->slots; k++)
        objective->missing |= least > k ? 0 : 1u << (objective->global_levels + k);
fail:
    return status;
}

/* The rest of what is minimised. */
static enum mien_status set_objective(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct train_objective *o = &t->recipe.objective;
    const struct train_config *c = t->config;
    o->loss = train_losses[c->loss.kind];
    o->config = c;
    o->local_weight = (float)c->loss.local.weight;
    o->local_tau = (float)c->loss.local.tau;
    o->mining = (struct op_mining){.kind = c->loss.mining.kind,
                                   .guide = c->loss.mining.guide,
                                   .same_text = c->loss.mining.same_text,
                                   .top_k = c->loss.mining.top_k,
                                   .text = (float)c->loss.mining.threshold_text,
                                   .image = (float)c->loss.mining.threshold_image,
                                   .weight = (float)c->loss.mining.weight,
                                   .tau = (float)c->loss.mining.tau};
    o->frozen = c->loss.mining.kind != OP_MINING_NONE && c->loss.mining.source == TRAIN_SOURCE_FROZEN;
    TRY(train_check_local(c));
fail:
    return status;
}

/* A label, alone or in a compound, or a compound by its whole name. */
static bool has_label(const struct data_row *row, const char *label)
{
    char name[256];
    for (uint32_t k = 0; k < row->label_count; k++)
        if (strcmp(row->labels[k], label) == 0)
            return true;
    return row->label_count > 1 && strcmp(data_row_label(row, name, sizeof(name)), label) == 0;
}

/* Rows of data.leave_out leave training. "b and a" is "a and b", as in eval --class. */
static enum mien_status leave_out(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct use_classes one = {0};
    size_t kept = 0, before = t->row_count;
    if (!t->config->data.leave_out)
        return MIEN_OK;
    TRY(use_classes_list(t->manifest, (const char *const *)&t->config->data.leave_out, 1, &one));
    const char *label = one.list[0].name;
    for (size_t i = 0; i < before; i++)
        if (!has_label(&t->manifest->rows[t->rows[i]], label))
            t->rows[kept++] = t->rows[i];
    FAIL_IF(kept == before, MIEN_ERR_ARG, "%s: no row of the train split has the label \"%s\" of data.leave_out",
            t->manifest->path, label);
    FAIL_IF(kept == 0, MIEN_ERR_ARG, "%s: all rows of the train split have the label \"%s\" of data.leave_out",
            t->manifest->path, label);
    LOG_INFO("train: %zu of %zu samples are \"%s\" and left out", before - kept, before, label);
    t->row_count = kept;
fail:
    use_classes_clear(&one);
    return status;
}

enum mien_status train_check_shards(const struct train_config *c)
{
    enum mien_status status = MIEN_OK;
    struct data_shards *shards = NULL;
    const char *what = c->data.balance == TRAIN_BALANCE_LABEL ? "data.balance label"
                       : c->data.leave_out                    ? "data.leave_out"
                       : c->data.descriptions                 ? "data.descriptions"
                       : c->model.head.kind != IO_HEAD_NONE   ? "model.head"
                                                              : NULL;
    FAIL_IF(what, MIEN_ERR_ARG,
            "%s: data.train is shards, which are read one sample after another; %s needs all rows of a manifest: name "
            "the manifest, or leave it out",
            c->data.train, what);
    TRY(data_shards_open(c->data.train, c->data.columns, &shards)); /* all are there */
fail:
    data_shards_close(&shards);
    return status;
}

static enum mien_status open_manifest(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    TRY(data_manifest_read_as(t->config->data.train, t->config->data.columns, false, &t->manifest));
    TRY(data_manifest_select(t->manifest, DATA_SPLIT_TRAIN, true, &t->rows, &t->row_count));
    FAIL_IF(t->row_count == 0, MIEN_ERR_DATA, "%s: no row belongs to the train split", t->config->data.train);
    TRY(train_describe(t->config, t->manifest));
    TRY(leave_out(t));
    TRY(train_head_survey(t));
    TRY(train_check_balance(t));
fail:
    return status;
}

static enum mien_status open_shards(struct trainer *t)
{
    enum mien_status status = data_shards_open(t->config->data.train, t->config->data.columns, &t->shards);
    if (status == MIEN_OK)
        t->manifest = &t->shards->manifest;
    return status;
}

enum mien_status train_open_data(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *val = NULL;
    struct survey s = {.config = t->config, .key = base_sha256_begin(), .all = ~0u, .least = UINT32_MAX};
    const char *train = t->config->data.train, *other = t->config->data.val, *columns = t->config->data.columns;
    TRY(data_is_shards(train) ? open_shards(t) : open_manifest(t));
    TRY(train_each_row(t, survey_row, &s));
    t->row_count = t->shards ? t->shards->samples : t->row_count;
    if (t->shards)
        base_sha256_add(&s.key, t->shards->places, sizeof(t->shards->places));
    train_data_key_end(&s.key, t->data_key);
    TRY(train_look_survey(t, s.clips));
    TRY(survey_texts(t, &s));
    TRY(set_objective(t));
    if (other) /* read now, so that a bad line is found before training */
        TRY(data_manifest_read_as(other, columns, strcmp(other, train) == 0, &val));
fail:
    data_manifest_destroy(&val);
    return status;
}
