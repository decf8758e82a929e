/* row_image.c: a row's picture. */
#include "data/row_image.h"

#include <string.h>

enum mien_status data_row_image(const struct data_row *row, const struct data_image_params *params,
                                struct data_image *out)
{
    struct data_image_params own = *params;
    own.has_box = row->has_box;
    memcpy(own.box, row->box, sizeof(own.box));
    if (!row->bytes)
        return data_image_load(&(struct data_source){.path = row->image}, &own, out);
    if (!row->bytes->data)
        return base_fail(MIEN_ERR_DATA, "%s: the sample has no picture", row->image);
    return data_image_load(
        &(struct data_source){.name = row->image, .bytes = row->bytes->data, .size = row->bytes->size}, &own, out);
}
