/* export.c: every pipeline that ops ask of a device, as files for those who write drivers. */
#include "check/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- gathering --------------------------------------------------------------------------------------------------- */

struct gathering {
    const struct vk_device *device;
    struct check_exported *list;
    size_t capacity;
    uint32_t refused;
};

/* A variant that is not chosen may be beyond the device's limits; the message has been logged. */
static enum mien_status add(void *user, const struct check_pipeline *found)
{
    struct gathering *g = user;
    struct vk_pipeline_form form;
    uint64_t hash;
    enum mien_status status = vk_pipeline_form(g->device, &found->kernel, &form);
    if (status == MIEN_ERR_UNSUPPORTED && !found->chosen) {
        g->refused++;
        return MIEN_OK;
    }
    TRY(status);
    TRY(vk_fossil_hash(&found->kernel, &form, &hash));
    struct check_export *at = g->list->pipelines, *end = at + g->list->count;
    while (at < end && at->hash != hash)
        at++;
    if (at == end) {
        TRY(base_grow(&g->list->pipelines, &g->capacity, g->list->count + 1, sizeof *at));
        g->list->pipelines[g->list->count++] = (struct check_export){*found, form, hash};
    } else if (found->chosen && !at->first.chosen) {
        at->first = *found;
    }
fail:
    return status;
}

enum mien_status check_export_gather(const struct vk_device *device, const char *op_glob, struct check_exported *out)
{
    enum mien_status status = MIEN_OK;
    struct gathering g = {.device = device, .list = out};
    struct check_pipeline_counts counts;
    *out = (struct check_exported){0};
    TRY(check_pipelines(vk_device_caps(device), op_glob, add, &g, &counts));
    FAIL_IF(!out->count, MIEN_ERR_ARG, "there is no op %s; mien check --list names them", op_glob ? op_glob : "*");
    out->refused = counts.refused + g.refused;
    return MIEN_OK;
fail:
    check_export_clear(out);
    return status;
}

void check_export_clear(struct check_exported *list)
{
    base_free(list->pipelines);
    *list = (struct check_exported){0};
}

/* ---- a Fossilize database ---------------------------------------------------------------------------------------- */

enum mien_status check_export_fossil(const struct check_exported *list, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct vk_fossil *fossil = NULL;
    TRY(vk_fossil_open(path, &fossil));
    for (size_t i = 0; i < list->count; i++)
        TRY(vk_fossil_add(fossil, &list->pipelines[i].first.kernel, &list->pipelines[i].form));
    TRY(vk_fossil_commit(&fossil));
fail:
    vk_fossil_abandon(&fossil);
    return status;
}

/* ---- SPIR-V ------------------------------------------------------------------------------------------------------ */

static void file_name(const struct check_export *e, char *name, size_t size)
{
    snprintf(name, size, "%s.%016" PRIx64 ".spv", e->first.kernel.name, e->hash);
}

/* SPIR-V has either byte order; a file of the machine's own is one. */
static enum mien_status write_module(const struct check_export *e, const char *dir)
{
    enum mien_status status = MIEN_OK;
    char name[128], *path = NULL;
    uint32_t *words = NULL;
    size_t bytes;
    file_name(e, name, sizeof name);
    path = base_path_join(dir, name);
    FAIL_IF_NULL(path, name);
    TRY(vk_kernel_settle(&e->first.kernel, &words, &bytes));
    TRY(base_file_write_part(path, words, bytes));
fail:
    base_free(path);
    base_free(words);
    return status;
}

static void put_words(struct base_json *object, const char *key, const uint32_t *words, size_t count)
{
    double numbers[VK_MAX_SPEC];
    for (size_t i = 0; i < count; i++)
        numbers[i] = words[i];
    base_put_numbers(object, key, numbers, count);
}

static void print_line(struct base_text *text, const struct check_export *e)
{
    const struct vk_kernel *kernel = &e->first.kernel;
    struct base_json line = base_json_object_begin();
    char name[128], hash[17];
    file_name(e, name, sizeof name);
    snprintf(hash, sizeof hash, "%016" PRIx64, e->hash);
    base_put_text(&line, "file", name);
    base_put_text(&line, "pipeline", hash);
    base_put_text(&line, "op", e->first.op);
    base_put_text(&line, "variant", e->first.variant);
    base_put_text(&line, "case", e->first.case_name);
    base_put(&line, "chosen", cJSON_CreateBool(e->first.chosen));
    base_put_text(&line, "shader", kernel->name);
    put_words(&line, "local_size", e->form.local, 3);
    put_words(&line, "spec", kernel->spec, kernel->spec_count);
    base_put_number(&line, "subgroup_size", e->form.subgroup_size);
    base_put(&line, "full_subgroups", cJSON_CreateBool(e->form.full_subgroups));
    base_put_number(&line, "buffers", kernel->buffers);
    base_put_number(&line, "push_size", kernel->push_size);
    cJSON *tree = base_json_end(&line);
    char *json = tree ? base_json_print(tree, false) : NULL;
    if (!json && text->status == MIEN_OK)
        text->status = base_fail(MIEN_ERR_NOMEM, "out of host memory for the list of %s", kernel->name);
    if (json)
        base_text_print(text, "%s\n", json);
    base_free(json);
    cJSON_Delete(tree);
}

