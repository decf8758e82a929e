/* stb.h: inside data: the parts of stb_image that are used, behind functions of our own. */
#ifndef DATA_STB_H
#define DATA_STB_H

#include "mien/common.h"

/* Unpacks a gzip file of one member held in memory; length and checksum are verified. `path` for messages. Free *text
 * with data_gunzip_free. */
enum mien_status data_gunzip(const char *path, const char *data, size_t size, char **text, size_t *text_size);
void data_gunzip_free(char *text);

/* Decodes PNG or JPEG. *channels is 3, or 4 when `alpha` is wanted and the file has an alpha channel. 8 bits, rows
 * without padding; free with data_pixels_free. NULL on failure, with *why a phrase (static storage). */
unsigned char *data_pixels_decode(const void *data, size_t size, bool alpha, uint32_t *width, uint32_t *height,
                                  uint32_t *channels, const char **why);
/* Width and height from the file's head; false with *why when it is none of the known formats. */
bool data_pixels_info(const void *data, size_t size, uint32_t *width, uint32_t *height, const char **why);
void data_pixels_free(unsigned char *pixels);

#endif
