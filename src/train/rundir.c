/* rundir.c: the run directory: whose it is, whether it may be used, its config.json, its log. */
#include "base/stamp.h"
#include "train/config_keys.h"
#include "train/events.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

/* ---- its owner ---- */

/* The nearest directory on the way to `path` that is there. */
static char *nearest_there(const char *path)
{
    char *at = base_path_join("", path);
    while (at && !base_file_exists(at)) {
        char *above = base_path_dir(at);
        base_free(at);
        at = above;
    }
    return at;
}

enum mien_status train_own(struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    long owner = 0;
    char *path = base_path_join(dir, ".mien-lock");
    t->own_dir = base_path_join("", dir);
    t->made_in = nearest_there(dir);
    FAIL_IF(!path || !t->own_dir || !t->made_in, MIEN_ERR_NOMEM, "out of host memory for a path");
    TRY(base_dir_create(dir));
    TRY(base_lock_take(path, &t->lock, &owner));
    FAIL_IF(!t->lock, MIEN_ERR_ARG,
            "%s: another process (%ld) trains in this run directory; wait for its end, or choose another run.dir", dir,
            owner);
fail:
    base_free(path);
    return status;
}

void train_disown(struct trainer *t)
{
    char *dir = t->own_dir;
    base_lock_release(&t->lock);
    while (dir && t->made_in && strcmp(dir, t->made_in) != 0 && base_dir_remove_empty(dir)) { /* made for nothing */
        char *above = base_path_dir(dir);
        base_free(dir);
        dir = above;
    }
    base_free(dir);
    base_free(t->made_in);
    t->own_dir = t->made_in = NULL;
}

/* A log without rows: a start that ended before its first step. Its config.json and event file are Mien's then, as they
 * were written after the log; those that stand alone are somebody's. */
static bool is_unbegun(const char *dir)
{
    struct base_stamp stamp;
    return base_file_stamp_in(dir, "log.jsonl", &stamp) && stamp.size == 0;
}

enum mien_status train_check_fresh(const char *dir)
{
    static const char *const names[] = {"model", "best", "checkpoints", "config.json", "log.jsonl", TRAIN_EVENTS_NAME};
    size_t count = BASE_COUNT(names) - (is_unbegun(dir) ? 3 : 0);
    for (size_t i = 0; i < count; i++) {
        if (base_file_exists_in(dir, names[i]))
            return base_fail(MIEN_ERR_ARG,
                             "%s holds a run already (%s); go on with it by --resume, choose another run.dir, or "
                             "remove it",
                             dir, names[i]);
    }
    return MIEN_OK;
}

/* ---- config.json: absolute paths, so that it is a configuration wherever it is read ---- */

/* Whether a key's value, where it is a string, is a path. */
static bool is_path(const struct train_key *key)
{
    return key && (key->kind == KIND_PATH || key->form == &train_form_init || key->form == &train_form_tokenizer);
}

static enum mien_status make_absolute(cJSON *root, const char *name)
{
    enum mien_status status = MIEN_OK;
    cJSON *object = train_object_of(root, name, false);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, train_key_last(name));
    char *path = NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* a way to nowhere stays as it is */
    if (cJSON_IsString(item) && (status = base_path_absolute(item->valuestring, &path)) == MIEN_OK &&
        !base_json_replace(object, train_key_last(name), cJSON_CreateString(path)))
        status = MIEN_ERR_NOMEM;
    base_log_soften(before);
    base_free(path);
    return status == MIEN_ERR_NOMEM ? base_fail(status, "out of host memory for a configuration") : MIEN_OK;
}

static enum mien_status resolved(struct train_config *config, cJSON **out)
{
    enum mien_status status = train_config_resolve(config);
    if (status != MIEN_OK)
        return status;
    *out = cJSON_Duplicate(config->json, true);
    if (!*out)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a configuration");
    for (const struct train_key *key = train_keys; key->name; key++) {
        bool scratch = key->form == &train_form_init && !config->model.init;
        if (is_path(key) && !scratch && (status = make_absolute(*out, key->name)) != MIEN_OK)
            return status;
    }
    return MIEN_OK;
}

/* ---- agreement ---- */

static const char micro_batch[] = "run.micro_batch";

