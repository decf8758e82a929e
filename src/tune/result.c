/* result.c: a result as the application sees it; the file of a device, shown and removed. */
#include "tune/tune.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>

static const char *const outcome_words[] = {"rule", "faster", "known", "skipped"};

void tune_row_public(const struct tune_row *row, struct mien_tune_row *out)
{
    *out = (struct mien_tune_row){.size = sizeof(*out),
                                  .outcome = row->outcome,
                                  .call = row->choice.call,
                                  .rule = row->rule,
                                  .variant = row->choice.variant,
                                  .tile = row->choice.tile,
                                  .reason = row->choice.why,
                                  .ms = row->ms,
                                  .gain = row->choice.gain,
                                  .choices = row->choices,
                                  .lost = row->lost};
}

enum mien_status tune_find(const struct mien_gpu_params *params, struct mien_tune_result *result, struct vk_caps *caps)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = NULL;
    uint32_t index = 0;
    TRY(vk_instance_create(params, &instance));
    TRY(vk_instance_choose(instance, params->device, &index));
    *caps = *vk_instance_caps(instance, index);
    snprintf(result->device, sizeof(result->device), "%s", caps->name);
    snprintf(result->driver, sizeof(result->driver), "%s", caps->driver);
    result->file = vk_tuned_path(caps, params->cache_dir);
    FAIL_IF(!result->file, MIEN_ERR_IO,
            "there is no directory for a table of tuned kernels; MIEN_CACHE_DIR names one, or HOME its place");
fail:
    vk_instance_destroy(&instance);
    return status;
}

enum mien_status mien_tune_read(const struct mien_gpu_params *given, struct mien_tune_result **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_gpu_params params;
    struct vk_caps caps;
    struct vk_tuned table = {0};
    struct mien_tune_result *result = NULL;
    NEED(out);
    *out = NULL;
    TRY(SIZED_READ(&params, given));
    result = base_alloc(1, sizeof(*result));
    FAIL_IF_NULL(result, "a result");
    TRY(tune_find(&params, result, &caps));
    TRY(vk_tuned_read(&caps, result->file, &table));
    TRY(base_grow(&result->rows, &result->capacity, table.count + 1, sizeof(*result->rows)));
    for (size_t i = 0; i < table.count; i++)
        result->rows[result->count++] = (struct tune_row){.choice = table.row[i], .outcome = MIEN_TUNE_KNOWN};
    result->in_time = true;
    *out = result;
    result = NULL;
fail:
    vk_tuned_clear(&table);
    mien_tune_destroy(&result);
    return status;
}

enum mien_status mien_tune_clear(const struct mien_gpu_params *given)
{
    enum mien_status status = MIEN_OK;
    struct mien_gpu_params params;
    struct vk_caps caps;
    struct mien_tune_result *result = NULL;
    TRY(SIZED_READ(&params, given));
    result = base_alloc(1, sizeof(*result));
    FAIL_IF_NULL(result, "a result");
    TRY(tune_find(&params, result, &caps));
    if (base_file_exists(result->file) && remove(result->file) != 0)
        status = base_fail(base_errno_status(MIEN_ERR_IO), "%s: cannot be removed", result->file);
fail:
    mien_tune_destroy(&result);
    return status;
}

uint32_t mien_tune_count(const struct mien_tune_result *result)
{
    return result ? (uint32_t)result->count : 0;
}

enum mien_status mien_tune_row_at(const struct mien_tune_result *result, uint32_t index, struct mien_tune_row *row)
{
    enum mien_status status = MIEN_OK;
    struct mien_tune_row own;
    NEED(row);
    TRY(SIZED_CLEAR(row));
    NEED(result);
    FAIL_IF(index >= result->count, MIEN_ERR_ARG, "there is no row %u; there are %zu", index, result->count);
    tune_row_public(&result->rows[index], &own);
    TRY(SIZED_WRITE(row, &own));
fail:
    return status;
}

static void put_short(struct base_json *object, const char *key, double value)
{
    char text[BASE_NUMBER_SIZE];
    base_put(object, key, cJSON_CreateRaw(base_number_text(value, 6, text)));
}

static struct base_json print_row(const struct tune_row *row)
{
    struct base_json json = base_json_object_begin();
    base_put_text(&json, "call", row->choice.call);
    base_put_text(&json, "outcome", outcome_words[row->outcome]);
    base_put_text(&json, "rule", row->rule);
    base_put_text(&json, "variant", row->choice.variant);
    base_put_text(&json, "tile", row->choice.tile);
    put_short(&json, "gain", row->choice.gain);
    put_short(&json, "ms", row->ms);
    base_put_number(&json, "choices", row->choices);
    base_put_number(&json, "lost", row->lost);
    if (row->choice.why[0])
        base_put_text(&json, "reason", row->choice.why);
    return json;
}

const char *mien_tune_json(struct mien_tune_result *result)
{
    if (!result)
        return "";
    if (!result->json.data) {
        struct base_json json = base_json_object_begin(), head = base_json_object_begin(),
                         rows = base_json_list_begin();
        base_put_text(&head, "result", "mien tune");
        base_put_text(&head, "device", result->device);
        base_put_text(&head, "driver", result->driver);
        base_put_text(&head, "file", result->file);
        base_put(&head, "in_time", cJSON_CreateBool(result->in_time));
        for (size_t i = 0; i < result->count; i++) {
            struct base_json row = print_row(&result->rows[i]);
            base_add_tree(&rows, &row);
        }
        base_put_tree(&json, "head", &head);
        base_put_tree(&json, "rows", &rows);
        cJSON *tree = base_json_end(&json);
        char *text = tree ? base_json_print(tree, false) : NULL;
        if (text)
            base_text_add(&result->json, text, strlen(text));
        cJSON_Delete(tree);
        base_free(text);
    }
    return result->json.data ? result->json.data : "";
}

static void print_line(struct base_text *text, const struct tune_row *row)
{
    const struct vk_choice *c = &row->choice;
    if (row->outcome == MIEN_TUNE_SKIPPED)
        base_text_print(text, "  -      %s: %s\n", c->call, c->why);
    else
        base_text_print(text, "  %5.2fx %s: %s%s%s\n", c->gain, c->call, c->variant, c->tile[0] ? " " : "", c->tile);
}

const char *mien_tune_text(struct mien_tune_result *result)
{
    size_t counts[BASE_COUNT(outcome_words)] = {0}, faster = 0;
    if (!result)
        return "";
    if (!result->text.data) {
        base_text_print(&result->text, "device %s, driver %s\n", result->device, result->driver);
        for (size_t i = 0; i < result->count; i++) {
            counts[result->rows[i].outcome]++;
            faster += result->rows[i].choice.gain > 1;
            print_line(&result->text, &result->rows[i]);
        }
        base_text_print(&result->text, "%zu calls: %zu faster than by the rules, %zu measured now, %zu skipped%s\n",
                        result->count, faster, counts[MIEN_TUNE_RULE] + counts[MIEN_TUNE_FASTER],
                        counts[MIEN_TUNE_SKIPPED],
                        result->in_time ? "" : "; time was over before all were measured: mien tune goes on from here");
        base_text_print(&result->text, "table %s\n", result->file);
    }
    return result->text.data ? result->text.data : "";
}

void mien_tune_destroy(struct mien_tune_result **result)
{
    if (!result || !*result)
        return;
    base_text_clear(&(*result)->json);
    base_text_clear(&(*result)->text);
    base_free((*result)->rows);
    base_free((*result)->file);
    base_free(*result);
    *result = NULL;
}