static enum mien_status write_index(const struct check_exported *list, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct base_text text = {0};
    char *path = base_path_join(dir, "index.jsonl");
    FAIL_IF_NULL(path, "index.jsonl");
    for (size_t i = 0; i < list->count; i++)
        print_line(&text, &list->pipelines[i]);
    TRY(text.status);
    TRY(base_file_write_part(path, text.data, text.size));
fail:
    base_text_clear(&text);
    base_free(path);
    return status;
}

/* base_stage_commit would say it after the work. */
static enum mien_status refuse_existing(const char *dir)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    if (!base_file_exists(dir))
        return MIEN_OK;
    FAIL_IF(!base_file_is_dir(dir), MIEN_ERR_ARG, "%s: is there and no directory; name a directory to make", dir);
    TRY(base_dir_list(dir, &names, &count));
    FAIL_IF(count, MIEN_ERR_ARG, "%s: holds %s already; name another directory, or remove it", dir, names[0]);
fail:
    base_dir_list_free(&names, &count);
    return status;
}

enum mien_status check_export_shaders(const struct check_exported *list, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    TRY(refuse_existing(dir));
    TRY(base_stage_open(dir, &stage));
    for (size_t i = 0; i < list->count; i++)
        TRY(write_module(&list->pipelines[i], base_stage_dir(stage)));
    TRY(write_index(list, base_stage_dir(stage)));
    TRY(base_stage_commit(&stage));
fail:
    base_stage_abandon(&stage);
    return status;
}

/* ---- the public half --------------------------------------------------------------------------------------------- */

static enum mien_status check_params(const struct mien_check_export_params *params)
{
    static const char *const endings[] = {".foz", NULL};
    enum mien_status status = MIEN_OK;
    FAIL_IF(!params->fossil && !params->shaders, MIEN_ERR_ARG,
            "mien_check_export: neither a database nor a directory is asked for");
    FAIL_IF(params->fossil && !base_path_ends(params->fossil, endings), MIEN_ERR_ARG,
            "%s: Fossilize's tools know a database by its ending; name it FILE.foz", params->fossil);
    if (params->shaders)
        TRY(refuse_existing(params->shaders));
fail:
    return status;
}

/* The device is gone when this returns. */
static enum mien_status gather(const struct mien_check_export_params *params, struct check_exported *out)
{
    enum mien_status status = MIEN_OK;
    const struct mien_gpu_params gpu = {
        .size = sizeof(gpu), .device = params->device, .caps = params->caps, .pipeline_cache = MIEN_OFF};
    struct vk_instance *instance = NULL;
    struct vk_device *device = NULL;
    uint32_t index;
    TRY(vk_instance_create(&gpu, &instance));
    TRY(vk_instance_choose(instance, params->device, &index));
    TRY(vk_device_create(instance, index, &gpu, &device));
    TRY(check_export_gather(device, params->op, out));
fail:
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return status;
}

enum mien_status mien_check_export(const struct mien_check_export_params *given,
                                   struct mien_check_export_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct mien_check_export_params params;
    struct mien_check_export_summary own = {0};
    struct check_exported list = {0};
    TRY(SIZED_CLEAR(summary));
    NEED(given);
    TRY(SIZED_READ(&params, given));
    TRY(check_params(&params));
    TRY(gather(&params, &list));
    if (params.fossil)
        TRY(check_export_fossil(&list, params.fossil));
    if (params.shaders)
        TRY(check_export_shaders(&list, params.shaders));
    own.pipelines = (uint32_t)list.count;
    own.refused = list.refused;
    for (size_t i = 0; i < list.count; i++)
        own.chosen += list.pipelines[i].first.chosen;
    TRY(SIZED_WRITE(summary, &own));
fail:
    check_export_clear(&list);
    return status;
}
