/* image.c: decoding, turning, cutting out. */
#include "data/image.h"

#include "base/base.h"
#include "data/image_check.h"
#include "data/libjpeg.h"
#include "data/stb.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 512 << 20 }; /* bytes */

void data_image_free(struct data_image *image)
{
    if (!image)
        return;
    free(image->pixels);
    *image = (struct data_image){0};
}

/* The pixels that are there, as a picture of their own. */
struct grid {
    uint32_t shrink, columns, rows;
};

static struct grid grid_of(const struct data_image *image)
{
    return image->shrink ? (struct grid){image->shrink, image->columns, image->rows}
                         : (struct grid){1, image->width, image->height};
}

size_t data_image_size(const struct data_image *image)
{
    struct grid g = grid_of(image);
    return (size_t)g.columns * g.rows * image->channels;
}

/* EXIF's orientations: 2 mirrored, 3 upside down, 4 both; 5 to 8 the same with rows and columns exchanged first. Where
 * pixel (x, y) of the turned picture lies in the stored one. */
static size_t source_of(int orientation, uint32_t x, uint32_t y, uint32_t stored_w, uint32_t stored_h)
{
    uint32_t sx = orientation >= 5 ? y : x, sy = orientation >= 5 ? x : y;
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    sx = mirror_x ? stored_w - 1 - sx : sx;
    sy = mirror_y ? stored_h - 1 - sy : sy;
    return (size_t)sy * stored_w + sx;
}

/* What a smaller picture's size and place become: what its last pixels have beyond the edge comes to the front where
 * they do. */
static void turn_place(struct data_image *image, const struct grid *g, int orientation)
{
    uint32_t beyond_x = g->columns * g->shrink - image->width - image->left;
    uint32_t beyond_y = g->rows * g->shrink - image->height - image->top;
    uint32_t left = image->left, top = image->top;
    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        left = beyond_x;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        top = beyond_y;
    image->left = orientation >= 5 ? top : left;
    image->top = orientation >= 5 ? left : top;
    image->columns = orientation >= 5 ? g->rows : g->columns;
    image->rows = orientation >= 5 ? g->columns : g->rows;
}

static enum mien_status turn(const char *path, struct data_image *image, int orientation)
{
    struct grid g = grid_of(image);
    uint32_t w = g.columns, h = g.rows, c = image->channels;
    if (orientation == 1)
        return MIEN_OK;
    unsigned char *pixels = malloc((size_t)w * h * c), *to = pixels;
    if (!pixels)
        return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory for %ux%u pixels", path, w, h);
    for (uint32_t y = 0; y < (orientation >= 5 ? w : h); y++)
        for (uint32_t x = 0; x < (orientation >= 5 ? h : w); x++, to += c)
            memcpy(to, image->pixels + source_of(orientation, x, y, w, h) * c, c);
    free(image->pixels);
    image->pixels = pixels;
    if (image->shrink)
        turn_place(image, &g, orientation);
    if (orientation >= 5) {
        uint32_t width = image->width;
        image->width = image->height;
        image->height = width;
    }
    return MIEN_OK;
}

/* What of a box lies inside the picture: a detector's may stick out. False: nothing does. */
static bool clip(uint32_t width, uint32_t height, const int32_t b[4], int64_t out[4])
{
    int64_t right = BASE_MIN((int64_t)b[0] + b[2], (int64_t)width);
    int64_t bottom = BASE_MIN((int64_t)b[1] + b[3], (int64_t)height);
    out[0] = BASE_MAX(b[0], 0);
    out[1] = BASE_MAX(b[1], 0);
    out[2] = right - out[0];
    out[3] = bottom - out[1];
    return out[2] >= 1 && out[3] >= 1;
}

