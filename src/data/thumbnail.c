/* thumbnail.c: a small copy of a picture. */
#include "data/thumbnail.h"

#include "base/base.h"
#include "data/png_write.h"
#include "data/preprocess.h"

#include <string.h>

/* `part` of `whole`, of `side`; at least one pixel. */
static uint32_t scaled(uint32_t side, uint32_t part, uint32_t whole)
{
    uint64_t size = ((uint64_t)side * part + whole / 2) / whole;
    return size ? (uint32_t)size : 1;
}

enum mien_status data_thumbnail(const char *path, const int32_t *box, uint32_t side, unsigned char **png, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct data_image image = {0};
    struct data_image_params params = {.has_box = box != NULL};
    unsigned char *rgb = NULL;
    *png = NULL;
    *size = 0;
    if (box)
        memcpy(params.box, box, sizeof(params.box));
    TRY(data_image_read(path, &params, &image));
    uint32_t longer = BASE_MAX(image.width, image.height);
    uint32_t width = longer > side ? scaled(side, image.width, longer) : image.width;
    uint32_t height = longer > side ? scaled(side, image.height, longer) : image.height;
    struct data_view view = data_view_of(&image);
    rgb = base_alloc((size_t)width * height, 3);
    FAIL_IF_NULL(rgb, "a small picture");
    TRY(data_resize_pil(&view, width, height, (struct data_window){0, 0, width, height}, NULL, rgb));
    TRY(data_png_encode(rgb, width, height, png, size));
fail:
    base_free(rgb);
    data_image_free(&image);
    return status;
}
