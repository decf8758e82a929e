/* suite.c: a list of evaluations in a file, run with one model (mien/eval.h). */
#include "eval/eval.h"
#include "eval/result.h"
#include "eval/suite.h"
#include "mien/data.h"

#include <math.h>
#include <string.h>

/* One evaluation of the list, its texts in the suite's arena. */
struct entry {
    const cJSON *json;
    struct mien_eval_params params;
    struct mien_labels_params labels;
    struct mien_texts *templates;
    const char *file; /* the manifest as the list names it */
    bool is_skipped;  /* it is not there */
};

struct suite {
    const char *path;
    char *dir;
    const struct mien_eval_params *common;
    cJSON *json;
    struct entry *entries; /* [count] */
    size_t count, skipped;
    bool class_used; /* common's class_name, by an entry */
    struct base_arena arena;
};

static const char *const known[] = {"name",  "manifest",  "task",         "split",     "columns",   "labels",
                                    "level", "limit",     "descriptions", "templates", "average",   "class",
                                    "folds", "shots",     "seeds",        "sessions",  "compat",    "by",
                                    "seed",  "threshold", "frame_count",  "metric",    "published", NULL};

static void forget(struct suite *s)
{
    for (size_t i = 0; s->entries && i < s->count; i++)
        mien_texts_destroy(&s->entries[i].templates);
    cJSON_Delete(s->json);
    base_free(s->dir);
    base_arena_clear(&s->arena);
    *s = (struct suite){0};
}

/* ---- one entry ---- */

/* A path, relative to `dir`; NULL stays. */
static enum mien_status find_path(struct suite *s, const char *dir, const char **path)
{
    if (!*path || strcmp(dir, ".") == 0) /* as it is, without "./" */
        return MIEN_OK;
    char *joined = base_path_join(dir, *path);
    const char *own = joined ? base_arena_strdup(&s->arena, joined) : NULL;
    base_free(joined);
    if (!own)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a path");
    *path = own;
    return MIEN_OK;
}

static enum mien_status read_labels(struct suite *s, const cJSON *json, const char *where, struct entry *e)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *one = NULL;
    TRY(base_json_array(json, "labels", where, &list));
    if (!list)
        return MIEN_OK;
    const char **names = base_arena_array(&s->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*names));
    FAIL_IF_NULL(names, "labels");
    cJSON_ArrayForEach(one, list)
    {
        FAIL_IF(!cJSON_IsString(one) || data_is_blank(one->valuestring), MIEN_ERR_DATA, "%s: labels are texts", where);
        names[e->params.class_count++] = one->valuestring;
    }
    FAIL_IF(e->params.class_count == 0, MIEN_ERR_DATA, "%s: \"labels\" is an empty list", where);
    e->params.classes = names;
fail:
    return status;
}

static enum mien_status read_texts(struct suite *s, const cJSON *json, const char *where, struct entry *e)
{
    enum mien_status status = MIEN_OK;
    const char *name = NULL, *templates = NULL, *compat = NULL;
    struct mien_eval_params *p = &e->params;
    const struct {
        const char *key, **to;
    } texts[] = {{"name", &name},
                 {"manifest", &p->manifest},
                 {"task", &p->task},
                 {"split", &p->split},
                 {"columns", &p->columns},
                 {"class", &p->class_name},
                 {"folds", &p->folds},
                 {"by", &p->by},
                 {"compat", &compat},
                 {"templates", &templates},
                 {"descriptions", &e->labels.descriptions}};
    for (size_t i = 0; i < BASE_COUNT(texts); i++)
        TRY(base_json_string(json, texts[i].key, where, texts[i].to));
    FAIL_IF(!p->task || !p->manifest, MIEN_ERR_DATA, "%s: \"%s\" is missing", where, p->task ? "manifest" : "task");
    FAIL_IF(compat && strcmp(compat, "emoclip") != 0, MIEN_ERR_DATA, "%s: compat \"%s\": it is: emoclip", where,
            compat);
    p->emoclip = compat != NULL;
    e->file = p->manifest;
    TRY(find_path(s, s->common->data ? s->common->data : s->dir, &p->manifest));
    TRY(find_path(s, s->dir, &templates));
    TRY(find_path(s, s->dir, &e->labels.descriptions));
    if (templates) {
        TRY(mien_texts_read(templates, 0, &e->templates));
        e->labels.templates = e->templates->lines;
        e->labels.template_count = e->templates->count;
    }
fail:
    return status;
}

static enum mien_status read_numbers(const cJSON *json, const char *where, struct entry *e)
{
    static const char *const levels[] = {"caption", "global", "summary", NULL};
    static const char *const averages[] = {"embeddings", "logits", NULL};
    enum mien_status status = MIEN_OK;
    struct mien_eval_params *p = &e->params;
    uint32_t level = 0, average = 0, limit = 0, frames = 0;
    TRY(base_json_choice(json, "level", where, levels, &level));
    TRY(base_json_choice(json, "average", where, averages, &average));
    TRY(base_json_u32(json, "limit", where, &limit));
    TRY(base_json_u32(json, "shots", where, &p->shots));
    TRY(base_json_u32(json, "seeds", where, &p->seeds));
    TRY(base_json_u64(json, "seed", where, &p->seed));
    TRY(base_json_bool(json, "sessions", where, &p->sessions));
    TRY(base_json_number(json, "threshold", where, &p->threshold));
    TRY(base_json_u32(json, "frame_count", where, &frames));
    p->level = (enum mien_text_level)level;
    e->labels.average = (enum mien_average)average;
    p->limit = limit;
    if (base_json_member(json, "frame_count"))
        p->frames = frames ? frames : MIEN_ALL_FRAMES;
fail:
    return status;
}

