/* run.c: what a training run left behind: log.jsonl, config.json, checkpoints. */
#include "eval/run.h"

#include "io/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- log.jsonl ---- */

const char *const run_step_keys[RUN_KEYS] = {
    "step",        "loss",          "loss_global",    "loss_local",      "lr", "grad_norm",
    "logit_scale", "samples_per_s", "positives.text", "positives.image", NULL};
const char *const run_eval_keys[RUN_KEYS] = {"step", "loss", "war", "uar", NULL};

static void columns_clear(struct run_columns *c)
{
    for (size_t k = 0; k < RUN_KEYS; k++)
        base_free(c->values[k]);
    *c = (struct run_columns){0};
}

/* "a.b" is member b of the object a. */
static double lookup(const cJSON *row, const char *key)
{
    char outer[32];
    const char *dot = strchr(key, '.');
    if (!dot)
        return eval_member(row, key);
    snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
    return eval_member(cJSON_GetObjectItemCaseSensitive(row, outer), dot + 1);
}

static enum mien_status add_row(struct run_columns *c, const char *const *keys, const cJSON *row)
{
    for (size_t k = 0; k < RUN_KEYS && keys[k]; k++) {
        enum mien_status status = base_grow(&c->values[k], &c->capacity[k], c->count + 1, sizeof(double));
        if (status != MIEN_OK)
            return status;
        c->values[k][c->count] = lookup(row, keys[k]);
    }
    c->count++;
    return MIEN_OK;
}

static enum mien_status read_line(const char *line, size_t size, const char *where, struct run_columns *steps,
                                  struct run_columns *evals)
{
    enum mien_status status = MIEN_OK;
    cJSON *row = NULL;
    const char *kind = "";
    TRY(base_json_parse(line, size, where, &row));
    FAIL_IF(!cJSON_IsObject(row), MIEN_ERR_DATA, "%s: not a JSON object", where);
    TRY(base_json_string(row, "kind", where, &kind));
    if (strcmp(kind, "step") == 0)
        TRY(add_row(steps, run_step_keys, row));
    else if (strcmp(kind, "eval") == 0)
        TRY(add_row(evals, run_eval_keys, row));
fail:
    cJSON_Delete(row);
    return status;
}

static enum mien_status read_log(const char *path, struct run_columns *steps, struct run_columns *evals)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL, where[1100];
    size_t size = 0, line = 1;
    TRY(base_file_read(path, 0, &text, &size));
    for (size_t at = 0; at < size; line++) {
        size_t length = strcspn(text + at, "\n");
        snprintf(where, sizeof(where), "%s:%zu", path, line);
        if (length)
            TRY(read_line(text + at, length, where, steps, evals));
        at += length + 1;
    }
fail:
    base_free(text);
    return status;
}

/* ---- what is known besides ---- */

/* A report is about what is there: what cannot be read is not known. But memory that has run out is no absence. */
static enum mien_status survived(enum mien_status status)
{
    return status == MIEN_ERR_NOMEM ? status : MIEN_OK;
}

/* The newest of checkpoints/step-N that has a state.json: its path, base_alloc'ed; NULL where there is none. */
static enum mien_status newest_state(const char *dir, char **found)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL, *all = base_path_join(dir, "checkpoints"), *path = NULL;
    size_t count = 0;
    uint64_t best = 0;
    FAIL_IF_NULL(all, "a path");
    if (base_file_is_dir(all))
        TRY(base_dir_list(all, &names, &count));
    for (size_t i = 0; i < count; i++) {
        char *end = NULL, name[300];
        uint64_t step = strncmp(names[i], "step-", 5) == 0 ? strtoull(names[i] + 5, &end, 10) : 0;
        if (!end || *end || step < best)
            continue;
        snprintf(name, sizeof(name), "%s/state.json", names[i]);
        path = base_path_join(all, name);
        FAIL_IF_NULL(path, "a path");
        if (base_file_exists(path)) {
            base_free(*found);
            *found = path;
            path = NULL;
            best = step;
        }
        base_free(path);
        path = NULL;
    }
fail:
    base_dir_list_free(&names, &count);
    base_free(all);
    return status;
}

static enum mien_status read_state(const char *dir, struct run_facts *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = NULL;
    TRY(newest_state(dir, &path));
    if (path)
        TRY(base_json_read(path, &json));
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "device"));
    snprintf(out->device, sizeof(out->device), "%s", device ? device : "");
    out->samples = eval_member(json, "samples");
