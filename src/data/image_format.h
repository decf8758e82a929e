/* image_format.h: inside data: what a file is that should have been a picture. */
#ifndef DATA_IMAGE_FORMAT_H
#define DATA_IMAGE_FORMAT_H

#include "mien/common.h"

/* What the first bytes of something that is neither PNG nor JPEG say it is, and what to do about it: a phrase for a
 * message (static storage), never NULL. The name of the file means nothing. */
const char *image_format(const void *data, size_t size);

#endif
