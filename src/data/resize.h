/* resize.h: bicubic resizing of 8-bit images. */
#ifndef DATA_RESIZE_H
#define DATA_RESIZE_H

#include "mien/common.h"

/* The part of a picture to read, in pixels, and how long its rows are. */
struct data_view {
    const unsigned char *pixels; /* first pixel of the part */
    size_t stride;               /* bytes from row to row */
    uint32_t width, height;
    uint32_t channels, step; /* that are read of each pixel; bytes from pixel to pixel, at least as many */
    struct {
        double x, y, width, height;
    } within; /* the part of these pixels that is meant, in pixels; its edges may lie inside of some. width 0: all */
};

/* The part of the result to make, in pixels of the whole result. */
struct data_window {
    uint32_t x, y, width, height;
};

/* Working memory that is kept between calls; zeroed = empty. One per thread. */
struct data_scratch {
    unsigned char *data;
    size_t capacity;
};
void data_scratch_free(struct data_scratch *scratch);

/* Pillow's Image.resize(BICUBIC) to the bit: Keys' kernel with a = -0.5, widened when shrinking; weights of 22 bits
 * after the point; horizontal pass first, 8-bit rounding after each. Only `window` of the out_width x out_height result
 * is made, into out [window.height, window.width, channels]. Sizes up to 2^20. MIEN_ERR_NOMEM, or MIEN_ERR_ARG for an
 * empty size or a window outside. `scratch` may be NULL. A part within the pixels is Pillow's `box`. */
enum mien_status data_resize_pil(const struct data_view *in, uint32_t out_width, uint32_t out_height,
                                 struct data_window window, struct data_scratch *scratch, unsigned char *out);

/* torch's interpolate(mode="bicubic", align_corners=False, antialias=False) of the pixel values as floats: four taps
 * with a = -0.75, the border repeated; results are neither rounded nor clamped. out [window.height, window.width,
 * channels].
 * A part within the pixels is not looked at. */
enum mien_status data_resize_torch(const struct data_view *in, uint32_t out_width, uint32_t out_height,
                                   struct data_window window, float *out);

#endif
