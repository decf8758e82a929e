/* image.c: decoding, turning, cutting out. */
#include "data/image.h"

#include "base/base.h"
#include "data/image_check.h"
#include "data/stb.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 512 << 20 }; /* bytes */

void data_image_free(struct data_image *image)
{
    if (!image)
        return;
    data_pixels_free(image->pixels);
    *image = (struct data_image){0};
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

static enum mien_status turn(const char *path, struct data_image *image, int orientation)
{
    uint32_t w = image->width, h = image->height, c = image->channels;
    if (orientation == 1)
        return MIEN_OK;
    struct data_image turned = {orientation >= 5 ? h : w, orientation >= 5 ? w : h, c, malloc((size_t)w * h * c)};
    if (!turned.pixels)
        return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory for %ux%u pixels", path, w, h);
    unsigned char *to = turned.pixels;
    for (uint32_t y = 0; y < turned.height; y++)
        for (uint32_t x = 0; x < turned.width; x++, to += c)
            memcpy(to, image->pixels + source_of(orientation, x, y, w, h) * c, c);
    data_image_free(image);
    *image = turned;
    return MIEN_OK;
}

enum mien_status data_image_cut(const char *path, struct data_image *image, const int32_t box[4])
{
    int64_t x = box[0], y = box[1], w = box[2], h = box[3];
    if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > image->width || y + h > image->height)
        return base_fail(MIEN_ERR_DATA, "%s: box %d,%d,%d,%d does not lie inside the picture's %ux%u pixels", path,
                         box[0], box[1], box[2], box[3], image->width, image->height);
    size_t row = (size_t)w * image->channels, stride = (size_t)image->width * image->channels;
    for (int64_t i = 0; i < h; i++) /* towards the front: never over what is still needed */
        memmove(image->pixels + (size_t)i * row, image->pixels + (size_t)(y + i) * stride + (size_t)x * image->channels,
                row);
    image->width = (uint32_t)w;
    image->height = (uint32_t)h;
    return MIEN_OK;
}

enum mien_status data_image_decode(const char *path, const void *data, size_t size,
                                   const struct data_image_params *params, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    struct data_image_params p = params ? *params : (struct data_image_params){0};
    uint64_t most = p.max_pixels ? p.max_pixels : DATA_MOST_PIXELS;
    struct data_image image = {0};
    const char *why = NULL;
    int orientation = 1;
    *out = image;
    FAIL_IF(size == 0, MIEN_ERR_DATA, "%s: the file is empty", path);
    FAIL_IF(!image_check(data, size, &orientation, &why), MIEN_ERR_DATA, "%s: %s", path, why);
    FAIL_IF(!data_pixels_info(data, size, &image.width, &image.height, &why), MIEN_ERR_DATA, "%s: %s", path, why);
    FAIL_IF((uint64_t)image.width * image.height > most, MIEN_ERR_DATA,
            "%s: %ux%u pixels are more than the limit of %llu; make the picture smaller", path, image.width,
            image.height, (unsigned long long)most);
    image.pixels = data_pixels_decode(data, size, p.keep_alpha, &image.width, &image.height, &image.channels, &why);
    FAIL_IF(!image.pixels, MIEN_ERR_DATA, "%s: cannot be decoded (%s)", path, why);
    TRY(turn(path, &image, p.ignore_exif ? 1 : orientation));
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
