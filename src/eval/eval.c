/* eval.c: the table of tasks, and what they share. */
#include "eval/eval.h"

#include "eval/result.h"
#include "eval_task_list.h"

#include <math.h>
#include <string.h>

#define EXTERN_TASK(name) extern const struct eval_task eval_task_##name;
EVAL_TASK_LIST(EXTERN_TASK)
#undef EXTERN_TASK

#define TASK_ROW(name) &eval_task_##name,
static const struct eval_task *const tasks[] = {EVAL_TASK_LIST(TASK_ROW)};
#undef TASK_ROW

const struct mien_eval_info *mien_eval_describe(size_t index)
{
    return index < BASE_COUNT(tasks) ? &tasks[index]->info : NULL;
}

enum mien_status eval_find_task(const char *name, const char *where, enum mien_status code,
                                const struct eval_task **out)
{
    struct base_text names = {0};
    for (size_t i = 0; i < BASE_COUNT(tasks); i++) {
        *out = tasks[i];
        if (strcmp(tasks[i]->info.name, name) == 0)
            return MIEN_OK;
    }
    *out = NULL;
    for (size_t i = 0; i < BASE_COUNT(tasks); i++)
        base_text_print(&names, "%s%s", i ? ", " : "", tasks[i]->info.name);
    enum mien_status status = names.status != MIEN_OK ? names.status
                                                      : base_fail(code, "%s: no task is named \"%s\"; it is one of: %s",
                                                                  where, name, names.data);
    base_text_clear(&names);
    return status;
}

/* ---- options ---- */

