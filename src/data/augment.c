/* augment.c: random resized crop (the procedure of torchvision's RandomResizedCrop), mirror, turn, light. Every draw is
 * made whatever the options, so that one option does not change what another draws. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

enum { CROP_TRIES = 10 };

void data_augment_default(struct data_augment *out)
{
    *out = (struct data_augment){.crop_scale = {0.9, 1.0}, .flip = 0.5, .rotate = 6};
}

void data_augment_work_free(struct data_augment_work *work)
{
    base_free(work->pixels);
    data_scratch_free(&work->scratch);
    *work = (struct data_augment_work){0};
}

static double between(struct base_rng *rng, double low, double high)
{
    return low + (high - low) * base_rng_uniform(rng);
}

/* The part of the picture that is kept: a share of its area with sides 3:4 to 4:3; when ten tries do not fit inside,
 * the largest central part with such sides. */
static struct data_window draw_crop(uint32_t w, uint32_t h, const double scale[2], struct base_rng *rng)
{
    double area = (double)w * h;
    struct data_window found = {0};
    for (int i = 0; i < CROP_TRIES; i++) {
        double kept = area * between(rng, scale[0], scale[1]);
        double ratio = exp(between(rng, log(3.0 / 4), log(4.0 / 3)));
        double cw = rint(sqrt(kept * ratio)), ch = rint(sqrt(kept / ratio)), x = base_rng_uniform(rng),
               y = base_rng_uniform(rng);
        if (found.width == 0 && cw >= 1 && ch >= 1 && cw <= w && ch <= h)
            found = (struct data_window){(uint32_t)(x * (w - cw + 1)), (uint32_t)(y * (h - ch + 1)), (uint32_t)cw,
                                         (uint32_t)ch};
    }
    if (found.width > 0)
        return found;
    double ratio = (double)w / h, cw = w, ch = h;
    if (ratio < 3.0 / 4)
        ch = BASE_MIN(rint(w / (3.0 / 4)), (double)h);
    else if (ratio > 4.0 / 3)
        cw = BASE_MIN(rint(h * (4.0 / 3)), (double)w);
    return (struct data_window){(w - (uint32_t)cw) / 2, (h - (uint32_t)ch) / 2, (uint32_t)cw, (uint32_t)ch};
}

/* Whether pictures are cropped at random: both ends 0, or both 1, mean that they are not. */
static bool crops(const struct data_augment *augment)
{
    const double *scale = augment->crop_scale;
    return scale[1] > 0 && (scale[0] < 1 || scale[1] < 1);
}

uint32_t data_augment_draft(const struct data_augment *augment, const struct data_preprocess *p)
{
    if (!crops(augment) || p->resize == DATA_RESIZE_TORCH)
        return data_preprocess_draft(p);
    return (uint32_t)ceil(p->crop / sqrt(augment->crop_scale[0] * (3.0 / 4))); /* the shortest side that is drawn */
}

