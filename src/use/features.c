/* features.c: frozen features of frames. */
#include "use/features.h"

#include "base/stamp.h"
#include "data/frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what they are made from ---- */

enum { FORMAT = 2 };

struct key {
    uint64_t hash;
};

static void add(struct key *key, const void *data, size_t size) /* FNV-1a */
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        key->hash = (key->hash ^ bytes[i]) * 0x100000001b3u;
}

static void add_u32(struct key *key, uint32_t value)
{
    add(key, &value, sizeof(value));
}

static void add_file(struct key *key, const char *path)
{
    struct base_stamp stamp;
    base_file_stamp(path, &stamp);
    add(key, path, strlen(path) + 1);
    add(key, &stamp.size, sizeof(stamp.size));
    add(key, &stamp.seconds, sizeof(stamp.seconds));
    add(key, &stamp.nanoseconds, sizeof(stamp.nanoseconds));
}

/* With what it is and how many files it has: the same files dealt out to other rows are other rows. */
static enum mien_status add_row(struct key *key, const struct data_row *row)
{
    struct base_arena arena = {0};
    const char **paths = NULL;
    size_t count = 0;
    enum mien_status status = MIEN_OK;
    add_u32(key, row->has_box | (row->image ? 2u : row->video ? 4u : row->frames_dir ? 8u : 16u));
    if (row->has_box)
        add(key, row->box, sizeof(row->box));
    if (row->image || row->video)
        add_file(key, row->image ? row->image : row->video);
    add_u32(key, row->frame_count);
    for (uint32_t i = 0; i < row->frame_count; i++)
        add_file(key, row->frames[i]);
    if (row->frames_dir)
        status = data_frames_list(&arena, row->frames_dir, &paths, &count);
    add_u32(key, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        add_file(key, paths[i]);
    base_arena_clear(&arena);
    return status == MIEN_ERR_NOMEM ? status : MIEN_OK; /* one that is not there is bad later */
}

bool use_is_vision(const char *name)
{
    return strncmp(name, "vision_model.", 13) == 0 || strncmp(name, "visual_projection.", 18) == 0;
}

static enum mien_status add_tower(struct key *key, const struct mien_model *model)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *config = &model->nn->config;
    float *values = NULL;
    uint64_t most = 1;
    for (uint32_t i = 0; i < model->nn->count; i++)
        most = BASE_MAX(most, tensor_shape_bytes(&model->nn->params[i].value.shape));
    values = base_alloc(most, 1);
    FAIL_IF_NULL(values, "weights");
    add_u32(key, config->vision.image);
    add_u32(key, config->vision.patch);
    add_u32(key, config->vision.tower.heads);
    add_u32(key, config->vision.tower.act);
    add(key, &config->vision.tower.eps, sizeof(double));
    for (uint32_t i = 0; i < model->nn->count; i++) {
        const struct nn_param *param = &model->nn->params[i];
        if (!use_is_vision(param->name))
            continue;
        TRY(tensor_download(model->device, &param->value, values));
        add(key, param->name, strlen(param->name) + 1);
        add(key, values, tensor_shape_bytes(&param->value.shape));
    }
fail:
    base_free(values);
    return status;
}

static enum mien_status make_key(const struct mien_model *model, const struct use_rows *rows, uint32_t frames,
                                 char *text, size_t size)
{
    enum mien_status status = MIEN_OK;
    struct key key = {0xcbf29ce484222325u};
    const struct data_preprocess *p = &model->preprocess;
    add_u32(&key, FORMAT);
    add_u32(&key, frames);
    add_u32(&key, p->size);
    add_u32(&key, p->crop);
    add_u32(&key, p->resize);
    add_u32(&key, p->rgb_first);
    add(&key, p->mean, sizeof(p->mean));
    add(&key, p->std, sizeof(p->std));
    TRY(add_tower(&key, model));
    for (size_t i = 0; i < rows->count; i++)
        TRY(add_row(&key, &rows->manifest->rows[rows->rows[i]]));
    snprintf(text, size, "%016" PRIx64, key.hash);
fail:
    return status;
}

/* ---- the file ---- */

