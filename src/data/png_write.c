/* png_write.c: the one file that compiles stb_image_write. */
#include "data/png_write.h"

#include "base/base.h"

#include <stdlib.h>

#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) ((void)(x))
#define STB_IMAGE_WRITE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

enum mien_status data_png_encode(const unsigned char *rgb, uint32_t width, uint32_t height, unsigned char **out,
                                 size_t *size)
{
    int length = 0;
    *size = 0;
    *out = stbi_write_png_to_mem(rgb, (int)width * 3, (int)width, (int)height, 3, &length);
    if (!*out)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a PNG file of %u x %u pixels", width, height);
    *size = (size_t)length;
    return MIEN_OK;
}

void data_png_free(unsigned char *png)
{
    free(png);
}