fail:
    cJSON_Delete(json);
    base_free(path);
    return survived(status);
}

static enum mien_status count_parameters(const char *dir, const char *name, struct run_facts *out)
{
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    char *path = base_path_join(dir, name);
    FAIL_IF_NULL(path, "a path");
    if (!isnan(out->parameters) || !base_file_exists(path))
        goto fail;
    TRY(io_safetensors_open(path, &file));
    out->parameters = 0;
    for (size_t t = 0; t < io_safetensors_count(file); t++)
        out->parameters += (double)io_safetensors_at(file, t)->count;
fail:
    io_safetensors_close(&file);
    base_free(path);
    return survived(status);
}

/* From the rates of the steps; those between two rows of the log are taken to have gone as fast as the second. */
static double seconds_of(const struct run_columns *steps, double batch)
{
    double sum = 0, before = 0;
    for (size_t i = 0; i < steps->count; i++) {
        double step = steps->values[STEP_NUMBER][i], rate = steps->values[STEP_RATE][i];
        if (!(step > before) || !(rate > 0))
            continue;
        sum += (step - before) * batch / rate;
        before = step;
    }
    return sum > 0 ? sum : (double)NAN;
}

/* The name of a run is that of its directory, also where that is given as "." */
static enum mien_status name_run(const char *dir, struct run_facts *out)
{
    enum mien_status status = MIEN_OK;
    char *whole = NULL;
    const char *end = strrchr(dir, '/');
    const char *last = end && end[1] ? end + 1 : dir;
    if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        status = base_path_absolute(dir, &whole);
    page_name_of(status == MIEN_OK && whole ? whole : dir, out->name, sizeof(out->name));
    base_free(whole);
    return survived(status);
}

static enum mien_status read_facts(struct run *run)
{
    enum mien_status status = MIEN_OK;
    const double unknown = (double)NAN;
    struct run_facts *out = &run->facts;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(run->config, "data");
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    *out = (struct run_facts){.parameters = unknown, .samples = unknown};
    TRY(name_run(run->dir, out));
    TRY(read_state(run->dir, out));
    TRY(count_parameters(run->dir, "model/model.safetensors", out));
    TRY(count_parameters(run->dir, "best/model.safetensors", out));
    page_name_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "train")), out->data, sizeof(out->data));
    out->batch = eval_member(cJSON_GetObjectItemCaseSensitive(run->config, "run"), "batch");
    out->seconds = seconds_of(&run->steps, out->batch);
fail:
    base_log_soften(before);
    return status == MIEN_OK ? MIEN_OK : base_fail(status, "%s: out of host memory for what the run was", run->dir);
}

/* ---- the whole ---- */

size_t run_best(const struct run_columns *c, int key)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < c->count; i++)
        if (isfinite(c->values[key][i]) && (best == SIZE_MAX || c->values[key][i] > c->values[key][best]))
            best = i;
    return best;
}

enum mien_status run_read(const char *dir, struct run **out)
{
    enum mien_status status = MIEN_OK;
    char *log = base_path_join(dir, "log.jsonl"), *config = base_path_join(dir, "config.json");
    struct run *run = base_alloc(1, sizeof(*run));
    *out = NULL;
    FAIL_IF(!log || !config || !run, MIEN_ERR_NOMEM, "out of host memory for a report on %s", dir);
    FAIL_IF(!base_file_exists(log), MIEN_ERR_DATA, "%s: no log.jsonl; a run directory is what `mien train` writes",
            dir);
    run->dir = use_copy_text(dir);
    FAIL_IF_NULL(run->dir, "a path");
    TRY(read_log(log, &run->steps, &run->evals));
    if (base_file_exists(config))
        TRY(base_json_read(config, &run->config));
    TRY(read_facts(run));
    *out = run;
    run = NULL;
fail:
    run_destroy(&run);
    base_free(log);
    base_free(config);
    return status;
}

void run_destroy(struct run **run)
{
    if (!run || !*run)
        return;
    columns_clear(&(*run)->steps);
    columns_clear(&(*run)->evals);
    cJSON_Delete((*run)->config);
    base_free((*run)->dir);
    base_free(*run);
    *run = NULL;
}
