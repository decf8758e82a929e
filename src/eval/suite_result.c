/* suite_result.c: what a suite has found, as data and as lines; what is published beside it (suite.h). */
#include "eval/suite.h"

#include <math.h>
#include <string.h>

/* ---- metrics, and what is published ---- */

enum mien_status eval_metric_of(const struct eval_task *task, const cJSON *entry, const char *where,
                                const struct eval_metric **out)
{
    enum mien_status status = MIEN_OK;
    const char *place = NULL;
    struct base_text places = {0};
    *out = task->metrics;
    TRY(base_json_string(entry, "metric", where, &place));
    if (!place)
        return MIEN_OK;
    for (const struct eval_metric *m = task->metrics; m->place; m++) {
        if (strcmp(m->place, place) == 0) {
            *out = m;
            base_text_clear(&places);
            return MIEN_OK;
        }
        base_text_print(&places, "%s%s", places.size ? ", " : "", m->place);
    }
    TRY(places.status);
    FAIL_IF(true, MIEN_ERR_DATA, "%s: \"metric\" is \"%s\"; of %s it is one of: %s", where, place, task->info.name,
            places.data);
fail:
    base_text_clear(&places);
    return status;
}

static enum mien_status check_figure(const cJSON *figure, const char *where, const struct eval_metric *metric)
{
    static const char *const known[] = {"model", "value", "error", "source", NULL};
    enum mien_status status = MIEN_OK;
    const char *model = NULL, *source = NULL;
    double value = NAN, error = NAN;
    FAIL_IF(!cJSON_IsObject(figure), MIEN_ERR_DATA, "%s: not an object", where);
    TRY(base_json_only(figure, where, known));
    TRY(base_json_string(figure, "model", where, &model));
    TRY(base_json_string(figure, "source", where, &source));
    TRY(base_json_number(figure, "value", where, &value));
    TRY(base_json_number(figure, "error", where, &error));
    FAIL_IF(!model || !model[0] || !source || !source[0], MIEN_ERR_DATA, "%s: \"%s\" is missing", where,
            model && model[0] ? "source" : "model");
    FAIL_IF(isnan(value) || isnan(error), MIEN_ERR_DATA, "%s: \"%s\" is missing (%s)", where,
            isnan(value) ? "value" : "error", model);
    FAIL_IF(!(value >= metric->low && value <= 1), MIEN_ERR_DATA, "%s: \"value\" is %g (%s); %s is from %g to 1", where,
            value, model, metric->name, metric->low);
    FAIL_IF(!(error >= 0 && error <= 1), MIEN_ERR_DATA, "%s: \"error\" is %g (%s); it is from 0 to 1, as the value is",
            where, error, model);
fail:
    return status;
}

enum mien_status eval_published_check(const cJSON *entry, const char *where, const struct eval_metric *metric)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *one = NULL;
    int i = 0;
    TRY(base_json_array(entry, "published", where, &list));
    cJSON_ArrayForEach(one, list)
    {
        char place[MIEN_ERROR_SIZE / 2];
        snprintf(place, sizeof(place), "%s: published.%d", where, i++);
        TRY(check_figure(one, place, metric));
        const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "model"));
        FAIL_IF(eval_published_of(entry, model) != one, MIEN_ERR_DATA, "%s: a second figure of %s; keep one of them",
                place, model);
    }
fail:
    return status;
}

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

size_t eval_published_models(const cJSON *list, const char *models[EVAL_MODELS_MAX + 1])
{
    const cJSON *entry = NULL, *figure = NULL;
    size_t count = 0;
    cJSON_ArrayForEach(entry, list)
    {
        cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(entry, "published"))
        {
            const char *model = eval_word(cJSON_GetObjectItemCaseSensitive(figure, "model"));
            if (count <= EVAL_MODELS_MAX && !is_listed(models, count, model))
                models[count++] = model;
        }
    }
    return count;
}

const cJSON *eval_published_of(const cJSON *entry, const char *model)
{
    const cJSON *figure = NULL;
    cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(entry, "published"))
    {
        if (strcmp(eval_word(cJSON_GetObjectItemCaseSensitive(figure, "model")), model) == 0)
            return figure;
    }
    return NULL;
}