static bool is_listed(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* What was asked for, whole whatever the caller's headers know. */
struct asked {
    struct mien_eval_params params;
    struct mien_labels_params labels; /* params.labels */
    const struct eval_task *task;
};

/* What a caller gave is what the task takes: an option without effect would be a mistake. */
static enum mien_status check_options(const struct asked *asked)
{
    enum mien_status status = MIEN_OK;
    const struct eval_task *task = asked->task;
    const struct mien_eval_params *p = &asked->params;
    const struct mien_labels_params *labels = &asked->labels;
    const struct {
        const char *name;
        bool given;
    } options[] = {{"labels", p->classes},
                   {"templates", labels->templates},
                   {"descriptions", labels->descriptions},
                   {"average", labels->average},
                   {"level", p->level},
                   {"limit", p->limit},
                   {"class", p->class_name},
                   {"folds", p->folds},
                   {"shots", p->shots},
                   {"seeds", p->seeds},
                   {"sessions", p->sessions},
                   {"compat", p->emoclip},
                   {"by", p->by},
                   {"threshold", p->threshold != 0},
                   {"data", p->data}};
    for (size_t i = 0; i < BASE_COUNT(options); i++)
        FAIL_IF(options[i].given && !is_listed(task->info.options, options[i].name), MIEN_ERR_ARG,
                "the task \"%s\" does not take the option %s", task->info.name, options[i].name);
fail:
    return status;
}

static enum mien_status read_params(const struct mien_eval_params *params, struct asked *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_eval_params *own = &out->params;
    TRY(base_sized_read(own, sizeof(*own), params, "mien_eval", "params"));
    FAIL_IF(!own->task || !own->manifest, MIEN_ERR_ARG, "mien_eval: a task and a manifest are needed");
    TRY(base_sized_read(&out->labels, sizeof(out->labels), own->labels, "mien_eval", "labels"));
    own->labels = &out->labels;
    FAIL_IF(!own->classes && own->class_count, MIEN_ERR_ARG, "mien_eval: %zu classes that are not there (NULL)",
            own->class_count);
    TRY(eval_find_task(own->task, "mien_eval", MIEN_ERR_ARG, &out->task));
    TRY(check_options(out));
    if (own->columns)
        TRY(data_columns_check(own->columns));
    if (out->task->ready)
        TRY(out->task->ready(own));
fail:
    return status;
}

enum mien_status mien_eval_check(const struct mien_eval_params *params)
{
    struct asked asked;
    return read_params(params, &asked);
}

/* ---- running ---- */

/* Pictures' paths are as the manifest's is, often relative: a report that is made elsewhere finds them by this. */
static void put_directory(struct base_json *out, const char *manifest)
{
    char *directory = NULL;
    enum mien_status status = manifest[0] == '/' ? MIEN_OK : base_path_absolute(".", &directory);
    if (directory)
        base_put_text(out, "directory", directory);
    out->failed = out->failed || status == MIEN_ERR_NOMEM;
    base_free(directory);
}

/* Scores of nothing are no result, whatever the task. */
static enum mien_status check_count(const cJSON *result, const char *manifest)
{
    if (eval_member(result, "n") > 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA,
                     "%s: none of the images and clips that are tested could be read (%.0f bad); there is "
                     "nothing to score",
                     manifest, eval_member(result, "bad"));
}

enum mien_status mien_eval(struct mien_model *model, const struct mien_eval_params *params, struct mien_result **out)
{
    enum mien_status status = MIEN_OK;
    struct base_json object = {0};
    struct asked asked;
    cJSON *json = NULL;
    FAIL_IF(!out, MIEN_ERR_ARG, "mien_eval: no place for the result");
    *out = NULL;
    FAIL_IF(!model, MIEN_ERR_ARG, "mien_eval: a model is needed");
    TRY(read_params(params, &asked));
    object = base_json_object_begin();
    base_put_text(&object, "task", asked.task->info.name);
    base_put_text(&object, "model", model->name);
    base_put_number(&object, "parameters", (double)model->nn->elements);
    base_put_text(&object, "manifest", asked.params.manifest);
    put_directory(&object, asked.params.manifest);
    base_put_text(&object, "device", vk_device_caps(model->device)->name);
    TRY(asked.task->run(model, &asked.params, &object));
    json = base_json_end(&object);
    FAIL_IF_NULL(json, "a result");
    object.tree = json;
    TRY(check_count(json, asked.params.manifest));
    object.tree = NULL; /* the result's from here on */
    TRY(eval_result_make(json, asked.task->info.name, out));
fail:
    cJSON_Delete(object.tree);
    return use_ended(model, status);
}

struct mien_embed_params eval_embed_params(const struct mien_eval_params *p)
{
    return (struct mien_embed_params){.frames = p->frames, .progress = p->progress, .user = p->user, .store = p->store};
}

void eval_put_head(struct base_json *out, const struct use_rows *rows, uint64_t n, uint64_t bad)
{
    base_put_text(out, "split", rows->split);
    base_put_number(out, "n", (double)n);
    base_put_number(out, "bad", (double)bad);
}

void eval_put_sample(struct base_json *out, const struct data_row *row)
{
    base_put_text(out, "image", use_row_path(row));
    base_put_number(out, "line", row->line);
    if (row->has_box)
        base_put_numbers(out, "box", (const double[]){row->box[0], row->box[1], row->box[2], row->box[3]}, 4);
}

/* ---- reading results ---- */

double eval_number(const cJSON *json)
{
    return cJSON_IsNumber(json) ? json->valuedouble : (double)NAN;
}

double eval_element(const cJSON *array, int i)
{
    return eval_number(cJSON_GetArrayItem(array, i));
}

struct eval_walk eval_walk_begin(const cJSON *result, const char *const *keys)
{
    struct eval_walk walk = {{0}};
    for (size_t i = 0; i < EVAL_WALK_MAX && keys[i]; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, keys[i]);
        walk.at[i] = list ? list->child : NULL;
    }
    return walk;
}

void eval_walk_on(struct eval_walk *walk)
{
    for (size_t i = 0; i < EVAL_WALK_MAX; i++)
        walk->at[i] = walk->at[i] ? walk->at[i]->next : NULL;
}