static bool may_change(const char *name)
{
    const struct train_key *key = train_key_find(name);
    return key && key->may_change;
}

static enum mien_status differs(const char *path, const char *name, const cJSON *old, const cJSON *now)
{
    char *was = old ? base_json_print(old, false) : NULL, *is = now ? base_json_print(now, false) : NULL;
    enum mien_status status = MIEN_OK;
    const char *else_do = strcmp(name, micro_batch) == 0 ? "(several ranks: or run.shares, a number for each) " : "";
    FAIL_IF((old && !was) || (now && !is), MIEN_ERR_NOMEM, "out of host memory for %s", path);
    status =
        base_fail(MIEN_ERR_ARG,
                  "%s: the run was begun with %s = %.200s, not %.200s; give it the same value to resume, %sor start "
                  "another run.dir",
                  path, name, was ? was : "nothing", is ? is : "nothing", else_do);
fail:
    base_free(was);
    base_free(is);
    return status;
}

/* The run to go on with and the present configuration, each with its config.json. */
struct comparison {
    const char *path;              /* of the old one */
    const char *dir;               /* it lies in, absolute */
    const char *old_dir, *now_dir; /* run.dir as each has it; the former may be NULL */
    bool shares;                   /* now by run.shares: parts may differ, no bits are promised */
};

/* Whether two paths are the same place: by themselves (older versions kept ways from the run directory), or as seen
 * from their run directories, which have been moved together with what they name. */
static enum mien_status same_place(const struct comparison *c, const char *old, const char *now, bool *same)
{
    enum mien_status status = MIEN_ERR_NOMEM;
    char *joined = base_path_join(c->dir, old), *whole = NULL, *way = NULL, *other = NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    if (joined)
        status = base_path_absolute(joined, &whole);
    *same = status == MIEN_OK && strcmp(whole, now) == 0;
    base_log_soften(before);
    if (!*same && *old == '/' && *now == '/' && c->old_dir && *c->old_dir == '/') {
        way = base_path_way(c->old_dir, old);
        other = base_path_way(c->now_dir, now);
        *same = way && other && strcmp(way, other) == 0;
        status = way && other ? status : MIEN_ERR_NOMEM;
    }
    base_free(joined);
    base_free(whole);
    base_free(way);
    base_free(other);
    return status == MIEN_ERR_NOMEM ? base_fail(status, "out of host memory for a path") : MIEN_OK;
}

static enum mien_status compare(const struct comparison *c, const char *prefix, const cJSON *old, const cJSON *now);

static enum mien_status compare_key(const struct comparison *c, const char *prefix, const char *key, const cJSON *old,
                                    const cJSON *now)
{
    char name[256];
    snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
    if (may_change(name) || (c->shares && strcmp(name, micro_batch) == 0))
        return MIEN_OK;
    if (cJSON_IsObject(old) && cJSON_IsObject(now))
        return compare(c, name, old, now);
    bool same = old && now && cJSON_Compare(old, now, true);
    if (!same && is_path(train_key_find(name)) && cJSON_IsString(old) && cJSON_IsString(now)) {
        enum mien_status status = same_place(c, old->valuestring, now->valuestring, &same);
        if (status != MIEN_OK)
            return status;
    }
    return same ? MIEN_OK : differs(c->path, name, old, now);
}

static enum mien_status compare(const struct comparison *c, const char *prefix, const cJSON *old, const cJSON *now)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, old)
        TRY(compare_key(c, prefix, item->string, item, cJSON_GetObjectItemCaseSensitive(now, item->string)));
    cJSON_ArrayForEach(item, now)
    {
        if (!cJSON_GetObjectItemCaseSensitive(old, item->string))
            TRY(compare_key(c, prefix, item->string, NULL, item));
    }
fail:
    return status;
}

static const char *run_dir_of(const cJSON *root)
{
    const cJSON *run = cJSON_GetObjectItemCaseSensitive(root, "run");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "dir"));
}

/* run.steps and run.epochs of the run that goes on. */
static enum mien_status read_length(const cJSON *root, const char *path, uint32_t out[2])
{
    enum mien_status status = MIEN_OK;
    const cJSON *run = cJSON_GetObjectItemCaseSensitive(root, "run");
    TRY(base_json_u32(run, "steps", path, &out[0]));
    TRY(base_json_u32(run, "epochs", path, &out[1]));
fail:
    return status;
}

