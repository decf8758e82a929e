/* report.c: a page about runs and evaluations: reads the inputs, one chapter each. */
#include "eval/report.h"
#include "mien/eval.h"

#include <math.h>
#include <string.h>

double report_number(const cJSON *array, int i)
{
    const cJSON *item = cJSON_GetArrayItem(array, i);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

double report_member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

void report_score(struct page *page, double value, const cJSON *interval)
{
    page_print(page, "%.3f", value);
    if (cJSON_GetArraySize(interval) == 2)
        page_print(page, " <span class=\"soft\">(%.3f to %.3f)</span>", report_number(interval, 0),
                   report_number(interval, 1));
}

static enum mien_status report_file(struct page *page, const char *path)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const char *task = NULL;
    TRY(base_json_read(path, &json));
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: not a JSON object; give what `mien eval --json` printed", path);
    TRY(base_json_string(json, "task", path, &task));
    FAIL_IF(!task, MIEN_ERR_DATA, "%s: no key \"task\"; give what `mien eval --json` printed, or a run directory",
            path);
    if (strcmp(task, "zero-shot") == 0)
        TRY(report_zero_shot(page, path, json));
    else if (strcmp(task, "retrieval") == 0)
        TRY(report_retrieval(page, path, json));
    else
        FAIL_IF(true, MIEN_ERR_DATA, "%s: a report cannot show the task \"%s\"; it shows zero-shot and retrieval", path,
                task);
fail:
    cJSON_Delete(json);
    return status;
}

static void print_limits(struct page *page)
{
    page_element(page, "h2", "What these numbers do not say");
    page_element(
        page, "p",
        "Recognising an emotion from a face is uncertain: people show the same feeling differently, raters "
        "disagree, and a model carries the biases of its data. Intervals are 95 % bootstrap intervals over the "
        "samples: they say how far a score moves with other samples of the same kind, not how it fares on "
        "other people, cameras or cultures.");
}

enum mien_status mien_report(const char *const *inputs, size_t count, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct page page = {0};
    FAIL_IF(!inputs || count == 0 || !path, MIEN_ERR_ARG,
            "mien_report: inputs (run directories, results of mien eval --json) and an output file are needed");
    TRY(page_begin(&page, path, "Mien report"));
    for (size_t i = 0; i < count; i++)
        TRY(base_file_is_dir(inputs[i]) ? report_run(&page, inputs[i]) : report_file(&page, inputs[i]));
    print_limits(&page);
    return page_end(&page);
fail:
    base_out_abandon(&page.out);
    return status;
}