/* What can be found out without a model: the options, what is published, and whether the split has rows. */
static enum mien_status check_entry(struct suite *s, const char *where, struct entry *e)
{
    enum mien_status status = MIEN_OK;
    struct use_rows rows = {.columns = e->params.columns, .quiet = true};
    const struct eval_task *task;
    const struct eval_metric *metric;
    TRY(mien_eval_check(&e->params));
    TRY(eval_find_task(e->params.task, where, MIEN_ERR_DATA, &task));
    TRY(eval_metric_of(task, e->json, where, &metric));
    TRY(eval_published_check(e->json, where, metric));
    bool is_away = e->file[0] != '/' && !base_file_exists(e->params.manifest);
    FAIL_IF(is_away && !s->common->data, MIEN_ERR_DATA,
            "%s: no such file; where the manifests of a suite are elsewhere, name their directory (--data DIR)",
            e->params.manifest);
    e->is_skipped = is_away;
    s->skipped += is_away;
    if (!e->is_skipped)
        TRY(use_rows_read(e->params.manifest, e->params.split, NULL, "row", &rows));
fail:
    use_rows_clear(&rows);
    return status;
}

static enum mien_status read_entry(struct suite *s, const cJSON *json, struct entry *e)
{
    enum mien_status status = MIEN_OK;
    char where[128];
    e->json = json;
    e->params = *s->common;
    e->params.size = sizeof(e->params);
    e->params.data = e->params.class_name = NULL;
    e->labels.size = sizeof(e->labels);
    snprintf(where, sizeof(where), "entry");
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "not an object with \"manifest\" and \"task\"");
    TRY(base_json_only(json, where, known));
    TRY(read_texts(s, json, where, e));
    TRY(read_labels(s, json, where, e));
    TRY(read_numbers(json, where, e));
    if (!e->params.class_name && s->common->class_name && strcmp(e->params.task, "leave-one-out") == 0) {
        e->params.class_name = s->common->class_name;
        s->class_used = true;
    }
    e->params.labels = &e->labels;
    TRY(check_entry(s, where, e));
fail:
    return status;
}

/* ---- the list ---- */

/* What concerns all entries together. */
static enum mien_status check_list(const struct suite *s)
{
    enum mien_status status = MIEN_OK;
    const char *models[EVAL_MODELS_MAX + 1], *data = s->common->data;
    FAIL_IF(eval_published_models(s->json, models) > EVAL_MODELS_MAX, MIEN_ERR_DATA,
            "%s: \"published\" names more than %d models", s->path, EVAL_MODELS_MAX);
    FAIL_IF(s->common->class_name && !s->class_used, MIEN_ERR_ARG,
            "%s: the class \"%s\" is for entries of leave-one-out without \"class\"; there is none", s->path,
            s->common->class_name);
    FAIL_IF(s->skipped == s->count, MIEN_ERR_DATA, "%s: none of the manifests of its %zu entries is in %s (%s, ...)",
            s->path, s->count, data, s->entries[0].file);
fail:
    return status;
}

/* All of it is read and checked; a message begins with the entry's number and task. */
static enum mien_status read_suite(const char *path, const struct mien_eval_params *common, struct suite *s)
{
    enum mien_status status = MIEN_OK;
    const cJSON *one = NULL;
    s->path = path;
    s->common = common;
    s->dir = base_path_dir(path);
    FAIL_IF_NULL(s->dir, "a path");
    TRY(base_json_read(path, &s->json));
    FAIL_IF(!cJSON_IsArray(s->json) || cJSON_GetArraySize(s->json) == 0, MIEN_ERR_DATA,
            "%s: a suite is a list of evaluations: [{\"manifest\": FILE, \"task\": TASK, ...}, ...]", path);
    FAIL_IF(common->data && !base_file_is_dir(common->data), MIEN_ERR_DATA,
            "%s: no such directory, where the manifests of %s were expected", common->data, path);
    s->count = (size_t)cJSON_GetArraySize(s->json);
    s->entries = base_arena_array(&s->arena, s->count, sizeof(*s->entries));
    FAIL_IF_NULL(s->entries, "a suite");
    size_t i = 0;
    cJSON_ArrayForEach(one, s->json)
    {
        char said[MIEN_ERROR_SIZE] = "";
        const char *task = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "task"));
        base_log_divert(said, sizeof(said));
        enum mien_status found = read_entry(s, one, &s->entries[i++]);
        base_log_divert(NULL, 0);
        FAIL_IF(found != MIEN_OK, found, "%s: entry %zu%s%s%s: %s", path, i, task ? " (" : "", task ? task : "",
                task ? ")" : "", said);
    }
    TRY(check_list(s));