/* A part of the picture to out [R, R, 3]; floats [R, R, 3] are working memory. */
static enum mien_status resize_part(const struct data_view *view, const struct data_preprocess *p,
                                    struct data_scratch *scratch, float *floats, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    const struct data_window whole = {0, 0, p->crop, p->crop};
    size_t count = (size_t)p->crop * p->crop * 3;
    struct data_view rgb = *view;
    rgb.channels = 3;
    if (p->resize != DATA_RESIZE_TORCH)
        return data_resize_rgb(view, p, p->crop, p->crop, whole, scratch, out);
    TRY(data_resize_torch(&rgb, p->crop, p->crop, whole, floats));
    for (size_t i = 0; i < count; i++) {
        float v = rintf(floats[i]);
        out[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
fail:
    return status;
}

/* out [R, R, 3]; floats [R, R, 3] are working memory. */
static enum mien_status crop(const struct data_image *image, const struct data_preprocess *p,
                             const struct data_augment *augment, struct base_rng *rng, struct data_scratch *scratch,
                             float *floats, unsigned char *out)
{
    const double all[2] = {1, 1};
    bool random = crops(augment);
    struct data_window w = draw_crop(image->width, image->height, random ? augment->crop_scale : all, rng);
    if (!random)
        return data_preprocess_u8(image, p, scratch, out);
    struct data_view view = data_view_part(image, w);
    return resize_part(&view, p, scratch, floats, out);
}

static void mirror(unsigned char *pixels, uint32_t side)
{
    for (uint32_t y = 0; y < side; y++) {
        unsigned char *row = pixels + (size_t)y * side * 3;
        for (uint32_t x = 0; x < side / 2; x++) {
            unsigned char kept[3], *a = row + (size_t)x * 3, *b = row + (size_t)(side - 1 - x) * 3;
            memcpy(kept, a, 3);
            memcpy(a, b, 3);
            memcpy(b, kept, 3);
        }
    }
}

enum { PHASES = 256 }; /* a turned pixel's place is rounded to this part of a pixel */

/* Catmull-Rom weights of four neighbours at each phase. */
static void cubic_table(float w[PHASES][4])
{
    for (int i = 0; i < PHASES; i++) {
        float t = (float)i / PHASES;
        w[i][0] = ((-0.5f * t + 1.0f) * t - 0.5f) * t;
        w[i][1] = (1.5f * t - 2.5f) * t * t + 1.0f;
        w[i][2] = ((-1.5f * t + 2.0f) * t + 0.5f) * t;
        w[i][3] = (0.5f * t - 0.5f) * t * t;
    }
}

static size_t inside(int32_t i, uint32_t side)
{
    return i < 0 ? 0 : i >= (int32_t)side ? side - 1 : (size_t)i;
}

/* The value at (x, y), in 1/65536 pixels, of in [side, side, 4] (floats, so that a pixel is one vector). */
static void sample(const float *in, uint32_t side, int32_t x, int32_t y, float (*table)[4], unsigned char out[3])
{
    float sum[4] = {0.5f, 0.5f, 0.5f, 0};
    const float *wx = table[(x & 0xFFFF) * PHASES >> 16], *wy = table[(y & 0xFFFF) * PHASES >> 16];
    int32_t ix = (x - (x & 0xFFFF)) / 65536 - 1, iy = (y - (y & 0xFFFF)) / 65536 - 1;
    for (int j = 0; j < 4; j++) {
        const float *row = in + inside(iy + j, side) * side * 4;
        for (int i = 0; i < 4; i++) {
            const float *p = row + inside(ix + i, side) * 4;
            const float w = wy[j] * wx[i];
            for (int c = 0; c < 4; c++)
                sum[c] += w * p[c];
        }
    }
    for (int c = 0; c < 3; c++)
        out[c] = (unsigned char)(sum[c] < 0 ? 0 : sum[c] > 255 ? 255 : sum[c]);
}

/* Turns pixels [R, R, 3] about their centre, by way of floats [R, R, 4]; R up to 2^14, so that places fit 32 bits. */
static void turn(unsigned char *pixels, uint32_t side, double degrees, float *floats)
{
    float table[PHASES][4];
    double a = degrees * (3.14159265358979323846 / 180), c = cos(a), s = sin(a), middle = ((double)side - 1) / 2;
    cubic_table(table);
    for (size_t i = 0; i < (size_t)side * side; i++)
        for (size_t k = 0; k < 4; k++)
            floats[4 * i + k] = k < 3 ? (float)pixels[3 * i + k] : 0;
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++, pixels += 3) {
            double dx = x - middle, dy = y - middle;
            sample(floats, side, (int32_t)((middle + c * dx - s * dy) * 65536),
                   (int32_t)((middle + s * dx + c * dy) * 65536), table, pixels);
        }
    }
}

/* x * brightness, then contrast about the picture's mean. */
static void light(unsigned char *pixels, size_t count, double brightness, double contrast)
{
    unsigned char table[256];
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pixels[i];
    double mean = (double)sum / (double)count * brightness;
    for (int v = 0; v < 256; v++) {
        double x = (v * brightness - mean) * contrast + mean + 0.5;
        table[v] = (unsigned char)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
    for (size_t i = 0; i < count; i++)
        pixels[i] = table[pixels[i]];
}

enum mien_status data_augment_image(const struct data_image *image, const struct data_preprocess *p,
                                    const struct data_augment *augment, bool may_flip, struct base_rng *rng,
                                    struct data_augment_work *work, float *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = (size_t)p->crop * p->crop * 3;
    bool none = !crops(augment) && augment->flip == 0 && augment->rotate == 0 && augment->jitter == 0;
    if (none && p->resize == DATA_RESIZE_TORCH) /* no rounding to 8 bits on that way */
        return data_preprocess_image(image, p, out);
    size_t floats = (size_t)base_round_up(count, 16); /* where other work lies, behind the pixels */
    TRY(base_grow(&work->pixels, &work->capacity, floats + (size_t)p->crop * p->crop * 4 * sizeof(float), 1));
    unsigned char *pixels = work->pixels;
    float *room = (float *)(void *)(work->pixels + floats);
    TRY(crop(image, p, augment, rng, &work->scratch, room, pixels));
    bool flip = base_rng_uniform(rng) < augment->flip;
    double degrees = between(rng, -augment->rotate, augment->rotate);
    double brightness = between(rng, 1 - augment->jitter, 1 + augment->jitter);
    double contrast = between(rng, 1 - augment->jitter, 1 + augment->jitter);
    if (flip && may_flip)
        mirror(pixels, p->crop);
    if (degrees != 0)
        turn(pixels, p->crop, degrees, room);
    if (augment->jitter > 0)
        light(pixels, count, brightness, contrast);
    data_normalise(pixels, p, out);
fail:
    return status;
}
