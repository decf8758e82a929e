/* model.c: a model's life: memory, initial values, weights from and to files. */
#include "nn/internal.h"

#include "io/clip_tensors.h"
#include "io/positions.h"
#include "io/weights.h"

/* The parameters' names and shapes, still without memory on the device. */
static enum mien_status outline(struct vk_device *device, const struct io_clip_config *config,
                                enum mien_dtype precision, struct nn_model **out)
{
    enum mien_status status = MIEN_OK;
    struct nn_model *model = base_alloc(1, sizeof(*model));
    *out = NULL;
    FAIL_IF_NULL(model, "a model");
    model->device = device;
    model->config = *config;
    model->precision = precision;
    TRY(nn_precision_check(precision));
    TRY(io_clip_config_check(config, "model configuration"));
    TRY(nn_params_list(model));
    *out = model;
    return MIEN_OK;
fail:
    nn_model_destroy(&model);
    return status;
}

static enum mien_status allocate(struct nn_model *model)
{
    enum mien_status status = MIEN_OK;
    struct tensor **values = base_alloc(model->stack_count, sizeof(*values));
    FAIL_IF_NULL(values, "a model");
    for (uint32_t i = 0; i < model->stack_count; i++)
        values[i] = &model->stacks[i].value;
    TRY(tensor_pack_create(model->device, "weights", values, model->stack_count, &model->pack));
    for (uint32_t i = 0; i < model->count; i++)
        model->params[i].value = nn_param_of(&model->params[i], &model->stacks[model->params[i].stack].value);
fail:
    base_free(values);
    return status;
}

enum mien_status nn_model_create(struct vk_device *device, const struct io_clip_config *config,
                                 enum mien_dtype precision, struct nn_model **out)
{
    enum mien_status status = MIEN_OK;
    struct nn_model *model = NULL;
    *out = NULL;
    TRY(outline(device, config, precision, &model));
    if (device)
        TRY(allocate(model));
    *out = model;
    return MIEN_OK;
fail:
    nn_model_destroy(&model);
    return status;
}

void nn_model_destroy(struct nn_model **model)
{
    if (!model || !*model)
        return;
    tensor_pack_destroy(&(*model)->pack);
    base_free((*model)->params);
    base_free((*model)->stacks);
    base_free((*model)->order);
    base_arena_clear(&(*model)->arena);
    base_free(*model);
    *model = NULL;
}

enum mien_status nn_precision_check(enum mien_dtype precision)
{
    if (precision == MIEN_F32 || precision == MIEN_F16 || precision == MIEN_BF16)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "weights cannot be stored as %s; f32, bf16 and f16 can be asked for",
                     mien_dtype_name(precision));
}

/* ---- values, between f32 on the host and what the device stores ---- */

/* Uploads a parameter's values, which are lost; `from` is where they came from. */
static enum mien_status put_values(const struct nn_model *model, const struct nn_param *param, const char *from,
                                   float *values)
{
    enum mien_status status = MIEN_OK;
    const struct tensor_shape *shape = &param->value.shape;
    uint64_t count = tensor_shape_count(shape);
    TRY(io_check_finite(from, param->name, 0, values, count));
    if (shape->dtype != MIEN_F32)
        TRY(io_narrow(from, param->name, shape->dtype == MIEN_F16 ? IO_F16 : IO_BF16, values, count, values));
    TRY(tensor_upload(model->device, &param->value, values));
fail:
    return status;
}

enum mien_status nn_model_values(const struct nn_model *model, const struct nn_param *param, float *values)
{
    const struct tensor_shape *shape = &param->value.shape;
    enum mien_status status = tensor_download(model->device, &param->value, values);
    uint64_t count = shape->dtype == MIEN_F32 || status != MIEN_OK ? 0 : tensor_shape_count(shape);
    while (count-- > 0) { /* from the end: a float is wider than what it comes from */
        uint16_t half;
        memcpy(&half, (char *)values + 2 * count, 2);
        values[count] = shape->dtype == MIEN_F16 ? base_f16_to_f32(half) : base_bf16_to_f32(half);
    }
    return status;
}

/* ---- initial values ---- */

static void init_values(const struct nn_param *param, uint64_t seed, float *values, uint64_t count)
{
    struct base_rng rng = base_rng_make(seed, param->name, 0, 0);
    for (uint64_t i = 0; i < count; i++) {
        if (param->init == IO_INIT_CONSTANT)
            values[i] = (float)param->spread;
        else if (param->init == IO_INIT_NORMAL)
            values[i] = (float)(param->spread * base_rng_normal(&rng));
        else
            values[i] = (float)(param->spread * (2 * base_rng_uniform(&rng) - 1));
    }
}

