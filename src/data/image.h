/* image.h: image files to 8-bit pixels. */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "mien/common.h"

/* Rows without padding, channels interleaved: 3 = RGB, 4 = RGB and alpha (not premultiplied). A JPEG may have been
 * decoded at 1/shrink: width and height stay the picture's own, as do boxes and crops; `pixels` are then [rows,
 * columns], each shrink x shrink of the picture's, which begins `left` and `top` of its pixels inside the first one. */
struct data_image {
    uint32_t width, height, channels;
    unsigned char *pixels;
    uint32_t shrink; /* 2, 4, 8; 0: none, pixels are [height, width], and what follows is 0 */
    uint32_t columns, rows, left, top;
};

/* Limits on what one picture may take. Memory: DATA_BYTES_A_PIXEL for each of max_pixels, or of DATA_MOST_PIXELS where
 * that is more. A JPEG's scans each go over the whole picture: so many, and not more than DATA_MOST_SCANNED pixels. */
enum { DATA_MOST_PIXELS = 64000000, DATA_BYTES_A_PIXEL = 8, DATA_MOST_SCANS = 500 };
#define DATA_MOST_SCANNED 1280000000LL

/* A draft has twice the pixels that it is resized to: of that size, photographs were off by up to 47 of 255 levels
 * (mean 2.4), of twice the size by up to 16 (0.9). */
enum { DATA_DRAFT_KEEP = 2 };

struct data_image_params {
    uint64_t max_pixels; /* 0 = DATA_MOST_PIXELS */
    bool ignore_exif;    /* leave the picture as stored; default: turned as its EXIF orientation says */
    bool keep_alpha;     /* 4 channels where the file has alpha; default: alpha is dropped, colours kept */
    bool has_box;        /* cut out box: x, y, width, height in pixels, after turning, as data_image_cut */
    int32_t box[4];
    uint32_t draft; /* 0: every pixel is decoded. Else a JPEG may be decoded at 1/2, 1/4 or 1/8 (the DCT's own scaling),
                       as long as the shorter side of what is looked at, the box or all, keeps DATA_DRAFT_KEEP * draft
                       pixels; where libjpeg-turbo is there. Errors and orientation stay what they are */
    bool plain_jpeg; /* for tests: JPEG by stb_image even where libjpeg-turbo is there */
};

/* Where a picture is: in a file, encoded in memory, or as pixels. */
struct data_source {
    const char *name; /* for messages where there is no path; may be NULL */
    const char *path;
    const void *bytes; /* path NULL: [size] the same as a file */
    size_t size;
    const unsigned char *pixels; /* both NULL: rows from top to bottom */
    enum mien_pixel_format format;
    uint32_t width, height;
    size_t stride; /* bytes from row to row; 0: as many as a row has */
};

/* Bytes of a pixel. */
uint32_t data_pixel_size(enum mien_pixel_format format);

/* The one way from a picture to pixels, for inference, training and packs; as data_image_decode. Pixels are copied, as
 * they are: max_pixels and ignore_exif mean nothing to them. */
enum mien_status data_image_load(const struct data_source *source, const struct data_image_params *params,
                                 struct data_image *out);

/* PNG, JPEG (8-bit, baseline and progressive; grey, YCbCr, RGB, CMYK, YCCK). 16 bits per channel are cut to 8,
 * palettes and grey become RGB, and so does CMYK as Pillow's convert("RGB") does it. MIEN_ERR_DATA with `path` and the
 * reason for anything else: another format (which one, and what to do), damage (every PNG chunk's checksum is verified;
 * a JPEG that is cut off or would be filled in is refused), more pixels, memory or scans than the limits above, before
 * anything is decoded; a box outside. `params` NULL = defaults. Free with data_image_free. Thread-safe. */
enum mien_status data_image_decode(const char *path, const void *data, size_t size,
                                   const struct data_image_params *params, struct data_image *out);
/* The same from a file of at most 512 MiB. */
enum mien_status data_image_read(const char *path, const struct data_image_params *params, struct data_image *out);
/* Cuts out what lies inside of box: x, y, width, height. MIEN_ERR_DATA, with `path`, when that is nothing. */
enum mien_status data_image_cut(const char *path, struct data_image *image, const int32_t box[4]);
/* Bytes of its pixels. */
size_t data_image_size(const struct data_image *image);
void data_image_free(struct data_image *image); /* clears; accepts an empty one */

#endif
