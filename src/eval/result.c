/* result.c: results as data: an object of JSON with its texts. */
#include "eval/eval.h"
#include "eval/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum mien_status eval_result_make(cJSON *json, const char *where, struct mien_result **out)
{
    enum mien_status status = MIEN_OK;
    const char *task = NULL;
    struct base_text summary = {0};
    struct mien_result *r = base_alloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        cJSON_Delete(json);
    FAIL_IF_NULL(r, "a result");
    r->json = json;
    FAIL_IF(!cJSON_IsObject(json), MIEN_ERR_DATA, "%s: not a JSON object; give what `mien eval --json` printed", where);
    TRY(base_json_string(json, "task", where, &task));
    FAIL_IF(!task, MIEN_ERR_DATA, "%s: no key \"task\"; give what `mien eval --json` printed", where);
    if (strcmp(task, eval_suite.info.name) == 0)
        r->task = &eval_suite;
    else
        TRY(eval_find_task(task, where, MIEN_ERR_DATA, &r->task));
    TRY(r->task->check(where, json));
    r->text = base_json_print(json, false);
    FAIL_IF_NULL(r->text, "a result");
    r->task->print(&summary, json);
    TRY(summary.status);
    r->summary = summary.data;
    *out = r;
    return MIEN_OK;
fail:
    base_text_clear(&summary);
    mien_result_destroy(&r);
    return status;
}

void mien_result_destroy(struct mien_result **result)
{
    if (!result || !*result)
        return;
    cJSON_Delete((*result)->json);
    base_free((*result)->text);
    base_free((*result)->summary);
    base_free(*result);
    *result = NULL;
}

enum mien_status mien_result_read(const char *path, struct mien_result **out)
{
    cJSON *json = NULL;
    if (out)
        *out = NULL;
    if (!path || !out)
        return base_fail(MIEN_ERR_ARG, "mien_result_read: a file and a place for the result are needed");
    enum mien_status status = base_json_read(path, &json);
    return status == MIEN_OK ? eval_result_make(json, path, out) : status;
}

enum mien_status mien_result_write(const struct mien_result *result, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct base_text line = {0};
    FAIL_IF(!result || !path, MIEN_ERR_ARG, "mien_result_write: a result and a file are needed");
    base_text_print(&line, "%s\n", result->text);
    TRY(line.status);
    TRY(base_file_write(path, line.data, line.size));
fail:
    base_text_clear(&line);
    return status;
}

/* ---- values ---- */

/* One step of a place: the member or element that `word` [length] names. */
static const cJSON *step(const cJSON *from, const char *word, size_t length)
{
    char *end = NULL;
    if (cJSON_IsArray(from)) {
        unsigned long i = strtoul(word, &end, 10);
        return *word >= '0' && *word <= '9' && end == word + length && i <= INT32_MAX ? cJSON_GetArrayItem(from, (int)i)
                                                                                      : NULL;
    }
    const cJSON *item = cJSON_IsObject(from) ? from->child : NULL;
    while (item && (strlen(item->string) != length || memcmp(item->string, word, length) != 0))
        item = item->next;
    return item;
}

const cJSON *eval_find(const cJSON *at, const char *place)
{
    while (at && *place) {
        size_t length = strcspn(place, ".");
        at = step(at, place, length);
        place += length + (place[length] == '.');
    }
    return at;
}

static const cJSON *find(const struct mien_result *result, const char *place)
{
    return result && place ? eval_find(result->json, place) : NULL;
}

bool mien_result_number(const struct mien_result *result, const char *place, double *out)
{
    const cJSON *item = find(result, place);
    bool is_number = cJSON_IsNumber(item);
    if (out)
        *out = is_number ? item->valuedouble : (double)NAN;
    return is_number;
}

const char *mien_result_text(const struct mien_result *result, const char *place)
{
    const cJSON *item = find(result, place);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

size_t mien_result_count(const struct mien_result *result, const char *place)
{
    return (size_t)cJSON_GetArraySize(find(result, place));
}

const char *mien_result_json(const struct mien_result *result)
{
    return result ? result->text : "";
}

const char *mien_result_summary(const struct mien_result *result)
{
    return result ? result->summary : "";
}