double eval_member(const cJSON *object, const char *key)
{
    return eval_number(cJSON_GetObjectItemCaseSensitive(object, key));
}

const char *eval_word(const cJSON *json)
{
    return cJSON_IsString(json) ? json->valuestring : "?";
}

struct eval_interval eval_interval_of(const cJSON *object, const char *key)
{
    char name[32];
    snprintf(name, sizeof(name), "%s_interval", key);
    const cJSON *pair = cJSON_GetObjectItemCaseSensitive(object, name);
    return (struct eval_interval){eval_element(pair, 0), eval_element(pair, 1)};
}

void eval_print_bad(struct base_text *out, const cJSON *result)
{
    double bad = eval_member(result, "bad");
    if (bad > 0)
        base_text_print(out, "%.0f images could not be read\n", bad);
}

/* ---- parts of a page ---- */

static void fact_text(struct mien_page *page, const char *name, const char *text)
{
    if (!text || !text[0])
        return;
    page_fact_begin(page, name);
    page_words(page, text, PAGE_PATH);
    page_fact_end(page);
}

static void fact_samples(struct mien_page *page, const cJSON *result)
{
    const cJSON *split = cJSON_GetObjectItemCaseSensitive(result, "split");
    double bad = eval_member(result, "bad");
    page_fact_begin(page, "Samples");
    page_count(page, eval_member(result, "n"));
    if (cJSON_IsString(split)) {
        page_print(page, " of split ");
        page_words(page, split->valuestring, PAGE_LABEL);
    }
    if (bad > 0) {
        page_print(page, ", ");
        page_count(page, bad);
        page_print(page, " could not be read");
    }
    page_fact_end(page);
}

void eval_model_facts(struct mien_page *page, const cJSON *result)
{
    double parameters = eval_member(result, "parameters");
    fact_text(page, "Model", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "model")));
    if (parameters > 0) {
        page_fact_begin(page, "Parameters");
        page_count(page, parameters);
        page_fact_end(page);
    }
    fact_text(page, "Device", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "device")));
}

void eval_headline(struct mien_page *page, const struct eval_task *task, const cJSON *result)
{
    page_print(page, "<dl class=\"cards\">\n");
    task->headline(page, result);
    page_print(page, "</dl>\n<dl class=\"facts\">\n");
    fact_text(page, "Name", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "name")));
    fact_samples(page, result);
    fact_text(page, "Data", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "manifest")));
    eval_model_facts(page, result);
    page_print(page, "</dl>\n");
}

void eval_front(struct mien_page *page, const struct eval_task *task, const cJSON *result)
{
    const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "model"));
    char name[128];
    page_front_begin(page, PAGE_RESULTS, task->title, page_name_of(model, name, sizeof(name)));
    eval_headline(page, task, result);
    page_front_end(page, PAGE_RESULTS);
}

void eval_card(struct mien_page *page, const char *name, double value, struct eval_interval interval)
{
    char note[64] = "";
    if (isfinite(interval.low) && isfinite(interval.high))
        snprintf(note, sizeof(note), "95 %% interval %.3f to %.3f", interval.low, interval.high);
    page_card(page, name, value, 3, note);
}

void eval_picture_of(struct mien_page *page, const char *path, const cJSON *sample, uint32_t side)
{
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(sample, "box");
    int32_t box[4];
    bool has_box = cJSON_GetArraySize(given) == 4;
    for (int i = 0; has_box && i < 4; i++) {
        double value = eval_element(given, i);
        has_box = fabs(value) <= 1e9;
        box[i] = has_box ? (int32_t)value : 0;
    }
    page_image(page, path, has_box ? box : NULL, side);
}

void eval_picture(struct mien_page *page, const cJSON *sample)
{
    eval_picture_of(page, eval_word(cJSON_GetObjectItemCaseSensitive(sample, "image")), sample, PAGE_SIDE);
}
