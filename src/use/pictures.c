/* pictures.c: embeddings of picture files, pixels and clips: the next block is decoded while the device works on this
 * one. */
#include "data/frames.h"
#include "use/use.h"

#include <string.h>

/* Pictures of a block: the encoder's largest batch. Two blocks bound the memory for pixels. */
enum { BLOCK = 32, MOST_SIDE = 65536 };

struct block {
    const struct stream *stream;
    size_t first;
    uint32_t count;
    float *pixels; /* [BLOCK,3,R,R] */
    enum mien_status status[BLOCK];
};

/* One call's work. */
struct stream {
    const struct mien_model *model;
    const struct mien_image *images;
    size_t count;
    const struct mien_embed_params *params;
    uint32_t flags;
    struct block blocks[2];
};

/* ---- one picture ---- */

/* Bytes of a pixel, and which of them are what. */
static const struct layout {
    uint8_t bytes, red, green, blue;
    bool alpha; /* in byte 3 */
} layouts[] = {
    [MIEN_RGB] = {3, 0, 1, 2, false},
    [MIEN_RGBA] = {4, 0, 1, 2, true},
    [MIEN_BGRA] = {4, 2, 1, 0, true},
    [MIEN_BGRX] = {4, 2, 1, 0, false},
};

static enum mien_status check_picture(const struct mien_image *image, size_t i)
{
    enum mien_status status = MIEN_OK;
    if (image->path)
        return MIEN_OK;
    FAIL_IF(!image->pixels, MIEN_ERR_ARG, "picture %zu has neither a path nor pixels", i);
    FAIL_IF(image->width == 0 || image->height == 0 || image->width > MOST_SIDE || image->height > MOST_SIDE,
            MIEN_ERR_ARG, "picture %zu: %ux%u pixels; sides from 1 to %d are possible", i, image->width, image->height,
            MOST_SIDE);
    FAIL_IF((size_t)image->format >= BASE_COUNT(layouts), MIEN_ERR_ARG, "picture %zu: %d is none of enum mien_pixels",
            i, (int)image->format);
    FAIL_IF(image->stride && image->stride < (size_t)image->width * layouts[image->format].bytes, MIEN_ERR_ARG,
            "picture %zu: a stride of %zu bytes does not hold a row of %u pixels of %d bytes", i, image->stride,
            image->width, layouts[image->format].bytes);
fail:
    return status;
}

/* The part of the caller's pixels that is looked at, rows packed; with the alpha where that is dropped later. */
static enum mien_status copy_pixels(const struct mien_image *from, bool keep_alpha, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    const struct layout *layout = &layouts[from->format];
    size_t stride = from->stride ? from->stride : (size_t)from->width * layout->bytes;
    const int32_t *b = from->box;
    int64_t x = 0, y = 0, w = from->width, h = from->height;
    if (from->has_box) {
        FAIL_IF(b[0] < 0 || b[1] < 0 || b[2] < 1 || b[3] < 1 || (int64_t)b[0] + b[2] > w || (int64_t)b[1] + b[3] > h,
                MIEN_ERR_DATA, "box %d,%d,%d,%d does not lie inside the picture's %ux%u pixels", b[0], b[1], b[2], b[3],
                from->width, from->height);
        x = b[0];
        y = b[1];
        w = b[2];
        h = b[3];
    }
    *out = (struct data_image){
        .width = (uint32_t)w, .height = (uint32_t)h, .channels = layout->alpha && keep_alpha ? 4 : 3};
    out->pixels = base_alloc((size_t)w * (size_t)h, out->channels);
    FAIL_IF_NULL(out->pixels, "pixels");
    unsigned char *to = out->pixels;
    for (int64_t row = 0; row < h; row++) {
        const unsigned char *pixel = from->pixels + (size_t)(y + row) * stride + (size_t)x * layout->bytes;
        for (int64_t i = 0; i < w; i++, pixel += layout->bytes, to += out->channels) {
            to[0] = pixel[layout->red];
            to[1] = pixel[layout->green];
            to[2] = pixel[layout->blue];
            if (out->channels == 4)
                to[3] = pixel[3];
        }
    }
fail:
    return status;
}

static enum mien_status read_file(const struct stream *s, const struct mien_image *from, struct data_image *out)
{
    struct data_image_params p = {.max_pixels = s->params->max_pixels,
                                  .ignore_exif = s->flags & MIEN_NO_EXIF,
                                  .keep_alpha = !s->model->preprocess.rgb_first,
                                  .has_box = from->has_box};
    memcpy(p.box, from->box, sizeof(p.box));
    return data_image_read(from->path, &p, out);
}

static void read_one(void *user, uint32_t i)
{
    struct block *b = user;
    const struct stream *s = b->stream;
    const struct mien_image *from = &s->images[b->first + i];
    size_t side = s->model->preprocess.crop;
    float *to = b->pixels + i * 3 * side * side;
    struct data_image image = {0};
    b->status[i] = from->path ? read_file(s, from, &image) : copy_pixels(from, !s->model->preprocess.rgb_first, &image);
    if (b->status[i] == MIEN_OK)
        b->status[i] = data_preprocess_image(&image, &s->model->preprocess, to);
    if (b->status[i] != MIEN_OK)
        memset(to, 0, 3 * side * side * sizeof(*to));
    data_image_free(&image);
}