enum mien_status train_check_agrees(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    cJSON *old = NULL, *now = NULL;
    char *path = base_path_join(t->config->run.dir, "config.json"), *dir = NULL;
    FAIL_IF_NULL(path, "a path");
    if (base_file_exists(path)) {
        TRY(base_path_absolute(t->config->run.dir, &dir));
        TRY(base_json_read(path, &old));
        TRY(resolved(t->config, &now));
        const struct comparison c = {path, dir, run_dir_of(old), run_dir_of(now), t->config->run.shares > 0};
        TRY(compare(&c, "", old, now));
        TRY(read_length(old, path, t->begun_with));
    }
fail:
    base_free(path);
    base_free(dir);
    cJSON_Delete(old);
    cJSON_Delete(now);
    return status;
}

enum mien_status train_begun_precision(const struct trainer *t, uint32_t *out)
{
    static const char *const words[] = {
        [TRAIN_PRECISION_F32] = "f32", [TRAIN_PRECISION_BF16] = "bf16", [TRAIN_PRECISION_F16] = "f16"};
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const char *word = words[TRAIN_PRECISION_F32];
    char *path = base_path_join(t->config->run.dir, "config.json");
    FAIL_IF_NULL(path, "a path");
    if (!base_file_exists(path))
        goto fail; /* status is MIEN_OK */
    TRY(base_json_read(path, &json));
    const cJSON *item = base_json_member(base_json_member(json, "run"), "precision");
    word = cJSON_IsString(item) ? item->valuestring : word;
    for (uint32_t i = 0; i < BASE_COUNT(words); i++)
        if (strcmp(words[i], word) == 0)
            *out = i;
fail:
    base_free(path);
    cJSON_Delete(json);
    return status;
}

enum mien_status train_open_run(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    TRY(base_dir_create(t->config->run.dir));
    TRY(resolved(t->config, &json));
    TRY(train_log_open(t->config->run.dir, t->state.step, t->config->run.tensorboard,
                       &t->log)); /* first: see is_unbegun */
    TRY(io_write_json(t->config->run.dir, "config.json", json));
fail:
    cJSON_Delete(json);
    return status;
}

/* ---- what killed runs have left ---- */

/* Names that versions before ".mien-" left behind; a user's own may look the same. */
static bool looks_left(const char *name)
{
    static const char *const ends[] = {".partial", ".old"};
    const char *dot = strrchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : 0;
    bool known = (length == 5 && memcmp(name, "model", 5) == 0) || (length == 4 && memcmp(name, "best", 4) == 0) ||
                 (length > 5 && memcmp(name, "step-", 5) == 0);
    return known && (strcmp(dot, ends[0]) == 0 || strcmp(dot, ends[1]) == 0);
}

/* Adds a directory's to a count; *first is of the first of all. */
static enum mien_status count_left(const char *dir, uint32_t *count, char **first)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t entries = 0;
    if (!base_file_is_dir(dir))
        return MIEN_OK;
    TRY(base_dir_list(dir, &names, &entries));
    for (size_t i = 0; i < entries; i++) {
        if (!looks_left(names[i]))
            continue;
        if ((*count)++ == 0)
            FAIL_IF_NULL(*first = base_path_join(dir, names[i]), "a path");
    }
fail:
    base_dir_list_free(&names, &entries);
    return status;
}

enum mien_status train_recover(const char *dir)
{
    enum mien_status status = MIEN_OK;
    char *checkpoints = base_path_join(dir, "checkpoints"), *first = NULL;
    uint32_t count = 0;
    FAIL_IF_NULL(checkpoints, "a path");
    TRY(base_stage_recover(dir));
    TRY(base_stage_recover(checkpoints));
    TRY(count_left(dir, &count, &first));
    TRY(count_left(checkpoints, &count, &first));
    if (first)
        LOG_WARN("%s%s may be left of a run of an older version of Mien that was killed; it stays as it is. Remove it, "
                 "or rename it to save it",
                 first, count > 1 ? " and others like it" : "");
fail:
    base_free(checkpoints);
    base_free(first);
    return status;
}
