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
                   {"limit", p->limit}};
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
fail:
    return status;
}

enum mien_status mien_eval_check(const struct mien_eval_params *params)
{
    struct asked asked;
    return read_params(params, &asked);
}

/* ---- running ---- */

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
    base_put_text(&object, "device", vk_device_caps(model->device)->name);
    TRY(asked.task->run(model, &asked.params, &object));
    json = base_json_end(&object);
    FAIL_IF_NULL(json, "a result");
    TRY(eval_result_make(json, asked.task->info.name, out));
fail:
    cJSON_Delete(object.tree);
    return use_ended(model, status);
}

void eval_put_head(struct base_json *out, const struct use_rows *rows, uint64_t n, uint64_t bad)
{
    base_put_text(out, "split", rows->split);
    base_put_number(out, "n", (double)n);
    base_put_number(out, "bad", (double)bad);
}

/* ---- reading results ---- */

double eval_element(const cJSON *array, int i)
{
    const cJSON *item = cJSON_GetArrayItem(array, i);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

double eval_member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
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

/* ---- parts of chapters ---- */

static void print_word(struct mien_page *page, const cJSON *result, const char *key, const char *before)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(result, key);
    if (!cJSON_IsString(item))
        return;
    page_print(page, "%s", before);
    page_text(page, item->valuestring);
}

void eval_chapter_head(struct mien_page *page, const char *title, const cJSON *result)
{
    page_element(page, "h2", title);
    page_print(page, "<p class=\"soft\">%.0f samples", eval_member(result, "n"));
    print_word(page, result, "split", ", split ");
    print_word(page, result, "model", ", model ");
    print_word(page, result, "device", ", on ");
    page_print(page, "</p>\n");
}

void eval_card(struct mien_page *page, const char *name, double value, struct eval_interval interval)
{
    page_print(page, "<div class=\"card\">");
    page_text(page, name);
    page_print(page, "<b>%.3f</b>", value);
    if (!isnan(interval.low))
        page_print(page, "<span class=\"soft\">%.3f to %.3f</span>", interval.low, interval.high);
    page_print(page, "</div>\n");
}
