/* convert_write.c: the tensors of a conversion, made one at a time while the file is written. */
#include "io/convert.h"

#include "io/positions.h"

#include <string.h>

/* The tensor under way: its elements, and the source's where they lie in another form. */
struct making {
    const struct io_conversion *c;
    float *values, *source;
    size_t index; /* SIZE_MAX = none */
    size_t done;  /* tensors made */
    mien_progress_fn progress;
    void *user;
};

/* in [columns, rows] -> out [rows, columns] */
static void transpose(const float *in, uint64_t rows, uint64_t columns, float *out)
{
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t j = 0; j < columns; j++)
            out[i * columns + j] = in[j * rows + i];
}

static enum mien_status resize(const struct making *m, const struct io_clip_tensor *want)
{
    const struct io_clip_config *from = &m->c->from, *to = &m->c->config;
    if (strcmp(want->name, IO_CLIP_VISION_POSITIONS) == 0)
        return io_positions_grid(m->source, from->vision.image / from->vision.patch,
                                 to->vision.image / to->vision.patch, to->vision.tower.width, m->values);
    io_positions_text(m->source, from->text.context, to->text.context, to->text.tower.width, m->values);
    return MIEN_OK;
}

static enum mien_status make(const struct making *m, const struct io_clip_tensor *want)
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor *t = io_conversion_source(m->c, want);
    enum io_clip_form form = m->c->naming == IO_NAMING_HF ? IO_CLIP_SAME : want->form;
    if (form >= IO_CLIP_Q)
        return io_tensor_read_f32(t, (uint64_t)(form - IO_CLIP_Q) * want->count, want->count, m->values);
    if (form == IO_CLIP_SAME && t->count == want->count)
        return io_tensor_read_f32(t, 0, t->count, m->values);
    TRY(io_tensor_read_f32(t, 0, t->count, m->source));
    if (form == IO_CLIP_TRANSPOSED)
        transpose(m->source, want->dims[0], want->dims[1], m->values);
    else
        TRY(resize(m, want));
    TRY(io_check_finite(t->file, want->name, 0, m->values, want->count));
fail:
    return status;
}

/* Bytes [offset, offset+size) of tensor `index` of the list. */
static enum mien_status fill(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    enum mien_status status = MIEN_OK;
    struct making *m = user;
    const struct io_clip_tensor *want = &m->c->list.items[index];
    if (m->index != index) {
        TRY(make(m, want));
        m->index = index;
        TRY(base_progress(m->progress, m->user, ++m->done, m->c->list.count));
    }
    if (m->c->dtype == IO_F32) {
        memcpy(buffer, (const char *)m->values + offset, size);
        return MIEN_OK;
    }
    TRY(io_narrow(io_weights_path(m->c->weights), want->name, m->c->dtype, m->values + offset / 2, size / 2, buffer));
fail:
    return status;
}

static enum mien_status write_weights(const struct io_conversion *c, const char *dir, mien_progress_fn progress,
                                      void *user)
{
    enum mien_status status = MIEN_OK;
    struct making m = {.c = c, .index = SIZE_MAX, .progress = progress, .user = user};
    uint64_t most = 1, most_source = 1;
    char *path = base_path_join(dir, "model.safetensors");
    struct io_tensor_out *out = base_alloc(c->list.count, sizeof(*out));
    FAIL_IF(!path || !out, MIEN_ERR_NOMEM, "%s: out of host memory for a conversion", dir);
    for (size_t i = 0; i < c->list.count; i++) {
        const struct io_clip_tensor *want = &c->list.items[i];
        out[i] = (struct io_tensor_out){.name = want->name, .dtype = c->dtype, .rank = want->rank};
        memcpy(out[i].dims, want->dims, sizeof(want->dims));
        most = BASE_MAX(most, want->count);
        if (want->form == IO_CLIP_TRANSPOSED || io_conversion_source(c, want)->count != want->count)
            most_source = BASE_MAX(most_source, io_conversion_source(c, want)->count);
    }
    m.values = base_alloc(most, sizeof(float));
    m.source = base_alloc(most_source, sizeof(float));
    FAIL_IF(!m.values || !m.source, MIEN_ERR_NOMEM, "%s: out of host memory for a conversion", dir);
    TRY(io_safetensors_write(path, out, c->list.count, NULL, fill, &m));
fail:
    base_free(path);
    base_free(out);
    base_free(m.values);
    base_free(m.source);
    return status;
}

/* config.json says in which type the weights are stored. */
static enum mien_status write_config(const struct io_conversion *c, const char *dir)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    char *path = base_path_join(dir, "config.json");
    FAIL_IF_NULL(path, dir);
    TRY(io_clip_config_write(dir, &c->config, c->extra));
    if (c->dtype == IO_F32)
        goto fail;
    TRY(base_json_read(path, &json));
    cJSON *word = cJSON_CreateString(c->dtype == IO_F16 ? "float16" : "bfloat16");
    FAIL_IF(!word || !base_json_replace(json, "torch_dtype", word), MIEN_ERR_NOMEM, "%s: out of host memory", path);
    TRY(io_write_json(dir, "config.json", json));
fail:
    cJSON_Delete(json);
    base_free(path);
    return status;
}

enum mien_status io_conversion_write(const struct io_conversion *c, const char *dir, mien_progress_fn progress,
                                     void *user)
{
    enum mien_status status = MIEN_OK;
    TRY(write_config(c, dir));
    TRY(io_preprocess_write(dir, &c->preprocess));
    TRY(write_weights(c, dir, progress, user));
fail:
    return status;
}