static enum mien_status clip_box(const char *path, uint32_t width, uint32_t height, const int32_t b[4], int64_t out[4])
{
    if (!clip(width, height, b, out))
        return base_fail(MIEN_ERR_DATA, "%s: box %d,%d,%d,%d does not lie inside the picture's %ux%u pixels", path,
                         b[0], b[1], b[2], b[3], width, height);
    return MIEN_OK;
}

enum mien_status data_image_cut(const char *path, struct data_image *image, const int32_t box[4])
{
    int64_t b[4];
    enum mien_status status = clip_box(path, image->width, image->height, box, b);
    if (status != MIEN_OK)
        return status;
    struct grid g = grid_of(image);
    size_t x = (size_t)(image->left + b[0]), y = (size_t)(image->top + b[1]);
    size_t first = x / g.shrink, columns = (x + (size_t)b[2] + g.shrink - 1) / g.shrink - first;
    size_t first_row = y / g.shrink, rows = (y + (size_t)b[3] + g.shrink - 1) / g.shrink - first_row;
    size_t row = columns * image->channels, stride = (size_t)g.columns * image->channels;
    for (size_t i = 0; i < rows; i++) /* towards the front: never over what is still needed */
        memmove(image->pixels + i * row, image->pixels + (first_row + i) * stride + first * image->channels, row);
    image->width = (uint32_t)b[2];
    image->height = (uint32_t)b[3];
    if (image->shrink) {
        image->columns = (uint32_t)columns;
        image->rows = (uint32_t)rows;
        image->left = (uint32_t)(x % g.shrink);
        image->top = (uint32_t)(y % g.shrink);
    }
    return MIEN_OK;
}

/* What decoding may take, before it takes it. */
static enum mien_status check_cost(const char *path, const struct image_head *head, uint64_t most)
{
    enum mien_status status = MIEN_OK;
    uint64_t pixels = (uint64_t)head->width * head->height, memory = image_memory(head);
    uint64_t most_memory = BASE_MAX(most, (uint64_t)DATA_MOST_PIXELS) * DATA_BYTES_A_PIXEL;
    FAIL_IF(pixels > most, MIEN_ERR_DATA, "%s: %ux%u pixels are more than the limit of %llu; make the picture smaller",
            path, head->width, head->height, (unsigned long long)most);
    FAIL_IF(head->scans > DATA_MOST_SCANS || head->scans * pixels > DATA_MOST_SCANNED, MIEN_ERR_DATA,
            "%s: %u scans of %ux%u pixels are more than the limits of %d scans and %lld million pixels in all; save it "
            "as baseline JPEG",
            path, head->scans, head->width, head->height, DATA_MOST_SCANS, DATA_MOST_SCANNED / 1000000);
    FAIL_IF(memory > most_memory, MIEN_ERR_DATA,
            "%s: decoding %ux%u pixels of this form takes %llu MB, more than the limit of %llu; %s", path, head->width,
            head->height, (unsigned long long)memory / 1000000, (unsigned long long)most_memory / 1000000,
            head->jpeg ? "save it as baseline JPEG, or make it smaller"
                       : "save it with 8 bits a channel and without interlacing, or make it smaller");
fail:
    return status;
}

/* How much smaller a JPEG may be decoded. */
static uint32_t choose_shrink(const struct image_head *head, const struct data_image_params *p)
{
    bool lies = !p->ignore_exif && head->orientation >= 5;
    int64_t box[4] = {0, 0, lies ? head->height : head->width, lies ? head->width : head->height};
    uint32_t shrink = 1;
    if (p->has_box && !clip((uint32_t)box[2], (uint32_t)box[3], p->box, box))
        return 1; /* is refused when it is cut */
    while (p->draft && shrink < 8 && BASE_MIN(box[2], box[3]) / (2 * shrink) >= (int64_t)DATA_DRAFT_KEEP * p->draft)
        shrink *= 2;
    return shrink;
}

