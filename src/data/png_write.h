/* png_write.h: inside data: pixels to PNG files. */
#ifndef DATA_PNG_WRITE_H
#define DATA_PNG_WRITE_H

#include "mien/common.h"

/* rgb [height, width, 3] as a PNG file in memory; the same pixels give the same bytes. Free *out with data_png_free.
 * MIEN_ERR_NOMEM. */
enum mien_status data_png_encode(const unsigned char *rgb, uint32_t width, uint32_t height, unsigned char **out,
                                 size_t *size);
void data_png_free(unsigned char *png);

#endif