/* ---- blocks ---- */

static void read_block(void *user)
{
    struct block *b = user;
    struct base_trace *trace = vk_device_trace(b->stream->model->device);
    uint64_t began = base_trace_now(trace);
    base_parallel_for(b->stream->params->threads, b->count, read_one, b);
    base_trace_span(trace, BASE_TRACK_IMAGES, "read pictures", NULL, began);
}

static void aim(const struct stream *s, struct block *b, size_t first)
{
    b->stream = s;
    b->first = first;
    b->count = (uint32_t)BASE_MIN(s->count - first, (size_t)BLOCK);
}

/* The first failure of a block that ends the call: a bad picture does only when nobody takes note of it. */
static enum mien_status check_block(const struct stream *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        bool bad = b->status[i] == MIEN_ERR_DATA || b->status[i] == MIEN_ERR_IO;
        if (b->status[i] != MIEN_OK && !(bad && s->params->ok))
            return b->status[i];
    }
    return MIEN_OK;
}

/* out [b->count,E] */
static enum mien_status encode_block(struct mien_model *model, const struct stream *s, const struct block *b,
                                     float *out)
{
    uint32_t embed = model->nn->config.embed;
    enum mien_status status = nn_encode_images(model->encoder, b->pixels, b->count, out);
    if (status != MIEN_OK)
        return status;
    if (!(s->flags & MIEN_RAW))
        nn_normalise_rows(out, b->count, embed);
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->status[i] != MIEN_OK)
            memset(out + (size_t)i * embed, 0, embed * sizeof(*out));
        if (s->params->ok)
            s->params->ok[b->first + i] = b->status[i] == MIEN_OK;
    }
    return MIEN_OK;
}

/* Encodes `now` while another thread reads `next`, when there is a next one. */
static enum mien_status overlap(struct mien_model *model, const struct stream *s, const struct block *now,
                                struct block *next, float *out)
{
    enum mien_status status = MIEN_OK;
    struct base_thread *reader = NULL;
    TRY(check_block(s, now));
    if (next)
        TRY(base_thread_start(&reader, read_block, next));
    TRY(encode_block(model, s, now, out));
fail:
    base_thread_join(&reader);
    return status;
}

static enum mien_status run(struct mien_model *model, struct stream *s, float *out)
{
    enum mien_status status = MIEN_OK;
    size_t side = model->preprocess.crop, room = BASE_MIN(s->count, (size_t)BLOCK) * 3 * side * side;
    for (size_t i = 0; i < (s->count > BLOCK ? 2 : 1); i++) {
        s->blocks[i].pixels = base_alloc(room, sizeof(float));
        FAIL_IF_NULL(s->blocks[i].pixels, "pixels");
    }
    aim(s, &s->blocks[0], 0);
    read_block(&s->blocks[0]);
    for (size_t first = 0, turn = 0; first < s->count; first += BLOCK, turn = !turn) {
        struct block *now = &s->blocks[turn], *next = NULL;
        if (first + BLOCK < s->count) {
            next = &s->blocks[!turn];
            aim(s, next, first + BLOCK);
        }
        TRY(overlap(model, s, now, next, out + first * model->nn->config.embed));
        if (s->params->progress)
            s->params->progress(s->params->user, first + now->count, s->count);
    }
fail:
    base_free(s->blocks[0].pixels);
    base_free(s->blocks[1].pixels);
    return status;
}

enum mien_status mien_model_embed_pictures(struct mien_model *model, const struct mien_image *images, size_t count,
                                           const struct mien_embed_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params own;
    struct stream stream = {.model = model, .images = images, .count = count, .params = &own};
    NEED(model && (!count || (images && out)));
    TRY(SIZED_READ(&own, params));
    stream.flags = stream.params->flags;
    for (size_t i = 0; i < count; i++)
        TRY(check_picture(&images[i], i));
    if (count)
        TRY(run(model, &stream, out));
fail:
    return use_ended(model, status);
}

enum mien_status mien_model_embed_images(struct mien_model *model, const char *const *paths, size_t count,
                                         uint32_t flags, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params params = {.size = sizeof(params), .flags = flags};
    struct mien_image *images = NULL;
    NEED(model && (!count || (paths && out)));
    images = base_alloc(count + 1, sizeof(*images));
    FAIL_IF_NULL(images, "a list of pictures");
    for (size_t i = 0; i < count; i++) {
        FAIL_IF(!paths[i], MIEN_ERR_ARG, "mien_model_embed_images: path %zu is NULL", i);
        images[i].path = paths[i];
    }
    TRY(mien_model_embed_pictures(model, images, count, &params, out));
fail:
    base_free(images);
    return use_ended(model, status);
}
