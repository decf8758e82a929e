/* checkpoint.c: checkpoints/step-N/ = a model directory, optimizer.safetensors, state.json. It is written under another
 * name, every file to the disk, and renamed when whole: what has the name is whole. */
#include "train/trainer.h"

#include "io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- optimizer.safetensors ---- */

struct moment {
    const struct tensor *tensor;
    char name[192];
};

struct saving {
    struct vk_device *device;
    const struct moment *moments;
    const char *path;
    float *values;
    size_t index; /* of the moment in `values`; SIZE_MAX = none */
};

static enum mien_status fill(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    struct saving *saving = user;
    if (saving->index != index) {
        enum mien_status status = tensor_download(saving->device, saving->moments[index].tensor, saving->values);
        uint64_t count = tensor_shape_count(&saving->moments[index].tensor->shape);
        if (status != MIEN_OK)
            return status;
        if (io_first_not_finite(saving->values, count) < count)
            return base_fail(MIEN_ERR_FAILED,
                             "%s: not written: %s is no longer finite, the gradients are too large; lower optim.lr, or "
                             "set optim.clip_norm",
                             saving->path, saving->moments[index].name);
        saving->index = index;
    }
    memcpy(buffer, (const char *)saving->values + offset, size);
    return MIEN_OK;
}

/* All that there are, named, and the scale of the loss: out [2 * count + 1]. */
static size_t list_moments(const struct trainer *t, struct moment *out)
{
    const struct tensor *const kinds[] = {t->moments.first, t->moments.second};
    static const char *const names[] = {"first", "second"};
    size_t count = 0;
    for (uint32_t i = 0; i < t->model->count; i++) {
        for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
            if (!kinds[k][i].range.block)
                continue;
            out[count].tensor = &kinds[k][i];
            snprintf(out[count].name, sizeof(out[count].name), "%s.%s", names[k], t->model->params[i].name);
            count++;
        }
    }
    if (t->moments.scaler.range.block)
        out[count++] = (struct moment){.tensor = &t->moments.scaler, .name = "loss_scale"};
    return count;
}

static uint64_t largest_moment(const struct moment *moments, size_t count)
{
    uint64_t largest = 1;
    for (size_t i = 0; i < count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&moments[i].tensor->shape));
    return largest;
}

static enum mien_status write_moments(const struct trainer *t, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct moment *moments = base_alloc(2 * (size_t)t->model->count + 1, sizeof(*moments));
    struct io_tensor_out *tensors = base_alloc(2 * (size_t)t->model->count + 1, sizeof(*tensors));
    struct saving saving = {.device = t->device, .moments = moments, .path = path, .index = SIZE_MAX};
    FAIL_IF(!moments || !tensors, MIEN_ERR_NOMEM, "out of host memory for saving %s", path);
    size_t count = list_moments(t, moments);
    saving.values = base_alloc(largest_moment(moments, count), 1);
    FAIL_IF_NULL(saving.values, "moments");
    for (size_t i = 0; i < count; i++) {
        const struct tensor_shape *shape = &moments[i].tensor->shape;
        tensors[i] = (struct io_tensor_out){.name = moments[i].name, .dtype = IO_F32, .rank = shape->rank};
        for (uint32_t d = 0; d < shape->rank; d++)
            tensors[i].dims[d] = shape->dim[d];
    }
    TRY(io_safetensors_write(path, tensors, count, NULL, fill, &saving));
fail:
    base_free(saving.values);
    base_free(moments);
    base_free(tensors);
    return status;
}

enum mien_status train_load_moments(struct trainer *t, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    float *values = NULL;
    struct moment *moments = base_alloc(2 * (size_t)t->model->count + 1, sizeof(*moments));
    FAIL_IF_NULL(moments, "moments");
    size_t count = list_moments(t, moments);
    values = base_alloc(largest_moment(moments, count), 1);
    FAIL_IF_NULL(values, "moments");
    TRY(io_safetensors_open(path, &file));
    for (size_t i = 0; i < count; i++) {
        const struct io_tensor *tensor = io_safetensors_find(file, moments[i].name);
        FAIL_IF(!tensor || tensor->count != tensor_shape_count(&moments[i].tensor->shape), MIEN_ERR_DATA,
                "%s: tensor %s is missing or has another shape; the checkpoint belongs to another run", path,
                moments[i].name);
        TRY(io_tensor_read_f32(tensor, 0, tensor->count, values));
        TRY(tensor_upload(t->device, moments[i].tensor, values));
    }
fail:
    io_safetensors_close(&file);
    base_free(values);
    base_free(moments);
    return status;
}

/* ---- state.json ---- */

