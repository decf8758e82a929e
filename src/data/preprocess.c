/* preprocess.c: resize, centre crop, normalise. */
#include "data/preprocess.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

void data_preprocess_default(uint32_t side, struct data_preprocess *out)
{
    *out = (struct data_preprocess){.size = side,
                                    .crop = side,
                                    .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                    .std = {0.26862954f, 0.26130258f, 0.27577711f},
                                    .rgb_first = true};
}

/* round((d - r) / 2) with halves to even. */
static uint32_t crop_start(uint32_t d, uint32_t r)
{
    uint32_t twice = d - r, half = twice / 2;
    return half + (twice % 2 == 1 && half % 2 == 1 ? 1 : 0);
}

/* x * a / 255, rounded as Pillow rounds it. */
static unsigned char scale8(unsigned x, unsigned a)
{
    unsigned t = x * a + 128;
    return (unsigned char)((t + (t >> 8)) >> 8);
}

/* [height, width, 4] */
static unsigned char *premultiplied(const struct data_view *view)
{
    unsigned char *out = base_alloc((size_t)view->width * view->height, 4), *to = out;
    for (uint32_t y = 0; out && y < view->height; y++) {
        const unsigned char *p = view->pixels + y * view->stride;
        for (uint32_t x = 0; x < view->width; x++, p += 4, to += 4) {
            for (int c = 0; c < 3; c++)
                to[c] = scale8(p[c], p[3]);
            to[3] = p[3];
        }
    }
    return out;
}

/* Premultiplied RGBA [count, 4] to RGB [count, 3] in place. */
static void divide_alpha(unsigned char *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned a = pixels[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            unsigned v = pixels[4 * i + c];
            if (a != 0 && a != 255)
                v = BASE_MIN(255 * v / a, 255u);
            pixels[3 * i + c] = (unsigned char)v;
        }
    }
}

enum { LONGEST = 1 << 20 };

static uint64_t long_side_of(uint32_t w, uint32_t h, const struct data_preprocess *p)
{
    return (uint64_t)p->size * BASE_MAX(w, h) / BASE_MIN(w, h);
}

enum mien_status data_preprocess_check(const char *name, const struct data_image *image,
                                       const struct data_preprocess *p)
{
    if (!image->width || !image->height || long_side_of(image->width, image->height, p) <= LONGEST)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA,
                     "%s: a picture of %ux%u pixels is too long and thin to resize to %u; cut the face out", name,
                     image->width, image->height, p->size);
}

/* What `p` makes of a picture: its size after the resize, and the window that stays. */
static enum mien_status plan(uint32_t w, uint32_t h, const struct data_preprocess *p, uint32_t *to_w, uint32_t *to_h,
                             struct data_window *window)
{
    uint64_t long_side = long_side_of(w, h, p);
    if (long_side > LONGEST)
        return base_fail(MIEN_ERR_DATA, "a picture of %ux%u pixels is too long and thin to resize to %u", w, h,
                         p->size);
    *to_w = w <= h ? p->size : (uint32_t)long_side;
    *to_h = w <= h ? (uint32_t)long_side : p->size;
    *window = (struct data_window){crop_start(*to_w, p->crop), crop_start(*to_h, p->crop), p->crop, p->crop};
    return MIEN_OK;
}

/* out [R, R, 3] float pixel values. Channels do not mix here, so that it is the same when alpha is dropped. */
static enum mien_status resize_float(const struct data_view *view, const struct data_preprocess *p, float *out)
{
    enum mien_status status = MIEN_OK;
    struct data_view rgb = *view;
    struct data_window window;
    uint32_t w = 0, h = 0;
    rgb.channels = 3;
    TRY(plan(view->width, view->height, p, &w, &h, &window));
    TRY(data_resize_torch(&rgb, w, h, window, out));
fail:
    return status;
}

/* out [R, R, 3] */
static enum mien_status resize_rounded(const struct data_view *view, const struct data_preprocess *p,
                                       unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)p->crop * p->crop * 3;
    float *values = base_alloc(count, sizeof(*values));
    FAIL_IF_NULL(values, "a resize");
    TRY(resize_float(view, p, values));
    for (size_t i = 0; i < count; i++) {
        float v = rintf(values[i]);
        out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
fail:
    base_free(values);
    return status;
}

/* RGBA as Pillow resizes it: colours weighted by alpha. view->step is 4. */
static enum mien_status resize_alpha(const struct data_view *view, uint32_t w, uint32_t h, struct data_window window,
                                     unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)window.width * window.height;
    unsigned char *in = premultiplied(view), *both = base_alloc(count, 4);
    FAIL_IF(!in || !both, MIEN_ERR_NOMEM, "out of host memory for a resize");
    struct data_view whole = {in, (size_t)view->width * 4, view->width, view->height, 4, 4};
    TRY(data_resize_pil(&whole, w, h, window, NULL, both));
    divide_alpha(both, count);
    memcpy(out, both, count * 3);
