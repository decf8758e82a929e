/* image_check.h: inside data: what stb_image does not check about a file. */
#ifndef DATA_IMAGE_CHECK_H
#define DATA_IMAGE_CHECK_H

#include "mien/common.h"

/* Looks through a PNG or JPEG without decoding: chunk checksums and order, segment lengths, the end marker.
 * True when whole, with *orientation (EXIF, 1 to 8; 1 when there is none); else *why is a phrase (static storage). */
bool image_check(const void *data, size_t size, int *orientation, const char **why);

#endif