/* Elements of the largest parameter. */
static uint64_t largest(const struct nn_model *model)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < model->count; i++)
        most = BASE_MAX(most, tensor_shape_count(&model->params[i].value.shape));
    return most;
}

static bool is_temporal(const char *name)
{
    return strncmp(name, "temporal.", 9) == 0;
}

/* Whether a directory with this configuration lacks the parameter. */
static bool is_fresh(const struct io_clip_config *had, const struct nn_param *param)
{
    if (is_temporal(param->name))
        return had->temporal.layers == 0;
    if (strncmp(param->name, "head.", 5) == 0)
        return had->head.kind == IO_HEAD_NONE;
    return param->is_scalar && strcmp(param->name, "logit_scale") != 0 && !io_clip_scalar(had, param->name);
}

/* Fills all parameters, or (`had` not NULL) those that a directory with that configuration lacks. */
static enum mien_status init(struct nn_model *model, uint64_t seed, const struct io_clip_config *had)
{
    enum mien_status status = MIEN_OK;
    float *values = NULL;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct nn_param *param = &model->params[i];
        if (had && !is_fresh(had, param))
            continue;
        values = values ? values : base_alloc(largest(model), sizeof(*values));
        FAIL_IF_NULL(values, "initial weights");
        init_values(param, seed, values, tensor_shape_count(&param->value.shape));
        TRY(put_values(model, param, "initial weights", values));
    }
fail:
    base_free(values);
    return status;
}

enum mien_status nn_model_init(struct nn_model *model, uint64_t seed)
{
    return init(model, seed, NULL);
}

/* Same dims; a scalar of a file may have rank 0 or one element. */
static bool fits(const struct nn_param *param, const struct io_tensor *tensor)
{
    const struct tensor_shape *shape = &param->value.shape;
    if (param->is_scalar)
        return tensor->count == 1;
    if (tensor->rank != shape->rank)
        return false;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (tensor->dims[i] != shape->dim[i])
            return false;
    }
    return true;
}

static const char *file_shape(const struct io_tensor *tensor, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "%s[", io_dtype_name(tensor->dtype));
    for (uint32_t i = 0; i < tensor->rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%llu", i ? "," : "", (unsigned long long)tensor->dims[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
    return text;
}

static enum mien_status stranger(const struct nn_model *model, const char *path, const char *name)
{
    if (!model->config.temporal.layers && is_temporal(name))
        return base_fail(MIEN_ERR_DATA,
                         "%s: tensor %s is of a temporal transformer, but config.json has no sizes for one under "
                         "\"mien\": {\"temporal\": {...}}",
                         path, name);
    return base_fail(MIEN_ERR_DATA, "%s: tensor %s is not part of a CLIP model with this config.json", path, name);
}

/* Every tensor of the file belongs to the model, but the position numbers that some exports keep. */
static enum mien_status check_no_strangers(const struct nn_model *model, const struct io_weights *file)
{
    for (size_t i = 0; i < io_weights_count(file); i++) {
        const char *name = io_weights_at(file, i)->name;
        const char *dot = strrchr(name, '.');
        if (nn_param_find(model, name) == UINT32_MAX && !(dot && strcmp(dot, ".position_ids") == 0))
            return stranger(model, io_weights_path(file), name);
    }
    return MIEN_OK;
}

/* The side of a file's grid of image positions [1+side*side,D], when it is one; 0 otherwise. */
static uint32_t side_of(const struct nn_param *param, const struct io_tensor *tensor)
{
    if (strcmp(param->name, IO_CLIP_VISION_POSITIONS) != 0 || tensor->rank != 2 || tensor->dims[0] < 2 ||
        tensor->dims[0] > 1 << 20 || tensor->dims[1] != param->value.shape.dim[1])
        return 0;
    uint32_t side = (uint32_t)lround(sqrt((double)tensor->dims[0] - 1));
    return side * side + 1 == tensor->dims[0] ? side : 0;
}

/* Weights trained with another image size: their positions are resized, as open_clip does on loading. */
static enum mien_status load_positions(struct nn_model *model, const struct nn_param *param,
                                       const struct io_tensor *tensor, float *values)
{
    enum mien_status status = MIEN_OK;
    uint32_t from = side_of(param, tensor), to = model->config.vision.image / model->config.vision.patch;
    float *read = base_alloc(tensor->count, sizeof(*read));
    FAIL_IF_NULL(read, "a position embedding");
    LOG_WARN("the weights were trained with %u x %u patches, config.json asks for %u x %u: the position embedding is "
             "resized",
             from, from, to, to);
    TRY(io_tensor_read_f32(tensor, 0, tensor->count, read));
    TRY(io_positions_grid(read, from, to, param->value.shape.dim[1], values));
    TRY(put_values(model, param, tensor->file, values));
fail:
    base_free(read);
    return status;
}

