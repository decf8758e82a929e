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

static unsigned char *premultiplied(const struct data_image *image)
{
    size_t count = (size_t)image->width * image->height;
    unsigned char *out = base_alloc(count, 4);
    for (size_t i = 0; out && i < count; i++) {
        const unsigned char *p = image->pixels + 4 * i;
        for (int c = 0; c < 3; c++)
            out[4 * i + (size_t)c] = scale8(p[c], p[3]);
        out[4 * i + 3] = p[3];
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

/* What `p` makes of a picture: its size after the resize, and the window that stays. */
static enum mien_status plan(uint32_t w, uint32_t h, const struct data_preprocess *p, uint32_t *to_w, uint32_t *to_h,
                             struct data_window *window)
{
    uint64_t long_side = (uint64_t)p->size * BASE_MAX(w, h) / BASE_MIN(w, h);
    if (long_side > 1 << 20)
        return base_fail(MIEN_ERR_DATA, "a picture of %ux%u pixels is too long and thin to resize to %u", w, h,
                         p->size);
    *to_w = w <= h ? p->size : (uint32_t)long_side;
    *to_h = w <= h ? (uint32_t)long_side : p->size;
    *window = (struct data_window){crop_start(*to_w, p->crop), crop_start(*to_h, p->crop), p->crop, p->crop};
    return MIEN_OK;
}

/* out [R, R, 3] float pixel values. */
static enum mien_status resize_float(const struct data_view *view, const struct data_preprocess *p, float *out)
{
    enum mien_status status = MIEN_OK;
    struct data_window window;
    uint32_t w = 0, h = 0;
    TRY(plan(view->width, view->height, p, &w, &h, &window));
    TRY(data_resize_torch(view, w, h, window, out));
fail:
    return status;
}

static enum mien_status resize_rounded(const struct data_view *view, const struct data_preprocess *p,
                                       unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)p->crop * p->crop * view->channels;
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

/* out [R, R, channels] */
static enum mien_status resize(const struct data_view *view, const struct data_preprocess *p,
                               struct data_scratch *scratch, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    struct data_window window;
    uint32_t w = 0, h = 0;
    if (p->resize == DATA_RESIZE_TORCH)
        return resize_rounded(view, p, out);
    TRY(plan(view->width, view->height, p, &w, &h, &window));
    TRY(data_resize_pil(view, w, h, window, scratch, out));
fail:
    return status;
}

/* RGBA as Pillow resizes it: colours weighted by alpha. */
static enum mien_status resize_alpha(const struct data_image *image, const struct data_preprocess *p,
                                     unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)p->crop * p->crop;
    unsigned char *in = premultiplied(image), *both = base_alloc(count, 4);
    FAIL_IF(!in || !both, MIEN_ERR_NOMEM, "out of host memory for a resize");
    struct data_view view = {in, (size_t)image->width * 4, image->width, image->height, 4};
    TRY(resize(&view, p, NULL, both));
    divide_alpha(both, count);
    memcpy(out, both, count * 3);
fail:
    base_free(in);
    base_free(both);
    return status;
}

/* A picture without alpha: itself, or a copy whose pixels the caller frees through *owned. */
static enum mien_status drop_alpha(const struct data_image *image, struct data_view *view, unsigned char **owned)
{
    size_t count = (size_t)image->width * image->height;
    *view = (struct data_view){image->pixels, (size_t)image->width * 3, image->width, image->height, 3};
    *owned = NULL;
    if (image->channels == 3)
        return MIEN_OK;
    *owned = base_alloc(count, 3);
    if (!*owned)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a picture");
    for (size_t i = 0; i < count; i++)
        memcpy(*owned + 3 * i, image->pixels + 4 * i, 3);
    view->pixels = *owned;
    return MIEN_OK;
}

static enum mien_status check(const struct data_image *image, const struct data_preprocess *p)
{
    if (p->crop == 0 || p->crop > p->size || image->width == 0 || image->height == 0)
        return base_fail(MIEN_ERR_ARG, "cannot crop %u pixels out of a picture resized to %u", p->crop, p->size);
    return MIEN_OK;
}

enum mien_status data_preprocess_u8(const struct data_image *image, const struct data_preprocess *p,
                                    struct data_scratch *scratch, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    struct data_view view;
    unsigned char *owned = NULL;
    TRY(check(image, p));
    bool stays = BASE_MIN(image->width, image->height) == p->size; /* Pillow then copies, alpha untouched */
    if (image->channels == 4 && !p->rgb_first && !stays)
        return resize_alpha(image, p, out);
    TRY(drop_alpha(image, &view, &owned));
    TRY(resize(&view, p, scratch, out));
fail:
    base_free(owned);
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
    struct data_view view;
    unsigned char *owned = NULL;
    size_t count = (size_t)p->crop * p->crop;
    float *values = base_alloc(count * 3, sizeof(*values));
    FAIL_IF_NULL(values, "a picture");
    TRY(drop_alpha(image, &view, &owned));
    TRY(resize_float(&view, p, values));
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            out[c * count + i] = normalised(values[3 * i + c], p, c);
fail:
    base_free(owned);
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
