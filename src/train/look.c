/* look.c: what an image is in a run: pictures or clips, passed through the image tower in each step or, where that does
 * not change, as features made once. */
#include "train/trainer.h"

#include <string.h>

/* ---- what the rows are ---- */

static enum mien_status check_clips(const struct trainer *t, size_t clips)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    FAIL_IF(c->model.temporal.layers && clips == 0, MIEN_ERR_ARG,
            "%s: no row of the train split has frames or a video; model.temporal needs clips", t->manifest->path);
    FAIL_IF(clips && c->chosen.local && train_locals[c->loss.local.kind]->patches, MIEN_ERR_ARG,
            "%s: has clips; loss.local.kind %s compares regions of one picture: use sentence or none",
            t->manifest->path, train_locals[c->loss.local.kind]->word.name);
fail:
    return status;
}

enum mien_status train_look_survey(struct trainer *t, size_t clips)
{
    enum mien_status status = MIEN_OK;
    TRY(check_clips(t, clips));
    if (!clips)
        return MIEN_OK;
    t->recipe.look = (struct train_look){.frames = t->config->data.frames.count, .mixed = clips < t->row_count};
    if (!t->config->chosen.local) { /* its default compares regions */
        t->config->loss.local.kind = train_locals_none();
        t->config->chosen.local = true;
    }
fail:
    return status;
}

bool train_frozen_towers(const struct trainer *t)
{
    return t->config->model.init && (t->config->model.temporal.layers || t->recipe.head.kind ||
                                     (t->recipe.look.frames && t->model->config.temporal.layers));
}

/* ---- features ---- */

static bool is_plain(const struct train_config *c)
{
    return c->data.augment.crop_scale[0] == 1 && c->data.augment.crop_scale[1] == 1 && c->data.augment.flip == 0 &&
           c->data.augment.rotate == 0 && c->data.augment.jitter == 0;
}

static void set_plain(struct train_config *c)
{
    c->data.augment.crop_scale[0] = c->data.augment.crop_scale[1] = 1;
    c->data.augment.flip = c->data.augment.rotate = c->data.augment.jitter = 0;
}

/* Pictures that are changed at random pass the tower each time, frozen or not. */
static bool wants_features(const struct trainer *t)
{
    if (!train_frozen_towers(t) || (t->config->chosen.augment && !is_plain(t->config)))
        return false;
    for (uint32_t i = 0; i < t->model->count; i++) {
        if (use_is_vision(t->model->params[i].name) && !t->rules[i].frozen)
            return false;
    }
    return true;
}

/* For timing: as many, all zero. */
static enum mien_status plan_features(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct use_features *f = &t->features;
    size_t frames = BASE_MAX(t->recipe.look.frames, 1u), embed = t->model->config.embed;
    f->data.width = (uint32_t)embed;
    f->first = base_alloc(t->row_count + 1, sizeof(*f->first));
    f->values = base_alloc(t->row_count * frames * embed, sizeof(*f->values));
    FAIL_IF(!f->first || !f->values, MIEN_ERR_NOMEM, "out of host memory for features of %zu rows", t->row_count);
    for (size_t i = 0; i <= t->row_count; i++)
        f->first[i] = i * frames;
    f->data.first = f->first;
    f->data.values = f->values;
    LOG_INFO("train: the image tower is frozen: its features are made before the first step of a run, which is not in "
             "the time below");
fail:
    return status;
}

static enum mien_status make_features(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct use_parts parts = train_model_parts(t);
    struct use_rows rows = {.manifest = t->manifest, .rows = t->rows, .count = t->row_count, .split = "train"};
    uint32_t frames =
        t->config->data.frames.sampling == DATA_SAMPLING_UNIFORM ? t->recipe.look.frames : MIEN_ALL_FRAMES;
    struct mien_model *model = NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN); /* the loader counts what is bad */
    char *path = base_path_join(t->config->run.dir, "features.safetensors");
    FAIL_IF_NULL(path, "a path");
    TRY(use_model_over(&parts, &model));
    TRY(data_pack_open(t->manifest, &rows.pack));
    LOG_INFO("train: the image tower is frozen: features of %zu rows, kept in %s", t->row_count, path);
    TRY(use_features_open(model, &rows, frames, path, NULL, NULL, &t->features));
fail:
    base_log_soften(before);
    data_pack_close(&rows.pack);
    mien_model_destroy(&model);
    base_free(path);
    return status;
}

enum mien_status train_look_open(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(t->recipe.look.frames && t->model->config.temporal.layers &&
                t->recipe.look.frames >= t->model->config.temporal.max_frames,
            MIEN_ERR_ARG, "data.frames.count is %u; the model's position embedding holds %u frames",
            t->recipe.look.frames, t->model->config.temporal.max_frames - 1);
    t->recipe.look.features = wants_features(t);
    if (!t->recipe.look.features)
        return MIEN_OK;
    FAIL_IF(t->shards, MIEN_ERR_ARG,
            "%s: the image tower is frozen; its features are made once of the rows of a manifest, not of shards: train "
            "from the manifest, thaw the tower (optim.groups), or give data.augment, with which pictures pass it each "
            "time",
            t->manifest->path);
    set_plain(t->config);
    TRY(t->params->dry_run ? plan_features(t) : make_features(t));
fail:
    return status;
}