static enum mien_status write_state(const struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    const struct train_state *s = &t->state;
    cJSON *json = cJSON_CreateObject();
    bool whole = cJSON_AddNumberToObject(json, "step", (double)s->step) &&
                 cJSON_AddNumberToObject(json, "batches", (double)s->step) &&
                 cJSON_AddNumberToObject(json, "seed", t->config->run.seed) &&
                 cJSON_AddNumberToObject(json, "samples", (double)t->row_count) &&
                 cJSON_AddStringToObject(json, "data", t->data_key) &&
                 cJSON_AddNumberToObject(json, "first_loss", s->first_loss) &&
                 cJSON_AddNumberToObject(json, "collapsing", s->collapsing) &&
                 cJSON_AddNumberToObject(json, "evaluated", (double)s->evaluated) &&
                 cJSON_AddNumberToObject(json, "best_step", (double)s->best_step) &&
                 cJSON_AddNumberToObject(json, "best", s->best) && cJSON_AddNumberToObject(json, "worse", s->worse) &&
                 cJSON_AddBoolToObject(json, "collapse_warned", s->collapse_warned) &&
                 cJSON_AddTrueToObject(json, "checksums"); /* so that a list that is lost is missed */
    const struct vk_caps *caps = vk_device_caps(t->device);
    whole = whole && cJSON_AddStringToObject(json, "device", caps->name) &&
            cJSON_AddStringToObject(json, "driver", caps->driver) &&
            cJSON_AddItemToObject(json, "variants", cJSON_Duplicate(t->variants, true)) &&
            cJSON_AddItemToObject(json, "tuned", vk_tuned_list(&t->tuned));
    FAIL_IF(!whole, MIEN_ERR_NOMEM, "out of host memory for saving %s", dir);
    TRY(io_write_json(dir, "state.json", json));
fail:
    cJSON_Delete(json);
    return status;
}

/* The state of a checkpoint whose name says that it holds `steps` updates. *summed: it is to have checksums. */
static enum mien_status read_state(const char *dir, uint64_t steps, struct train_state *out, bool *summed)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = base_path_join(dir, "state.json");
    const char *data = NULL;
    *out = (struct train_state){0};
    *summed = false;
    FAIL_IF_NULL(path, "a path");
    TRY(base_json_read(path, &json));
    TRY(base_json_bool(json, "checksums", path, summed));
    TRY(base_json_u64(json, "step", path, &out->step));
    FAIL_IF(out->step != steps, MIEN_ERR_DATA, "%s: \"step\" is %llu; the checkpoint's name says %llu", path,
            (unsigned long long)out->step, (unsigned long long)steps);
    TRY(base_json_number(json, "first_loss", path, &out->first_loss));
    TRY(base_json_u64(json, "samples", path, &out->samples));
    TRY(base_json_string(json, "data", path, &data));
    snprintf(out->data, sizeof(out->data), "%s", data ? data : "");
    TRY(base_json_u32(json, "collapsing", path, &out->collapsing));
    TRY(base_json_bool(json, "collapse_warned", path, &out->collapse_warned));
    TRY(base_json_u64(json, "evaluated", path, &out->evaluated));
    TRY(base_json_u64(json, "best_step", path, &out->best_step));
    TRY(base_json_number(json, "best", path, &out->best));
    TRY(base_json_u32(json, "worse", path, &out->worse));
    FAIL_IF(out->evaluated > steps || out->best_step > steps, MIEN_ERR_DATA,
            "%s: \"evaluated\" or \"best_step\" lies beyond \"step\"", path);
fail:
    base_free(path);
    cJSON_Delete(json);
    return status;
}

/* ---- the directory ---- */

static enum mien_status write_all(const struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    char *moments = base_path_join(dir, "optimizer.safetensors");
    FAIL_IF_NULL(moments, "a path");
    TRY(train_write_model(t, t->state.step, dir));
    TRY(write_moments(t, moments));
    TRY(write_state(t, dir));
    TRY(base_sums_write(dir));
fail:
    base_free(moments);
    return status;
}

/* The N of "step-N", or 0. */
static uint64_t number_of(const char *name)
{
    enum { MOST_DIGITS = 15 };
    char *end = NULL;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '1' || name[5] > '9')
        return 0;
    uint64_t number = strtoull(name + 5, &end, 10);
    return *end || end - name > 5 + MOST_DIGITS ? 0 : number;
}

struct checkpoints {
    char **names;
    size_t count;
    uint64_t *numbers; /* rising; of the names that are checkpoints */
    size_t whole;
};

static int rising(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static enum mien_status list_checkpoints(const char *dir, struct checkpoints *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct checkpoints){0};
    if (!base_file_is_dir(dir))
        return MIEN_OK;
    TRY(base_dir_list(dir, &out->names, &out->count));
    out->numbers = base_alloc(out->count + 1, sizeof(*out->numbers));
    FAIL_IF_NULL(out->numbers, "checkpoints");
    for (size_t i = 0; i < out->count; i++) {
        if (number_of(out->names[i]) > 0)
            out->numbers[out->whole++] = number_of(out->names[i]);
    }
    qsort(out->numbers, out->whole, sizeof(*out->numbers), rising);
fail:
    return status;
}