fail:
    return status;
}

static enum mien_status read_common(const struct mien_eval_params *given, struct mien_eval_params *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_eval_params rest;
    TRY(base_sized_read(out, sizeof(*out), given, "mien_eval_suite", "common"));
    rest = *out;
    rest.size = rest.frames = 0;
    rest.seed = 0;
    rest.progress = NULL;
    rest.user = NULL;
    rest.store = NULL;
    FAIL_IF(rest.task || rest.manifest || rest.split || rest.classes || rest.class_count || rest.labels || rest.level ||
                rest.limit || rest.columns || rest.folds || rest.shots || rest.seeds || rest.sessions || rest.emoclip ||
                rest.by || rest.threshold != 0,
            MIEN_ERR_ARG,
            "mien_eval_suite: of common only frames, seed, class_name, data, progress and store count; the list says "
            "the rest");
fail:
    return status;
}

enum mien_status mien_eval_suite_check(const char *path, const struct mien_eval_params *given)
{
    enum mien_status status = MIEN_OK;
    struct mien_eval_params common;
    struct suite suite = {0};
    NEED(path);
    TRY(read_common(given, &common));
    TRY(read_suite(path, &common, &suite));
fail:
    forget(&suite);
    return status;
}

/* A member of the list's entry, as it stands there, into its result. */
static enum mien_status pass_on(const struct entry *e, const char *key, cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *member = base_json_member(e->json, key);
    cJSON *copy = member ? cJSON_Duplicate(member, true) : NULL;
    if (member && !(copy && cJSON_AddItemToObject(result, key, copy))) {
        cJSON_Delete(copy);
        FAIL_IF(true, MIEN_ERR_NOMEM, "out of host memory for a result");
    }
fail:
    return status;
}

static enum mien_status run_entry(struct mien_model *model, const struct suite *s, size_t i, struct base_json *list)
{
    enum mien_status status = MIEN_OK;
    const struct entry *e = &s->entries[i];
    struct mien_result *result = NULL;
    LOG_INFO("%s: entry %zu of %zu: %s of %s", s->path, i + 1, s->count, e->params.task, e->params.manifest);
    TRY(mien_eval(model, &e->params, &result));
    TRY(pass_on(e, "name", result->json));
    TRY(pass_on(e, "metric", result->json));
    TRY(pass_on(e, "published", result->json));
    base_add(list, result->json);
    result->json = NULL;
fail:
    mien_result_destroy(&result);
    return status;
}

/* Names what is skipped: in the result, and in the log. */
static enum mien_status put_skipped(const struct suite *s, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct base_json list = base_json_list_begin();
    struct base_text names = {0};
    for (size_t i = 0; i < s->count; i++) {
        const struct entry *e = &s->entries[i];
        const char *name = cJSON_GetStringValue(base_json_member(e->json, "name"));
        if (!e->is_skipped)
            continue;
        struct base_json one = base_json_object_begin();
        base_put_text(&one, "name", name);
        base_put_text(&one, "task", e->params.task);
        base_put_text(&one, "manifest", e->file);
        base_add_tree(&list, &one);
        base_text_print(&names, "%s%s%s%s%s", names.size ? ", " : "", name ? name : "", name ? " (" : "", e->file,
                        name ? ")" : "");
    }
    base_put_tree(out, "skipped", &list);
    TRY(names.status);
    if (s->skipped)
        LOG_WARN("%s: %zu of %zu entries are skipped, whose manifests are not in %s: %s", s->path, s->skipped, s->count,
                 s->common->data, names.data);
fail:
    base_text_clear(&names);
    return status;
}

enum mien_status mien_eval_suite(struct mien_model *model, const char *path, const struct mien_eval_params *given,
                                 struct mien_result **out)
{
    enum mien_status status = MIEN_OK;
    struct base_json object = {0}, list = {0};
    struct mien_eval_params common;
    struct suite suite = {0};
    cJSON *json = NULL;
    NEED(out);
    *out = NULL;
    NEED(model && path);
    TRY(read_common(given, &common));
    TRY(read_suite(path, &common, &suite));
    list = base_json_list_begin();
    object = base_json_object_begin();
    base_put_text(&object, "task", eval_suite.info.name);
    base_put_text(&object, "model", model->name);
    base_put_number(&object, "parameters", (double)model->nn->elements);
    base_put_text(&object, "device", vk_device_caps(model->device)->name);
    base_put_text(&object, "suite", path);
    TRY(put_skipped(&suite, &object));
    for (size_t i = 0; i < suite.count; i++)
        if (!suite.entries[i].is_skipped)
            TRY(run_entry(model, &suite, i, &list));
    base_put_tree(&object, "results", &list);
    json = base_json_end(&object);
    FAIL_IF_NULL(json, "a result");
    TRY(eval_result_make(json, path, out));
fail:
    cJSON_Delete(list.tree);
    cJSON_Delete(object.tree);
    forget(&suite);
    return use_ended(model, status);
}
