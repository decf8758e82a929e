/* rows.c: the rows of a split, and their images' embeddings. */
#include "use/rows.h"

#include <string.h>

enum { BLOCK = 128 }; /* images read and embedded at a time */

static const struct {
    const char *name;
    enum data_split split;
    bool absent_too;
} splits[] = {{"test", DATA_SPLIT_TEST, false},
              {"val", DATA_SPLIT_VAL, false},
              {"all", DATA_SPLIT_NONE, true},
              {"train", DATA_SPLIT_TRAIN, false}};

static enum mien_status select_split(struct use_rows *r, size_t which, bool (*usable)(const struct data_row *row))
{
    size_t kept = 0;
    base_free(r->rows);
    r->rows = NULL;
    enum mien_status status =
        data_manifest_select(r->manifest, splits[which].split, splits[which].absent_too, &r->rows, &r->count);
    if (status != MIEN_OK)
        return status;
    for (size_t i = 0; i < r->count; i++) {
        if (usable(&r->manifest->rows[r->rows[i]]))
            r->rows[kept++] = r->rows[i];
    }
    r->count = kept;
    r->split = splits[which].name;
    return MIEN_OK;
}

enum mien_status use_rows_read(const char *manifest, const char *split, bool (*usable)(const struct data_row *row),
                               const char *what, struct use_rows *out)
{
    enum mien_status status = MIEN_OK;
    bool known = !split;
    *out = (struct use_rows){0};
    TRY(data_manifest_read(manifest, &out->manifest));
    /* Nobody means the train split who names none. */
    for (size_t i = 0; i < BASE_COUNT(splits) - (split ? 0 : 1) && out->count == 0; i++) {
        if (split && strcmp(split, splits[i].name) != 0)
            continue;
        known = true;
        TRY(select_split(out, i, usable));
    }
    FAIL_IF(!known, MIEN_ERR_ARG, "unknown split \"%s\"; it is one of: train, val, test, all", split);
    FAIL_IF(out->count == 0, MIEN_ERR_DATA, "%s: no %s in split %s", out->manifest->path, what,
            split ? split : "test, val or all");
    return MIEN_OK;
fail:
    use_rows_clear(out);
    return status;
}

void use_rows_clear(struct use_rows *rows)
{
    base_free(rows->rows);
    data_manifest_destroy(&rows->manifest);
    *rows = (struct use_rows){0};
}

/* Rows [first, ...) as long as they are pictures, at most BLOCK, or one clip: unit embeddings to [*n,E]. */
static enum mien_status embed_some(struct mien_model *model, const struct use_rows *rows, size_t first, float *pixels,
                                   float *to, bool *ok, uint32_t *n)
{
    enum mien_status status = MIEN_OK;
    struct base_trace *trace = vk_device_trace(model->device);
    const struct data_row *all = rows->manifest->rows;
    for (*n = 0; *n < BLOCK && first + *n < rows->count && all[rows->rows[first + *n]].image;)
        ++*n;
    if (*n == 0) {
        *n = 1;
        return use_embed_row_clip(model, &all[rows->rows[first]],
                                  &(struct mien_embed_params){.size = sizeof(struct mien_embed_params), .ok = ok}, to);
    }
    uint64_t began = base_trace_now(trace);
    TRY(data_load_images(rows->manifest, rows->rows + first, *n, &model->preprocess, false, 0, pixels, ok));
    base_trace_span(trace, BASE_TRACK_IMAGES, "read pictures", NULL, began);
    TRY(nn_encode_images(model->encoder, pixels, *n, to));
    nn_normalise_rows(to, *n, model->nn->config.embed);
fail:
    return status;
}

enum mien_status use_embed_rows(struct mien_model *model, const struct use_rows *rows, use_progress_fn progress,
                                void *user, float *out, bool *ok)
{
    enum mien_status status = MIEN_OK;
    const struct io_clip_config *c = &model->nn->config;
    uint32_t n = 0;
    size_t image = (size_t)3 * c->vision.image * c->vision.image;
    float *pixels = base_alloc(BASE_MIN(rows->count, (size_t)BLOCK) * image + 1, sizeof(*pixels));
    FAIL_IF_NULL(pixels, "images");
    for (size_t first = 0; first < rows->count; first += n) {
        TRY(embed_some(model, rows, first, pixels, out + first * c->embed, ok + first, &n));
        if (progress)
            progress(user, first + n, rows->count);
    }
fail:
    base_free(pixels);
    return status;
}

double use_dot(const float *a, const float *b, uint32_t width)
{
    double sum = 0;
    for (uint32_t k = 0; k < width; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

void use_mean(const float *rows, size_t count, uint32_t width, float *out)
{
    for (uint32_t k = 0; k < width; k++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)rows[i * width + k];
        out[k] = (float)(sum / (double)count);
    }
}

char *use_copy_text(const char *text)
{
    char *copy = base_alloc(strlen(text) + 1, 1);
    return copy ? strcpy(copy, text) : NULL;
}
