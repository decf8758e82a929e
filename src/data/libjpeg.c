/* libjpeg.c: the one file that knows libjpeg. It leaves its functions by longjmp; nothing here that is to be freed is
 * held by a variable of the function that setjmp comes back to. */
#include "data/libjpeg.h"

#include "base/base.h"
#include "mien/data.h"

#ifdef MIEN_HAVE_LIBJPEG

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

struct decoder {
    struct jpeg_error_mgr errors; /* first: what libjpeg hands back */
    jmp_buf back;
    bool memory; /* it is memory that failed */
    char why[JMSG_LENGTH_MAX];
    struct jpeg_decompress_struct jpeg;
    unsigned char *pixels, *row; /* row: of four channels */
};

static void stop(j_common_ptr jpeg)
{
    struct decoder *d = (struct decoder *)jpeg->err;
    d->errors.format_message(jpeg, d->why);
    d->memory = d->errors.msg_code == JERR_OUT_OF_MEMORY;
    longjmp(d->back, 1);
}

/* Warnings after which pixels are made up end decoding; libjpeg would fill in grey. */
static void hear(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    if (level < 0 && (code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_JPEG_EOF ||
                      code == JWRN_MUST_RESYNC || code == JWRN_ARITH_BAD_CODE))
        stop(jpeg);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* a * b / 255, rounded. */
static unsigned char times(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (unsigned char)((t + (t >> 8)) >> 8);
}

/* Four channels are stored inverted, Adobe's way, whether its marker is there or not: what is not ink is light. */
static void take_cmyk(const unsigned char *from, uint32_t width, unsigned char *to)
{
    for (uint32_t x = 0; x < width; x++, from += 4, to += 3)
        for (int c = 0; c < 3; c++)
            to[c] = times(from[c], from[3]);
}

static void read_rows(struct decoder *d)
{
    uint32_t width = d->jpeg.output_width;
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        unsigned char *to = d->pixels + (size_t)d->jpeg.output_scanline * width * 3;
        JSAMPROW row = d->row ? d->row : to;
        jpeg_read_scanlines(&d->jpeg, &row, 1);
        if (d->row)
            take_cmyk(d->row, width, to);
    }
}

static bool decode(struct decoder *d, const void *data, size_t size, const struct image_head *head, uint32_t shrink)
{
    if (setjmp(d->back))
        return false;
    jpeg_create_decompress(&d->jpeg);
    jpeg_mem_src(&d->jpeg, data, (unsigned long)size);
    jpeg_read_header(&d->jpeg, TRUE);
    if (d->jpeg.image_width != head->width || d->jpeg.image_height != head->height ||
        (uint32_t)d->jpeg.num_components != head->channels)
        ERREXIT(&d->jpeg, JERR_SOF_DUPLICATE);
    d->jpeg.out_color_space = head->channels == 4 ? JCS_CMYK : JCS_RGB;
    d->jpeg.scale_num = 1;
    d->jpeg.scale_denom = shrink;
    jpeg_start_decompress(&d->jpeg);
    if (d->jpeg.output_width != (head->width + shrink - 1) / shrink ||
        d->jpeg.output_height != (head->height + shrink - 1) / shrink)
        ERREXIT(&d->jpeg, JERR_NOT_COMPILED);
    d->pixels = malloc((size_t)d->jpeg.output_width * d->jpeg.output_height * 3);
    d->row = head->channels == 4 ? malloc((size_t)d->jpeg.output_width * 4) : NULL;
    if (!d->pixels || (head->channels == 4 && !d->row))
        ERREXIT1(&d->jpeg, JERR_OUT_OF_MEMORY, 0);
    read_rows(d);
    jpeg_finish_decompress(&d->jpeg);
    return true;
}

enum mien_status data_jpeg_decode(const char *path, const void *data, size_t size, const struct image_head *head,
                                  uint32_t shrink, struct data_image *out)
{
    enum mien_status status = MIEN_OK;
    struct decoder *d = calloc(1, sizeof(*d));
    FAIL_IF(!d, MIEN_ERR_NOMEM, "%s: out of host memory for decoding", path);
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = stop;
    d->errors.emit_message = hear;
    d->errors.output_message = say_nothing;
    bool done = decode(d, data, size, head, shrink);
    jpeg_destroy_decompress(&d->jpeg);
    free(d->row);
    FAIL_IF(!done && d->memory, MIEN_ERR_NOMEM, "%s: out of host memory for %ux%u pixels", path, head->width,
            head->height);
    FAIL_IF(!done, MIEN_ERR_DATA, "%s: JPEG: cannot be decoded (%s)", path, d->why);
    *out = (struct data_image){head->width, head->height, 3, d->pixels};
    if (shrink > 1) {
        out->shrink = shrink;
        out->columns = (head->width + shrink - 1) / shrink;
        out->rows = (head->height + shrink - 1) / shrink;
    }
    d->pixels = NULL;
fail:
    if (d)
        free(d->pixels);
    free(d);
    return status;
}

const char *data_jpeg_library(void)
{
    return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);
}

const char *mien_picture_decoders(void)
{
    return "PNG by stb_image, JPEG by libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);
}

#else

const char *data_jpeg_library(void)
{
    return NULL;
}

const char *mien_picture_decoders(void)
{
    return "PNG by stb_image, JPEG by stb_image";
}

enum mien_status data_jpeg_decode(const char *path, const void *data, size_t size, const struct image_head *head,
                                  uint32_t shrink, struct data_image *out)
{
    (void)shrink;
    (void)data;
    (void)size;
    (void)head;
    (void)out;
    return base_fail(MIEN_ERR_UNSUPPORTED, "%s: this build has no libjpeg-turbo", path);
}

#endif
