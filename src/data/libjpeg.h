/* libjpeg.h: inside data: JPEG by libjpeg-turbo, which Pillow decodes with too; where it was found at build time. */
#ifndef DATA_LIBJPEG_H
#define DATA_LIBJPEG_H

#include "data/image.h"
#include "data/image_check.h"

/* "libjpeg-turbo 2.1.5"; NULL where it is not in this build, and data_jpeg_decode may not be called. */
const char *data_jpeg_library(void);

/* RGB into *out, which is empty before and stays so on failure; as Pillow's convert("RGB"), to the bit. `head` is what
 * image_check found; shrink 1, 2, 4 or 8: the picture is decoded at 1/shrink. MIEN_ERR_DATA, logged with `path`, also
 * for what libjpeg only warns of and would fill in. */
enum mien_status data_jpeg_decode(const char *path, const void *data, size_t size, const struct image_head *head,
                                  uint32_t shrink, struct data_image *out);

#endif
