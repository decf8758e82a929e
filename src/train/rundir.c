/* rundir.c: the run directory: whether it may be used, its config.json, its log. */
#include "train/config_keys.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

enum mien_status train_check_fresh(const char *dir)
{
    static const char *const names[] = {"config.json", "log.jsonl", "model", "best", "checkpoints"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_path_join(dir, names[i]);
        bool there = path && base_file_exists(path);
        base_free(path);
        if (there)
            return base_fail(MIEN_ERR_ARG,
                             "%s holds a run already (%s); go on with it by --resume, choose another run.dir, or "
                             "remove it",
                             dir, names[i]);
    }
    return MIEN_OK;
}

/* ---- config.json: paths relative to the run directory, so that it is a configuration where it lies ---- */

/* The way from dir to a path whose last part need not exist. */
static char *way_to(const char *dir, const char *path)
{
    char *out = NULL, *parent = NULL, *way = NULL;
    const char *slash = strrchr(path, '/');
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    if (base_path_relative(dir, path, &out) == MIEN_OK)
        goto end;
    parent = base_path_dir(path);
    if (parent && base_path_relative(dir, parent, &way) == MIEN_OK)
        out = base_path_join(way, slash ? slash + 1 : path);
end:
    base_log_soften(before);
    base_free(parent);
    base_free(way);
    return out;
}

static void make_relative(cJSON *root, const char *section, const char *key, const char *dir)
{
    cJSON *object = cJSON_GetObjectItemCaseSensitive(root, section);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    char *way = cJSON_IsString(item) ? way_to(dir, item->valuestring) : NULL;
    if (way)
        cJSON_ReplaceItemInObjectCaseSensitive(object, key, cJSON_CreateString(way));
    base_free(way);
}

static enum mien_status resolved(struct train_config *config, cJSON **out)
{
    const char *dir = config->run.dir;
    enum mien_status status = train_config_resolve(config);
    if (status != MIEN_OK)
        return status;
    *out = cJSON_Duplicate(config->json, true);
    if (!*out)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a configuration");
    make_relative(*out, "data", "train", dir);
    make_relative(*out, "data", "val", dir);
    make_relative(*out, "run", "dir", dir);
    make_relative(*out, "run", "dump_grads", dir);
    if (config->model.init)
        make_relative(*out, "model", "init", dir);
    else
        make_relative(*out, "model", "tokenizer", dir);
    return MIEN_OK;
}

/* ---- agreement ---- */

static bool may_change(const char *name)
{
    static const char *const free_keys[] = {"run.steps", "run.epochs", "run.log_every", "run.keep"};
    for (size_t i = 0; i < BASE_COUNT(free_keys); i++) {
        if (strcmp(name, free_keys[i]) == 0)
            return true;
    }
    return false;
}

static enum mien_status differs(const char *path, const char *name, const cJSON *old, const cJSON *now)
{
    char *was = old ? base_json_print(old, false) : NULL, *is = now ? base_json_print(now, false) : NULL;
    enum mien_status status =
        base_fail(MIEN_ERR_ARG,
                  "%s: the run was begun with %s = %.200s, not %.200s; give it the same value to resume, or start "
                  "another run.dir",
                  path, name, was ? was : "nothing", is ? is : "nothing");
    base_free(was);
    base_free(is);
    return status;
}

static enum mien_status compare(const char *path, const char *prefix, const cJSON *old, const cJSON *now);

static enum mien_status compare_key(const char *path, const char *prefix, const char *key, const cJSON *old,
                                    const cJSON *now)
{
    char name[256];
    snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
    if (may_change(name))
        return MIEN_OK;
    if (cJSON_IsObject(old) && cJSON_IsObject(now))
        return compare(path, name, old, now);
    return old && now && cJSON_Compare(old, now, true) ? MIEN_OK : differs(path, name, old, now);
}

static enum mien_status compare(const char *path, const char *prefix, const cJSON *old, const cJSON *now)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, old)
        TRY(compare_key(path, prefix, item->string, item, cJSON_GetObjectItemCaseSensitive(now, item->string)));
    cJSON_ArrayForEach(item, now)
    {
        if (!cJSON_GetObjectItemCaseSensitive(old, item->string))
            TRY(compare_key(path, prefix, item->string, NULL, item));
    }
fail:
    return status;
}

enum mien_status train_check_agrees(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    cJSON *old = NULL, *now = NULL;
    char *path = base_path_join(t->config->run.dir, "config.json");
    FAIL_IF_NULL(path, "a path");
    if (base_file_exists(path)) {
        TRY(base_json_read(path, &old));
        TRY(resolved(t->config, &now));
        TRY(compare(path, "", old, now));
    }
fail:
    base_free(path);
    cJSON_Delete(old);
    cJSON_Delete(now);
    return status;
}

enum mien_status train_open_run(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    TRY(base_dir_create(t->config->run.dir));
    TRY(resolved(t->config, &json));
    TRY(io_write_json(t->config->run.dir, "config.json", json));
    TRY(train_log_open(t->config->run.dir, t->state.step, &t->log));
fail:
    cJSON_Delete(json);
    return status;
}

/* ---- directories that appear whole ---- */

static char *with_end(const char *dir, const char *end)
{
    size_t size = strlen(dir) + strlen(end) + 1;
    char *out = base_alloc(size, 1);
    if (out)
        snprintf(out, size, "%s%s", dir, end);
    return out;
}

enum mien_status train_replace_dir(const char *partial, const char *dir)
{
    enum mien_status status = MIEN_OK;
    char *old = with_end(dir, ".old");
    FAIL_IF_NULL(old, "a path");
    if (base_file_exists(dir)) {
        TRY(base_dir_remove(old));
        TRY(base_rename(dir, old));
    }
    TRY(base_rename(partial, dir));
    TRY(base_dir_remove(old));
fail:
    base_free(old);
    return status;
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), tail = strlen(end);
    return size > tail && strcmp(name + size - tail, end) == 0;
}

/* One name in a directory: something.partial goes, something.old goes back where nothing has replaced it. */
static enum mien_status tidy_one(const char *dir, const char *name)
{
    enum mien_status status = MIEN_OK;
    char *path = base_path_join(dir, name), *whole = path ? with_end(path, "") : NULL;
    FAIL_IF(!path || !whole, MIEN_ERR_NOMEM, "out of host memory for a path");
    if (ends_with(name, ".old")) {
        whole[strlen(whole) - 4] = 0;
        if (!base_file_exists(whole))
            TRY(base_rename(path, whole));
        else
            TRY(base_dir_remove(path));
    } else if (ends_with(name, ".partial")) {
        TRY(base_dir_remove(path));
    }
fail:
    base_free(path);
    base_free(whole);
    return status;
}

enum mien_status train_tidy(const char *dir)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    if (!base_file_is_dir(dir))
        return MIEN_OK;
    TRY(base_dir_list(dir, &names, &count));
    for (size_t i = 0; i < count; i++)
        TRY(tidy_one(dir, names[i]));
fail:
    base_dir_list_free(&names, &count);
    return status;
}