fail:
    base_free(in);
    base_free(both);
    return status;
}

enum mien_status data_resize_rgb(const struct data_view *view, const struct data_preprocess *p, uint32_t w, uint32_t h,
                                 struct data_window window, struct data_scratch *scratch, unsigned char *out)
{
    struct data_view rgb = *view;
    bool stays = view->width == w && view->height == h; /* Pillow then copies, alpha untouched */
    if (view->channels == 4 && !p->rgb_first && !stays)
        return resize_alpha(view, w, h, window, out);
    rgb.channels = 3;
    return data_resize_pil(&rgb, w, h, window, scratch, out);
}

static enum mien_status check(const struct data_image *image, const struct data_preprocess *p)
{
    if (p->crop == 0 || p->crop > p->size || image->width == 0 || image->height == 0)
        return base_fail(MIEN_ERR_ARG, "cannot crop %u pixels out of a picture resized to %u", p->crop, p->size);
    return MIEN_OK;
}

struct data_view data_view_part(const struct data_image *image, struct data_window part)
{
    uint32_t s = BASE_MAX(image->shrink, 1u), columns = image->shrink ? image->columns : image->width;
    uint32_t x = image->left + part.x, y = image->top + part.y, first = x / s, row = y / s, c = image->channels;
    struct data_view view = {.pixels = image->pixels + ((size_t)row * columns + first) * c,
                             .stride = (size_t)columns * c,
                             .width = (x + part.width + s - 1) / s - first,
                             .height = (y + part.height + s - 1) / s - row,
                             .channels = c,
                             .step = c};
    if (s > 1) {
        view.within.x = (double)(x % s) / s;
        view.within.y = (double)(y % s) / s;
        view.within.width = (double)part.width / s;
        view.within.height = (double)part.height / s;
    }
    return view;
}

struct data_view data_view_of(const struct data_image *image)
{
    return data_view_part(image, (struct data_window){0, 0, image->width, image->height});
}

uint32_t data_preprocess_draft(const struct data_preprocess *p)
{
    return p->resize == DATA_RESIZE_TORCH ? 0 : p->size;
}

enum mien_status data_preprocess_u8(const struct data_image *image, const struct data_preprocess *p,
                                    struct data_scratch *scratch, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    struct data_view view = data_view_of(image);
    struct data_window window;
    uint32_t w = 0, h = 0;
    TRY(check(image, p));
    if (p->resize == DATA_RESIZE_TORCH)
        return resize_rounded(&view, p, out);
    TRY(plan(image->width, image->height, p, &w, &h, &window));
    TRY(data_resize_rgb(&view, p, w, h, window, scratch, out));
fail:
    return status;
}

/* (v - mean) / std as the reference does it: in float, division by 255 first. */
static float normalised(float v, const struct data_preprocess *p, size_t c)
{
    return (v / 255.0f - p->mean[c]) / p->std[c];
}

void data_normalise(const unsigned char *pixels, const struct data_preprocess *p, float *out)
{
    size_t count = (size_t)p->crop * p->crop;
    for (size_t c = 0; c < 3; c++) {
        float table[256];
        for (int v = 0; v < 256; v++)
            table[v] = normalised((float)v, p, c);
        for (size_t i = 0; i < count; i++)
            out[c * count + i] = table[pixels[3 * i + c]];
    }
}

static enum mien_status preprocess_torch(const struct data_image *image, const struct data_preprocess *p, float *out)
{
    enum mien_status status = MIEN_OK;
    struct data_view view = data_view_of(image);
    size_t count = (size_t)p->crop * p->crop;
    float *values = base_alloc(count * 3, sizeof(*values));
    FAIL_IF_NULL(values, "a picture");
    TRY(resize_float(&view, p, values));
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            out[c * count + i] = normalised(values[3 * i + c], p, c);
fail:
    base_free(values);
    return status;
}

enum mien_status data_preprocess_image(const struct data_image *image, const struct data_preprocess *p, float *out)
{
    enum mien_status status = MIEN_OK;
    unsigned char *pixels = NULL;
    TRY(check(image, p));
    if (p->resize == DATA_RESIZE_TORCH)
        return preprocess_torch(image, p, out);
    pixels = base_alloc((size_t)p->crop * p->crop, 3);
    FAIL_IF_NULL(pixels, "a picture");
    TRY(data_preprocess_u8(image, p, NULL, pixels));
    data_normalise(pixels, p, out);
fail:
    base_free(pixels);
    return status;
}
