/* row_image.c: a row's picture. */
#include "data/row_image.h"

#include <string.h>

enum mien_status data_row_image(const struct data_row *row, bool ignore_exif, bool keep_alpha, struct data_image *out)
{
    struct data_image_params params = {.ignore_exif = ignore_exif, .keep_alpha = keep_alpha, .has_box = row->has_box};
    memcpy(params.box, row->box, sizeof(params.box));
    if (!row->bytes)
        return data_image_load(&(struct data_source){.path = row->image}, &params, out);
    if (!row->bytes->data)
        return base_fail(MIEN_ERR_DATA, "%s: the sample has no picture", row->image);
    return data_image_load(
        &(struct data_source){.name = row->image, .bytes = row->bytes->data, .size = row->bytes->size}, &params, out);
}