/* Whether the file holds the very bytes that the device stores. */
static bool is_stored_alike(const struct nn_param *param, const struct io_tensor *tensor)
{
    static const enum io_dtype in_files[] = {
        [MIEN_F32] = IO_F32, [MIEN_I32] = IO_I32, [MIEN_F16] = IO_F16, [MIEN_BF16] = IO_BF16};
    return !tensor->strides && tensor->dtype == in_files[param->value.shape.dtype];
}

static enum mien_status check_param(const struct nn_param *param, const struct io_weights *file)
{
    char want[64], have[96];
    const struct io_tensor *tensor = io_weights_find(file, param->name);
    if (!tensor && io_weights_opaque(file, param->name))
        return base_fail(MIEN_ERR_DATA, "%s: %s is a %s, not a tensor; save the weights as tensors",
                         io_weights_path(file), param->name, io_weights_opaque(file, param->name));
    if (!tensor)
        return base_fail(MIEN_ERR_DATA, "%s: tensor %s %s is missing; is config.json of the same model?",
                         io_weights_path(file), param->name,
                         tensor_shape_text(&param->value.shape, want, sizeof(want)));
    if (!fits(param, tensor) && !side_of(param, tensor))
        return base_fail(MIEN_ERR_DATA, "%s: tensor %s is %s, but config.json asks for %s", io_weights_path(file),
                         param->name, file_shape(tensor, have, sizeof(have)),
                         tensor_shape_text(&param->value.shape, want, sizeof(want)));
    return MIEN_OK;
}

/* What the weights must be before memory is asked for: sizes of config.json that are not theirs may be huge. */
static enum mien_status check_weights(const struct nn_model *model, const struct io_weights *file,
                                      const struct io_clip_config *had)
{
    enum mien_status status = MIEN_OK;
    TRY(check_no_strangers(model, file));
    for (uint32_t i = 0; i < model->count; i++) {
        if (!is_fresh(had, &model->params[i]))
            TRY(check_param(&model->params[i], file));
    }
fail:
    return status;
}

static enum mien_status load_param(struct nn_model *model, const struct nn_param *param, const struct io_weights *file,
                                   float *values)
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor *tensor = io_weights_find(file, param->name);
    if (!fits(param, tensor))
        return load_positions(model, param, tensor, values);
    if (strcmp(param->name, "logit_scale") == 0) {
        TRY(io_tensor_read_f32(tensor, 0, 1, values));
        TRY(io_check_logit_scale(tensor->file, (double)values[0]));
    }
    if (is_stored_alike(param, tensor)) {
        TRY(io_tensor_read_checked(tensor, 0, tensor->count, values));
        TRY(tensor_upload(model->device, &param->value, values));
        return MIEN_OK;
    }
    TRY(io_tensor_read_raw(tensor, 0, tensor->count, values));
    TRY(put_values(model, param, tensor->file, values));
fail:
    return status;
}

/* All that a directory with the configuration `had` has. */
static enum mien_status load_weights(struct nn_model *model, const struct io_weights *file,
                                     const struct io_clip_config *had)
{
    enum mien_status status = MIEN_OK;
    float *values = base_alloc(largest(model), sizeof(*values));
    FAIL_IF_NULL(values, "weights");
    for (uint32_t i = 0; i < model->count; i++) {
        if (!is_fresh(had, &model->params[i]))
            TRY(load_param(model, &model->params[i], file, values));
    }
fail:
    base_free(values);
    return status;
}

enum mien_status nn_model_load_weights(struct nn_model *model, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct io_weights *file = NULL;
    TRY(io_weights_open(path, &file));
    TRY(check_weights(model, file, &model->config));
    TRY(load_weights(model, file, &model->config));
fail:
    io_weights_close(&file);
    return status;
}

/* The sizes wanted go into the configuration read. */
static enum mien_status merge_temporal(struct io_clip_config *config, const struct io_temporal_config *want,
                                       const char *dir)
{
    const struct io_temporal_config *have = &config->temporal;
    if (!want || !want->layers || memcmp(want, have, sizeof(*want)) == 0)
        return MIEN_OK;
    if (!have->layers) {
        config->temporal = *want;
        return MIEN_OK;
    }
    return base_fail(MIEN_ERR_ARG,
                     "%s has a temporal transformer of %u layers, %u heads of %u, mlp %u, max_frames %u; wanted are %u "
                     "layers, %u heads of %u, mlp %u, max_frames %u: leave the sizes out, or give these",
                     dir, have->layers, have->heads, have->head_dim, have->mlp, have->max_frames, want->layers,
                     want->heads, want->head_dim, want->mlp, want->max_frames);
}

