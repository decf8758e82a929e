/* thumbnail.h: a small copy of a picture, for pages. */
#ifndef DATA_THUMBNAIL_H
#define DATA_THUMBNAIL_H

#include "mien/common.h"

/* The picture, turned as its EXIF orientation says and cut to box (x, y, width, height; NULL = all of it), as a PNG
 * file in memory whose longer side is `side` pixels at most; a smaller one is not enlarged. Nothing else that the file
 * holds (place, camera, comments) is kept. Free *png with data_png_free (data/png_write.h). Errors as
 * data_image_read. */
enum mien_status data_thumbnail(const char *path, const int32_t *box, uint32_t side, unsigned char **png, size_t *size);

#endif