const char *eval_entry_name(const cJSON *entry)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(entry, "name");
    return eval_word(cJSON_IsString(name) ? name : cJSON_GetObjectItemCaseSensitive(entry, "manifest"));
}

/* ---- a result ---- */

static enum mien_status check(const char *where, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "results"), *one = NULL;
    const char *models[EVAL_MODELS_MAX + 1];
    int i = 0;
    FAIL_IF(!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0, MIEN_ERR_DATA, "%s: no list of \"results\"", where);
    cJSON_ArrayForEach(one, list)
    {
        char place[512];
        const struct eval_task *task;
        const struct eval_metric *metric;
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "task"));
        snprintf(place, sizeof(place), "%s: results.%d", where, i++);
        FAIL_IF(!name, MIEN_ERR_DATA, "%s: no key \"task\"", place);
        TRY(eval_find_task(name, place, MIEN_ERR_DATA, &task));
        TRY(task->check(place, one));
        TRY(eval_metric_of(task, one, place, &metric));
        TRY(eval_published_check(one, place, metric));
    }
    FAIL_IF(eval_published_models(list, models) > EVAL_MODELS_MAX, MIEN_ERR_DATA,
            "%s: \"published\" names more than %d models", where, EVAL_MODELS_MAX);
fail:
    return status;
}

/* The last line of what a task says: its figures. */
static void print_figures(struct base_text *out, const struct eval_task *task, const cJSON *one)
{
    struct base_text lines = {0};
    task->print(&lines, one);
    size_t end = lines.size, begin;
    while (end > 0 && lines.data[end - 1] == '\n')
        end--;
    for (begin = end; begin > 0 && lines.data[begin - 1] != '\n';)
        begin--;
    if (lines.status == MIEN_OK)
        base_text_print(out, "  %.*s\n", (int)(end - begin), lines.size ? lines.data + begin : "");
    else
        out->status = lines.status;
    base_text_clear(&lines);
}

static void print_published(struct base_text *out, const cJSON *one)
{
    const cJSON *figure = NULL;
    const char *joint = "    published:";
    cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(one, "published"))
    {
        base_text_print(out, "%s %s %.3f", joint, eval_word(cJSON_GetObjectItemCaseSensitive(figure, "model")),
                        eval_member(figure, "value"));
        if (eval_member(figure, "error") > 0)
            base_text_print(out, " +- %.4g", eval_member(figure, "error"));
        joint = ",";
    }
    if (joint[0] == ',')
        base_text_print(out, "\n");
}

static void print_skipped(struct base_text *out, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "skipped"), *one = NULL;
    if (cJSON_GetArraySize(list) == 0)
        return;
    base_text_print(out, "skipped, without a manifest (%d):", cJSON_GetArraySize(list));
    cJSON_ArrayForEach(one, list) base_text_print(out, "%s %s", one == list->child ? "" : ",", eval_entry_name(one));
    base_text_print(out, "\n");
}

static void print(struct base_text *out, const cJSON *result)
{
    const cJSON *one = NULL;
    int i = 0;
    base_text_print(out, "%3s %-28s %-6s %7s\n", "", "data", "split", "n");
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(result, "results"))
    {
        const struct eval_task *task = NULL;
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(one, "name");
        const char *data = eval_entry_name(one);
        size_t length = strlen(data);
        if (!name && length > 28)
            data += length - 28;
        base_text_print(out, "%3d %-28s %-6s %7.0f", ++i, data,
                        eval_word(cJSON_GetObjectItemCaseSensitive(one, "split")), eval_member(one, "n"));
        if (eval_find_task(eval_word(cJSON_GetObjectItemCaseSensitive(one, "task")), "suite", MIEN_ERR_DATA, &task) ==
            MIEN_OK)
            print_figures(out, task, one);
        print_published(out, one);
    }
    print_skipped(out, result);
}

/* Not a task of the table: nothing runs it by name, and its chapters are those of its results (report.c). */
const struct eval_task eval_suite = {
    .info = {.name = "suite", .summary = "a list of evaluations"},
    .title = "Suite",
    .check = check,
    .print = print,
};
