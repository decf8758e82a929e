/* row_image.h: the picture of a manifest's row, for training, validation and packs. */
#ifndef DATA_ROW_IMAGE_H
#define DATA_ROW_IMAGE_H

#include "data/image.h"
#include "data/manifest.h"

/* row->image by data_image_load, cut to the row's box, whatever box params have. */
enum mien_status data_row_image(const struct data_row *row, const struct data_image_params *params,
                                struct data_image *out);

#endif