enum mien_status data_image_decode(const char *path, const void *data, size_t size,
                                   const struct data_image_params *params, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    struct data_image_params p = params ? *params : (struct data_image_params){0};
    struct data_image image = {0};
    struct image_head head;
    const char *why = NULL;
    *out = image;
    FAIL_IF(size == 0, MIEN_ERR_DATA, "%s: the file is empty", path);
    FAIL_IF(!image_check(data, size, &head, &why), MIEN_ERR_DATA, "%s: %s", path, why);
    TRY(check_cost(path, &head, p.max_pixels ? p.max_pixels : DATA_MOST_PIXELS));
    if (head.jpeg && data_jpeg_library() && !p.plain_jpeg)
        TRY(data_jpeg_decode(path, data, size, &head, choose_shrink(&head, &p), &image));
    else
        TRY(data_stb_decode(path, data, size, p.keep_alpha, &head, &image));
    TRY(turn(path, &image, p.ignore_exif ? 1 : head.orientation));
    if (p.has_box)
        TRY(data_image_cut(path, &image, p.box));
    *out = image;
    return MIEN_OK;
fail:
    data_image_free(&image);
    return status;
}

enum mien_status data_image_read(const char *path, const struct data_image_params *params, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    char *data = NULL;
    size_t size;
    *out = (struct data_image){0};
    TRY(base_file_read(path, MAX_FILE, &data, &size));
    TRY(data_image_decode(path, data, size, params, out));
fail:
    base_free(data);
    return status;
}

/* ---- from memory ---- */

uint32_t data_pixel_size(enum mien_pixel_format format)
{
    return format == MIEN_PIXELS_RGB ? 3 : 4;
}

/* One row of `width` pixels as RGB, or RGB and alpha. */
static void copy_row(const unsigned char *from, enum mien_pixel_format format, uint32_t width, uint32_t channels,
                     unsigned char *to)
{
    uint32_t step = data_pixel_size(format), red = format == MIEN_PIXELS_BGRA || format == MIEN_PIXELS_BGRX ? 2 : 0;
    for (uint32_t x = 0; x < width; x++, from += step, to += channels) {
        to[0] = from[red];
        to[1] = from[1];
        to[2] = from[2 - red];
        if (channels == 4)
            to[3] = from[3];
    }
}

static const char *name_of(const struct data_source *source)
{
    return source->name ? source->name : "a picture in memory";
}

/* The part of the caller's pixels that is looked at. */
static enum mien_status copy_pixels(const struct data_source *from, const struct data_image_params *params,
                                    struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    bool alpha = params->keep_alpha && (from->format == MIEN_PIXELS_RGBA || from->format == MIEN_PIXELS_BGRA);
    uint32_t step = data_pixel_size(from->format), channels = alpha ? 4 : 3;
    size_t stride = from->stride ? from->stride : (size_t)from->width * step;
    int32_t whole[4] = {0, 0, (int32_t)from->width, (int32_t)from->height};
    int64_t box[4];
    TRY(clip_box(name_of(from), from->width, from->height, params->has_box ? params->box : whole, box));
    *out = (struct data_image){(uint32_t)box[2], (uint32_t)box[3], channels, NULL};
    out->pixels = malloc((size_t)out->width * out->height * channels); /* as data_image_free expects */
    FAIL_IF_NULL(out->pixels, "pixels");
    for (uint32_t y = 0; y < out->height; y++)
        copy_row(from->pixels + ((size_t)box[1] + y) * stride + (size_t)box[0] * step, from->format, out->width,
                 channels, out->pixels + (size_t)y * out->width * channels);
fail:
    if (status != MIEN_OK)
        *out = (struct data_image){0};
    return status;
}

enum mien_status data_image_load(const struct data_source *source, const struct data_image_params *params,
                                 struct data_image *out)
{
    static const struct data_image_params defaults;
    if (source->path)
        return data_image_read(source->path, params, out);
    if (source->bytes)
        return data_image_decode(name_of(source), source->bytes, source->size, params, out);
    return copy_pixels(source, params ? params : &defaults, out);
}