/* Whether the file is of this key, whole and of this form; then *out is made of it. */
static bool take(const char *path, const char *key, size_t rows, uint32_t width, struct use_features *out)
{
    struct io_safetensors *file = NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_INFO);
    bool good = base_file_exists(path) && io_safetensors_open(path, &file) == MIEN_OK;
    const char *said = good ? io_safetensors_metadata(file, "key") : NULL;
    const struct io_tensor *features = good ? io_safetensors_find(file, "features") : NULL;
    const struct io_tensor *first = good ? io_safetensors_find(file, "first") : NULL;
    good = said && strcmp(said, key) == 0 && features && features->dtype == IO_F32 && features->rank == 2 &&
           features->dims[1] == width && first && first->dtype == IO_I64 && first->count == rows + 1;
    if (good) {
        out->values = base_alloc((size_t)features->count + 1, sizeof(float));
        good = out->values && io_tensor_read(first, 0, first->count, out->first) == MIEN_OK &&
               io_tensor_read(features, 0, features->count, out->values) == MIEN_OK && out->first[0] == 0 &&
               out->first[rows] == features->dims[0] &&
               io_first_not_finite(out->values, features->count) == features->count;
        for (size_t i = 0; i < rows; i++)
            good = good && out->first[i] <= out->first[i + 1];
    }
    base_log_soften(before);
    io_safetensors_close(&file);
    if (!good) {
        base_free(out->values);
        out->values = NULL;
    }
    out->data.values = out->values;
    return good;
}

/* ---- making them ---- */

struct making {
    struct use_features *out;
    size_t capacity;
};

static enum mien_status keep(void *user, size_t index, const float *rows, uint32_t count)
{
    struct making *m = user;
    struct use_features *f = m->out;
    uint64_t have = f->first[index];
    size_t width = f->data.width;
    count = rows ? count : 0;
    f->first[index + 1] = have + count;
    enum mien_status status = base_grow(&f->values, &m->capacity, (size_t)(have + count + 1) * width, sizeof(float));
    if (status == MIEN_OK && count)
        memcpy(f->values + have * width, rows, count * width * sizeof(float));
    return status;
}

static enum mien_status make(struct mien_model *model, const struct use_rows *rows, uint32_t frames,
                             mien_progress_fn progress, void *user, struct use_features *out)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    struct use_feed feed;
    struct making making = {.out = out};
    struct mien_embed_params params = {.flags = MIEN_RAW, .frames = frames, .progress = progress, .user = user};
    params.ok = base_arena_array(&arena, rows->count, sizeof(*params.ok));
    FAIL_IF_NULL(params.ok, "rows");
    TRY(use_rows_feed(rows, 0, &arena, &feed));
    TRY(use_embed_frames(model, &feed, &params, keep, &making));
    out->data.values = out->values;
fail:
    base_arena_clear(&arena);
    return status;
}

static enum mien_status write_kept(const struct use_features *f, size_t rows, const char *key, const char *path)
{
    const char *const metadata[] = {"key", key, NULL};
    const struct io_tensor_out tensors[] = {
        {.name = "first", .dtype = IO_I64, .rank = 1, .dims = {rows + 1}, .data = f->first},
        {.name = "features", .dtype = IO_F32, .rank = 2, .dims = {f->first[rows], f->data.width}, .data = f->values},
    };
    return io_safetensors_write_own(path, tensors, BASE_COUNT(tensors), metadata, NULL, NULL);
}

enum mien_status use_features_open(struct mien_model *model, const struct use_rows *rows, uint32_t frames,
                                   const char *path, mien_progress_fn progress, void *user, struct use_features *out)
{
    enum mien_status status = MIEN_OK;
    char key[32];
    *out = (struct use_features){.data = {.width = model->nn->config.embed}};
    out->first = base_alloc(rows->count + 1, sizeof(*out->first));
    FAIL_IF_NULL(out->first, "features");
    out->data.first = out->first;
    TRY(make_key(model, rows, frames, key, sizeof(key)));
    if (path && take(path, key, rows->count, out->data.width, out)) {
        LOG_INFO("%s: features of %zu rows taken from an earlier run", path, rows->count);
        return MIEN_OK;
    }
    memset(out->first, 0, (rows->count + 1) * sizeof(*out->first));
    TRY(make(model, rows, frames, progress, user, out));
    if (path)
        TRY(write_kept(out, rows->count, key, path));
    return MIEN_OK;
fail:
    use_features_clear(out);
    return status;
}

void use_features_clear(struct use_features *features)
{
    base_free(features->first);
    base_free(features->values);
    *features = (struct use_features){0};
}
