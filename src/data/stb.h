/* stb.h: inside data: the parts of stb_image that are used, behind functions of our own. */
#ifndef DATA_STB_H
#define DATA_STB_H

#include "data/image.h"
#include "data/image_check.h"

/* Unpacks a gzip file of one member held in memory; length and checksum are verified. `path` for messages. Free *text
 * with data_gunzip_free. */
enum mien_status data_gunzip(const char *path, const char *data, size_t size, char **text, size_t *text_size);
void data_gunzip_free(char *text);

/* Decodes PNG or JPEG into *out, which is empty before and stays so on failure. 3 channels, or 4 when `alpha` is wanted
 * and the file has an alpha channel. `head` is what image_check found. */
enum mien_status data_stb_decode(const char *path, const void *data, size_t size, bool alpha,
                                 const struct image_head *head, struct data_image *out);

#endif