static void free_checkpoints(struct checkpoints *c)
{
    base_dir_list_free(&c->names, &c->count);
    base_free(c->numbers);
}

static enum mien_status path_of(const char *checkpoints, uint64_t number, char **out)
{
    char name[64];
    snprintf(name, sizeof(name), "step-%llu", (unsigned long long)number);
    *out = base_path_join(checkpoints, name);
    return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for a path");
}

static enum mien_status drop(const char *checkpoints, uint64_t number)
{
    enum mien_status status = MIEN_OK;
    char *dir = NULL;
    TRY(path_of(checkpoints, number, &dir));
    TRY(base_stage_remove(dir));
fail:
    base_free(dir);
    return status;
}

/* All but the newest `keep`, and those beyond the present step, which another course has left. */
static enum mien_status drop_old(const struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct checkpoints c;
    size_t first = 0, end = 0;
    TRY(list_checkpoints(dir, &c));
    while (end < c.whole && c.numbers[end] <= t->state.step)
        end++;
    first = end > t->config->run.keep ? end - t->config->run.keep : 0;
    for (size_t i = 0; i < c.whole; i++) {
        if (i < first || i >= end)
            TRY(drop(dir, c.numbers[i]));
    }
fail:
    free_checkpoints(&c);
    return status;
}

enum mien_status train_checkpoint(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    char *dir = base_path_join(t->config->run.dir, "checkpoints"), *whole = NULL;
    FAIL_IF_NULL(dir, "a path");
    TRY(path_of(dir, t->state.step, &whole));
    TRY(train_log_flush(t->log)); /* the log is never behind a checkpoint */
    TRY(base_stage_open_own(whole, &stage));
    TRY(write_all(t, base_stage_dir(stage)));
    TRY(base_stage_replace(&stage));
    TRY(drop_old(t, dir));
    t->saved = base_clock_seconds();
    t->saved_at = t->state.step;
    snprintf(t->summary.checkpoint, sizeof(t->summary.checkpoint), "%s", whole);
fail:
    base_stage_abandon(&stage);
    base_free(dir);
    base_free(whole);
    return status;
}

/* ---- going on ---- */

/* Whether a checkpoint's files are those that were written: by their checksums; by what can be seen without, where it
 * is older than those. *summed: it has them. */
static enum mien_status check_files(const char *path, uint64_t steps, struct train_state *state, bool *summed)
{
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors"};
    enum mien_status status = MIEN_OK;
    struct io_safetensors *file = NULL;
    char *name = NULL;
    bool due = false;
    TRY(base_sums_check(path, summed));
    TRY(read_state(path, steps, state, &due));
    FAIL_IF(due && !*summed, MIEN_ERR_DATA, "%s/" BASE_SUMS_NAME ": is missing", path);
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        name = base_path_join(path, files[i]);
        FAIL_IF_NULL(name, path);
        TRY(io_safetensors_open(name, &file));
        io_safetensors_close(&file);
        base_free(name);
        name = NULL;
    }
fail:
    base_free(name);
    return status;
}

/* *good: it can be gone on from; else what is damaged has been told as a warning. */
static enum mien_status try_checkpoint(const char *path, uint64_t steps, struct train_state *state, bool *good)
{
    bool summed = false;
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN);
    enum mien_status status = check_files(path, steps, state, &summed);
    base_log_soften(before);
    *good = status == MIEN_OK;
    if (status == MIEN_ERR_NOMEM) /* which says nothing of the checkpoint */
        return base_fail(status, "out of host memory for reading %s", path);
    if (!*good)
        LOG_WARN("%s: the checkpoint is damaged; an older one is looked for", path);
    else if (!summed)
        LOG_WARN("%s: the checkpoint is of an older version, without checksums: damage would not be noticed", path);
    return MIEN_OK;
}

enum mien_status train_find_checkpoint(const char *run_dir, char **path, struct train_state *state)
{
    enum mien_status status = MIEN_OK;
    struct checkpoints c = {0};
    char *dir = base_path_join(run_dir, "checkpoints");
    bool good = false;
    *path = NULL;
    *state = (struct train_state){0};
    FAIL_IF_NULL(dir, "a path");
    TRY(list_checkpoints(dir, &c));
    for (size_t i = c.whole; i-- > 0;) {
        TRY(path_of(dir, c.numbers[i], path));
        TRY(try_checkpoint(*path, c.numbers[i], state, &good));
        if (good)
            break;
        base_free(*path);
        *path = NULL;
        *state = (struct train_state){0};
    }
    FAIL_IF(
        c.whole && !good, MIEN_ERR_DATA,
        "%s: all of its checkpoints (%zu) are damaged; put one back from a copy, or remove the directory to start from "
        "the beginning",
        dir, c.whole);
fail:
    if (!good) {
        base_free(*path);
        *path = NULL;
    }
    free_checkpoints(&c);
    base_free(dir);
    return status;
}