static enum mien_status merge_head(struct io_clip_config *config, const struct io_head_config *want, const char *dir)
{
    const struct io_head_config *have = &config->head;
    if (!want || want->kind == IO_HEAD_NONE)
        return MIEN_OK;
    if (have->kind != IO_HEAD_NONE &&
        (have->kind != want->kind || have->hidden != want->hidden || have->targets != want->targets ||
         memcmp(have->name, want->name, sizeof(want->name)) != 0))
        return base_fail(
            MIEN_ERR_ARG,
            "%s has a head for %u %s from %u hidden units, beginning with \"%s\"; wanted is one for %u from "
            "%u, beginning with \"%s\": leave model.head out, or give the same",
            dir, have->targets, have->kind == IO_HEAD_CLASSES ? "classes" : "targets", have->hidden, have->name[0],
            want->targets, want->hidden, want->name[0]);
    config->head = *want;
    return MIEN_OK;
}

enum mien_status nn_model_load(struct vk_device *device, const char *dir, const struct nn_extras *extras,
                               struct nn_model **out)
{
    return nn_model_load_from(device, &(struct base_source){.dir = dir}, extras, out);
}

enum mien_status nn_model_load_from(struct vk_device *device, const struct base_source *source,
                                    const struct nn_extras *extras, struct nn_model **out)
{
    enum mien_status status = MIEN_OK;
    struct nn_model *model = NULL;
    struct io_weights *file = NULL;
    struct io_clip_config had, config;
    static const struct nn_extras none;
    extras = extras ? extras : &none;
    *out = NULL;
    TRY(io_clip_config_read_from(source, &had, NULL));
    config = had;
    TRY(merge_temporal(&config, extras->temporal, base_source_name(source)));
    TRY(merge_head(&config, extras->head, base_source_name(source)));
    TRY(io_clip_scalars_add(&config, extras->scalars));
    TRY(outline(device, &config, extras->precision, &model));
    TRY(io_weights_open_from(source, &file));
    TRY(check_weights(model, file, &had));
    TRY(allocate(model));
    TRY(load_weights(model, file, &had));
    TRY(init(model, extras->seed, &had));
    *out = model;
    model = NULL;
fail:
    io_weights_close(&file);
    nn_model_destroy(&model);
    return status;
}

/* A tensor's bytes for the writer: one download per tensor, kept while the writer asks for its pieces. */
struct saving {
    const struct nn_model *model;
    const char *path;
    float *values;
    size_t index; /* of the tensor in `values`; SIZE_MAX = none */
};

static enum mien_status fill(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    struct saving *saving = user;
    if (saving->index != index) {
        enum mien_status status = nn_model_values(saving->model, &saving->model->params[index], saving->values);
        const struct nn_param *param = &saving->model->params[index];
        uint64_t count = tensor_shape_count(&param->value.shape);
        if (status != MIEN_OK)
            return status;
        if (io_first_not_finite(saving->values, count) < count)
            return base_fail(MIEN_ERR_FAILED,
                             "%s: not written: tensor %s is no longer finite, the training has diverged; lower "
                             "optim.lr, or set optim.clip_norm",
                             saving->path, param->name);
        saving->index = index;
    }
    memcpy(buffer, (const char *)saving->values + offset, size);
    return MIEN_OK;
}

enum mien_status nn_model_save_weights(const struct nn_model *model, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct saving saving = {.model = model, .path = path, .index = SIZE_MAX};
    struct io_tensor_out *tensors = base_alloc(model->count, sizeof(*tensors));
    saving.values = base_alloc(largest(model), sizeof(*saving.values));
    FAIL_IF(!tensors || !saving.values, MIEN_ERR_NOMEM, "out of host memory for saving %s", path);
    for (uint32_t i = 0; i < model->count; i++) {
        const struct nn_param *param = &model->params[i];
        tensors[i] = (struct io_tensor_out){.name = param->name, .dtype = IO_F32};
        tensors[i].rank = param->is_scalar ? 0 : param->value.shape.rank;
        for (uint32_t d = 0; d < tensors[i].rank; d++)
            tensors[i].dims[d] = param->value.shape.dim[d];
    }
    TRY(io_safetensors_write(path, tensors, model->count, NULL, fill, &saving));
fail:
    base_free(tensors);
    base_free(saving.values);
    return status;
}
