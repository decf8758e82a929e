/* begin.c: a run's configuration, and its directory as this process's own, before a device is needed. */
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

/* The configuration of the run in a directory, and where it lies now, whatever it says itself. */
static enum mien_status read_own(struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    const struct mien_train_params *p = t->params;
    struct base_arena arena = {0};
    char *file = base_path_join(dir, "config.json");
    cJSON *word = cJSON_CreateString(dir);
    char *text = word ? base_json_print(word, false) : NULL;
    const char **sets = base_arena_array(&arena, p->set_count + 1, sizeof(*sets));
    FAIL_IF(!file || !text || !sets, MIEN_ERR_NOMEM, "out of host memory for a configuration");
    FAIL_IF(base_file_exists_in(dir, "model.safetensors"), MIEN_ERR_ARG,
            "%s: a model, not a run; name the run directory that it is in, which holds checkpoints/", dir);
    FAIL_IF(!base_file_exists(file), MIEN_ERR_ARG,
            "%s: holds no run: there is no config.json; name the run directory to go on with", dir);
    if (p->set_count)
        memcpy(sets, p->sets, p->set_count * sizeof(*sets));
    sets[p->set_count] = base_arena_printf(&arena, "run.dir=%s", text);
    FAIL_IF_NULL(sets[p->set_count], "a configuration");
    TRY(train_config_read(file, sets, p->set_count + 1, &t->config));
fail:
    cJSON_Delete(word);
    base_free(text);
    base_free(file);
    base_arena_clear(&arena);
    return status;
}

/* What is not there at all is told before a device is opened. */
static enum mien_status check_inputs(const struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = t->config;
    if (data_is_shards(c->data.train))
        TRY(train_check_shards(c));
    FAIL_IF(!data_is_shards(c->data.train) && !base_file_exists(c->data.train), MIEN_ERR_DATA,
            "%s: no such file; data.train names the manifest", c->data.train);
    FAIL_IF(c->data.val && data_is_shards(c->data.val), MIEN_ERR_ARG,
            "%s: data.val is a manifest, which is read again and again in one order; shards serve data.train alone",
            c->data.val);
    FAIL_IF(c->data.val && !base_file_exists(c->data.val), MIEN_ERR_DATA, "%s: no such file; data.val names a manifest",
            c->data.val);
    if (t->params->resume) /* a checkpoint has its own */
        return MIEN_OK;
    if (c->model.init)
        TRY(base_source_check_dir(c->model.init, "model.init is a model directory, or scratch"));
    if (c->model.tokenizer)
        TRY(base_source_check_dir(c->model.tokenizer, "model.tokenizer is a directory with a tokenizer"));
fail:
    return status;
}

/* Before anything in the run directory is read. */
enum mien_status train_begin(const struct mien_train_params *params, struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    *t = (struct trainer){.params = params, .ranks = params->ranks};
    bool writes = !params->dry_run && train_leads(t);
    if (!train_leads(t))
        TRY(dist_barrier(t->ranks)); /* until rank 0 has put the directory in order: see below */
    if (!params->config) {
        FAIL_IF(!base_file_is_dir(params->run_dir), MIEN_ERR_ARG, "%s: no run directory; name the one to go on with",
                params->run_dir);
        TRY(train_check_length(params->run_dir));
        if (writes)
            TRY(train_own(t, params->run_dir));
        TRY(read_own(t, params->run_dir));
    } else {
        TRY(train_config_read(params->config, params->sets, params->set_count, &t->config));
        TRY(train_check_length(t->config->run.dir));
        if (writes)
            TRY(train_own(t, t->config->run.dir));
    }
    if (params->dry_run)
        t->config->run.dump_grads = NULL; /* nothing is written */
    TRY(train_ranks_shares(t));
    if (!train_leads(t)) {
        snprintf(t->summary.run_dir, sizeof(t->summary.run_dir), "%s", t->config->run.dir);
    } else if (!params->dry_run) {
        snprintf(t->summary.run_dir, sizeof(t->summary.run_dir), "%s", t->config->run.dir);
        TRY(train_recover(t->config->run.dir));
        if (!params->resume)
            TRY(train_check_fresh(t->config->run.dir));
        TRY(train_check_places(t));
    }
    TRY(check_inputs(t));
    if (train_leads(t))
        TRY(dist_barrier(t->ranks));
fail:
    return status;
}
