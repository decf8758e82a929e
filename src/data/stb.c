/* stb.c: the one file that compiles stb_image: PNG, JPEG where libjpeg-turbo is not there, inflate. Allocations are
 * bounded per call, so that a small file which claims to unpack to gigabytes fails at once. */
#include "data/stb.h"

#include "base/base.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1 << 20 };                       /* tables and buffers beside the pixels */
static _Thread_local size_t largest = SIZE_MAX; /* bytes one allocation may have, for the call under way */

/* Why the last allocation of the call under way failed: the system had no memory, or it asked for more than `largest`.
 */
static _Thread_local enum { GIVEN, EXHAUSTED, EXCESSIVE } refusal;

static void *given(void *memory)
{
    if (!memory)
        refusal = EXHAUSTED;
    return memory;
}

static bool is_excessive(size_t size)
{
    if (size > largest)
        refusal = EXCESSIVE;
    return size > largest;
}

/* Zeroed: a progressive JPEG that lacks a scan would else show what the memory held before. */
static void *bounded_malloc(size_t size)
{
    return is_excessive(size) ? NULL : given(calloc(size ? size : 1, 1));
}

static void *bounded_realloc(void *old, size_t size)
{
    return is_excessive(size) ? NULL : given(realloc(old, size));
}

/* Bounds the allocations of the calls that follow. */
static void set_bound(size_t bytes)
{
    largest = bytes;
    refusal = GIVEN;
}

/* An empty IDAT chunk at the beginning copies nothing to nowhere, which C leaves undefined. */
static void *copy_bytes(void *to, const void *from, size_t size)
{
    return size ? memcpy(to, from, size) : to;
}

/* A row of half as many samples, as libjpeg widens it; stb_image's own takes the wrong one of the last two for three
 * quarters. The macro has a parameter list: it renames the definition, not the use. */
static unsigned char *stbi__resample_row_h_2(unsigned char *out, unsigned char *in, unsigned char *unused, int w,
                                             int hs)
{
    (void)unused;
    (void)hs;
    for (int i = 0; i < w; i++) {
        bool repeat = w <= 2;
        int left = i > 0 && !repeat ? in[i - 1] : in[i], right = i + 1 < w && !repeat ? in[i + 1] : in[i];
        out[2 * i] = (unsigned char)((3 * in[i] + left + 1) >> 2);
        out[2 * i + 1] = (unsigned char)((3 * in[i] + right + 2) >> 2);
    }
    return out;
}

#define stbi__resample_row_h_2(...) unused_resample_row_h_2(__VA_ARGS__)
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
#undef stbi__resample_row_h_2

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
    set_bound(BASE_MAX((size_t)want * 2, (size_t)SMALL)); /* the buffer grows by doubling */
    out = stbi_zlib_decode_noheader_malloc(data + start, (int)(size - start - 8), &length);
    largest = SIZE_MAX;
    FAIL_IF(!out && refusal == EXHAUSTED, MIEN_ERR_NOMEM, "%s: out of host memory for unpacking it", path);
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

static unsigned char *decode_jpeg(const void *data, size_t size, const struct image_head *head)
{
    int w, h, n;
    if (head->width <= 4)
        return decode_narrow_jpeg(data, size, &w, &h, &n, 3);
    return stbi_load_from_memory(data, (int)size, &w, &h, &n, 3);
}

/* stb_image takes four channels without Adobe's marker for YCbCr and something. The last marker counts: one before the
 * data says CMYK, or YCCK where its transform is none that there is. */
static unsigned char *decode_four(const void *data, size_t size, const struct image_head *head)
{
    unsigned char marker[16] = "\xFF\xEE\0\x0E"
                               "Adobe\0\x64\0\0\0\0"; /* APP14, 14 bytes: version 100, two flags, the transform */
    marker[15] = head->adobe > 0 ? 2 : 0;
    unsigned char *whole = bounded_malloc(size + sizeof(marker));
    if (!whole)
        return NULL;
    memcpy(whole, data, head->first_scan);
    memcpy(whole + head->first_scan, marker, sizeof(marker));
    memcpy(whole + head->first_scan + sizeof(marker), (const char *)data + head->first_scan, size - head->first_scan);
    unsigned char *pixels = decode_jpeg(whole, size + sizeof(marker), head);
    free(whole);
    return pixels;
}

/* stb_image reads colours beyond the end of a palette from memory that nobody wrote. A black palette of full length
 * goes before the file's own, which replaces its first colours: the rest is black, as for Pillow. */
static unsigned char *decode_palette(const void *data, size_t size, int *w, int *h, int *n, int wanted)
{
    enum { IHDR_END = 33, COLOURS = 3 * 256, CHUNK = 12 + COLOURS };
    static const unsigned char start[8] = {0, 0, COLOURS >> 8, COLOURS & 255, 'P', 'L', 'T', 'E'};
    unsigned char *whole = bounded_malloc(size + CHUNK); /* zeroed; stb_image does not look at checksums */
    if (!whole)
        return NULL;
    memcpy(whole, data, IHDR_END);
    memcpy(whole + IHDR_END, start, sizeof(start));
    memcpy(whole + IHDR_END + CHUNK, (const char *)data + IHDR_END, size - IHDR_END);
    unsigned char *pixels = stbi_load_from_memory(whole, (int)(size + CHUNK), w, h, n, wanted);
    free(whole);
    return pixels;
}

enum mien_status data_stb_decode(const char *path, const void *data, size_t size, bool alpha,
                                 const struct image_head *head, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    int w = (int)head->width, h = (int)head->height, n = 3, wanted = 3;
    unsigned char *pixels = NULL;
    FAIL_IF(size > INT_MAX - 1024, MIEN_ERR_DATA, "%s: larger than 2 GiB", path);
    FAIL_IF(head->jpeg && !head->tables, MIEN_ERR_DATA,
            "%s: JPEG: no Huffman tables (a Motion-JPEG frame?); save it as baseline JPEG", path);
    if (alpha && stbi_info_from_memory(data, (int)size, &w, &h, &n) && (n == 2 || n == 4) && !head->jpeg)
        wanted = 4;
    /* the largest: 16-bit RGBA with interlacing, doubled once by the growing buffer; a copy of the file */
    set_bound(((size_t)head->width + 64) * ((size_t)head->height + 64) * 16 + SMALL +
              (head->jpeg || head->palette ? size : 0));
    if (head->jpeg)
        pixels = head->channels == 4 ? decode_four(data, size, head) : decode_jpeg(data, size, head);
    else if (head->palette)
        pixels = decode_palette(data, size, &w, &h, &n, wanted);
    else
        pixels = stbi_load_from_memory(data, (int)size, &w, &h, &n, wanted);
    largest = SIZE_MAX;
    FAIL_IF(!pixels && refusal == EXHAUSTED, MIEN_ERR_NOMEM, "%s: out of host memory for %ux%u pixels", path,
            head->width, head->height);
    FAIL_IF(!pixels && refusal == EXCESSIVE, MIEN_ERR_DATA,
            "%s: its data unpack to more than %ux%u pixels take; the file is damaged, or made to exhaust memory", path,
            head->width, head->height);
    FAIL_IF(!pixels, MIEN_ERR_DATA, "%s: cannot be decoded (%s); the file is damaged", path, stbi_failure_reason());
    *out = (struct data_image){head->width, head->height, (uint32_t)wanted, pixels};
fail:
    return status;
}
