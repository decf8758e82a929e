/* stb.c: the one file that compiles stb_image. Allocations are bounded per call, so that a small file which claims to
 * unpack to gigabytes fails at once. */
#include "data/stb.h"

#include "base/base.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1 << 20 };                       /* tables and buffers beside the pixels */
static _Thread_local size_t largest = SIZE_MAX; /* bytes one allocation may have, for the call under way */

/* Zeroed: a progressive JPEG that lacks a scan would else show what the memory held before. */
static void *bounded_malloc(size_t size)
{
    return size <= largest ? calloc(size, 1) : NULL;
}

static void *bounded_realloc(void *old, size_t size)
{
    return size <= largest ? realloc(old, size) : NULL;
}

/* An empty IDAT chunk at the beginning copies nothing to nowhere, which C leaves undefined. */
static void *copy_bytes(void *to, const void *from, size_t size)
{
    return size ? memcpy(to, from, size) : to;
}

#define memcpy copy_bytes
#define STBI_MALLOC(size) bounded_malloc(size)
#define STBI_REALLOC(pointer, size) bounded_realloc(pointer, size)
#define STBI_FREE(pointer) free(pointer)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS (1 << 20)
#define STBI_ASSERT(x) ((void)(x))
#define STB_IMAGE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#undef memcpy

static uint32_t load_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where the deflate stream of a gzip member begins, or 0 when the header is wrong. */
static size_t gzip_header(const unsigned char *p, size_t size)
{
    enum { HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16 };
    if (size < 18 || p[0] != 0x1F || p[1] != 0x8B || p[2] != 8)
        return 0;
    size_t at = 10;
    if (p[3] & EXTRA)
        at += 2u + p[10] + ((size_t)p[11] << 8);
    for (int bit = NAME; bit <= COMMENT; bit += COMMENT - NAME) {
        if (!(p[3] & bit))
            continue;
        while (at < size && p[at])
            at++;
        at++;
    }
    at += p[3] & HEADER_CRC ? 2 : 0;
    return at + 8 <= size ? at : 0;
}

enum mien_status data_gunzip(const char *path, const char *data, size_t size, char **text, size_t *text_size)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *p = (const unsigned char *)data;
    char *out = NULL;
    int length = 0;
    *text = NULL;
    *text_size = 0;
    size_t start = gzip_header(p, size);
    FAIL_IF(start == 0 || size > INT_MAX, MIEN_ERR_DATA, "%s: not a gzip file", path);
    uint32_t want = load_le32(p + size - 4);
    FAIL_IF(want > INT_MAX / 4, MIEN_ERR_DATA, "%s: %u bytes unpacked are too many", path, want);
    largest = BASE_MAX((size_t)want * 2, (size_t)SMALL); /* the buffer grows by doubling */
    out = stbi_zlib_decode_noheader_malloc(data + start, (int)(size - start - 8), &length);
    largest = SIZE_MAX;
    FAIL_IF(!out || (uint32_t)length != want || base_crc32(0, out, (size_t)length) != load_le32(p + size - 8),
            MIEN_ERR_DATA, "%s: the gzip file is damaged (its checksum does not fit)", path);
    *text = out;
    *text_size = (size_t)length;
    out = NULL;
fail:
    free(out);
    return status;
}

void data_gunzip_free(char *text)
{
    free(text);
}

bool data_pixels_info(const void *data, size_t size, uint32_t *width, uint32_t *height, const char **why)
{
    int w = 0, h = 0, channels = 0;
    if (size > INT_MAX || !stbi_info_from_memory(data, (int)size, &w, &h, &channels) || w <= 0 || h <= 0) {
        *why = size > INT_MAX ? "larger than 2 GiB" : "not a PNG or JPEG image, or one with a broken head";
        return false;
    }
    *width = (uint32_t)w;
    *height = (uint32_t)h;
    return true;
}

/* libjpeg repeats chroma samples when a row has two or fewer of them, where stb_image interpolates. */
static unsigned char *decode_narrow_jpeg(const void *data, size_t size, int *w, int *h, int *n, int wanted)
{
    stbi__context context;
    stbi__start_mem(&context, data, (int)size);
    stbi__jpeg *jpeg = stbi__malloc(sizeof(*jpeg));
    if (!jpeg)
        return NULL;
    jpeg->s = &context;
    stbi__setup_jpeg(jpeg);
    jpeg->resample_row_hv_2_kernel = stbi__resample_row_generic;
    unsigned char *pixels = load_jpeg_image(jpeg, w, h, n, wanted);
    STBI_FREE(jpeg);
    return pixels;
}

unsigned char *data_pixels_decode(const void *data, size_t size, bool alpha, uint32_t *width, uint32_t *height,
                                  uint32_t *channels, const char **why)
{
    int w, h, n, wanted = 3;
    if (!data_pixels_info(data, size, width, height, why))
        return NULL;
    stbi_info_from_memory(data, (int)size, &w, &h, &n);
    if (alpha && (n == 2 || n == 4))
        wanted = 4;
    /* the largest: 16-bit RGBA with interlacing, doubled once by the growing buffer */
    largest = ((size_t)*width + 64) * ((size_t)*height + 64) * 16 + SMALL;
    bool narrow = *width <= 4 && size > 2 && memcmp(data, "\xFF\xD8", 2) == 0;
    unsigned char *pixels = narrow ? decode_narrow_jpeg(data, size, &w, &h, &n, wanted)
                                   : stbi_load_from_memory(data, (int)size, &w, &h, &n, wanted);
    largest = SIZE_MAX;
    if (!pixels) {
        *why = stbi_failure_reason();
        return NULL;
    }
    *channels = (uint32_t)wanted;
    return pixels;
}

void data_pixels_free(unsigned char *pixels)
{
    free(pixels);
}
