/* resize.c: two separable passes, the shape and the arithmetic of Pillow's resampling. */
#include "data/resize.h"

#include "base/base.h"
#include "data/resize_pass.h"

#include <math.h>
#include <string.h>

enum { MAX_SIDE = 1 << 20 };

/* Keys' cubic convolution kernel, a = -0.5. */
static double keys(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/* Weights of one position into w [taps] by way of k [taps]; sums to 1 before rounding. */
static void axis_fill(struct resize_axis *axis, uint32_t i, double centre, double support, double scale, uint32_t in,
                      double *k)
{
    int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
    low = BASE_MAX(low, 0);
    high = BASE_MIN(high, (int)in);
    double sum = 0;
    for (int x = low; x < high; x++) {
        k[x - low] = keys((x - centre + 0.5) * (1.0 / scale));
        sum += k[x - low];
    }
    for (int x = 0; x < high - low; x++) {
        double w = sum != 0.0 ? k[x] / sum : k[x];
        axis->weights[(size_t)i * axis->taps + (size_t)x] = (int32_t)(w * (1 << RESIZE_BITS) + (w < 0 ? -0.5 : 0.5));
    }
    for (uint32_t x = (uint32_t)(high - low); x < axis->taps; x++)
        axis->weights[(size_t)i * axis->taps + x] = 0;
    axis->start[i] = (uint32_t)low;
    axis->length[i] = (uint32_t)(high - low);
}

/* An axis of `in` pixels, of which `span` from `origin` on become `out`. */
struct way {
    uint32_t in, out;
    double origin, span;
};

static struct way way_of(uint32_t in, double origin, double span, uint32_t out)
{
    return span > 0 ? (struct way){in, out, origin, span} : (struct way){in, out, 0, in};
}

/* What an axis needs to know before its weights. */
static struct resize_axis axis_plan(const struct way *way)
{
    double scale = BASE_MAX(way->span / way->out, 1.0);
    return (struct resize_axis){.taps = ((uint32_t)ceil(2.0 * scale) * 2 + 4) & ~3u,
                                .identity = way->in == way->out && way->span == way->in};
}

/* Weights of result positions first .. first+count-1; k [taps] is scratch. */
static void axis_make(struct resize_axis *axis, const struct way *way, uint32_t first, uint32_t count, double *k)
{
    double step = way->span / way->out, scale = BASE_MAX(step, 1.0);
    for (uint32_t i = 0; i < count; i++)
        axis_fill(axis, i, way->origin + (first + i + 0.5) * step, 2.0 * scale, scale, way->in, k);
}

static enum mien_status check(const struct data_view *in, uint32_t w, uint32_t h, struct data_window window)
{
    if (in->width == 0 || in->height == 0 || w == 0 || h == 0 || in->channels == 0 || in->channels > 4 ||
        in->step < in->channels || in->width > MAX_SIDE || in->height > MAX_SIDE || w > MAX_SIDE || h > MAX_SIDE ||
        window.width == 0 || window.height == 0 || window.x > w || window.width > w - window.x || window.y > h ||
        window.height > h - window.y)
        return base_fail(MIEN_ERR_ARG, "cannot resize %ux%u pixels to %ux%u", in->width, in->height, w, h);
    return MIEN_OK;
}

static void copy_pixels(const unsigned char *in, uint32_t step, uint32_t count, uint32_t c, unsigned char *out)
{
    if (step == c) {
        memcpy(out, in, (size_t)count * c);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        memcpy(out + (size_t)i * c, in + (size_t)i * step, c);
}

/* Both passes, over the input rows that the window needs only. middle [in->height, window.width * channels], room of
 * resize_room. */
static void two_passes(const struct data_view *in, const struct resize_axis *across, const struct resize_axis *down,
                       struct data_window window, unsigned char *middle, void *room, unsigned char *out)
{
    uint32_t last = window.height - 1, first_row = down->start[0];
    uint32_t rows = down->start[last] + down->length[last] - first_row;
    size_t width = (size_t)window.width * in->channels;
    for (uint32_t y = 0; across->identity && y < rows; y++)
        copy_pixels(in->pixels + (size_t)(first_row + y) * in->stride + (size_t)window.x * in->step, in->step,
                    window.width, in->channels, middle + y * width);
    if (!across->identity)
        resize_rows(in, first_row, rows, across, window.width, room, middle);
    for (uint32_t y = 0; y < window.height; y++)
        resize_column(middle + (size_t)(down->start[y] - first_row) * width, width, down, y, room, out + y * width);
}

void data_scratch_free(struct data_scratch *scratch)
{
    base_free(scratch->data);
    *scratch = (struct data_scratch){0};
}

/* The next `size` bytes of a block, aligned to 16. */
static void *carve(unsigned char *block, size_t *used, size_t size)
{
    unsigned char *part = block ? block + *used : NULL;
    *used += (size_t)base_round_up(size, 16);
    return part;
}

/* Where everything lies in one block; with block NULL only the size is found. */
struct layout {
    struct resize_axis across, down;
    double *k;
    unsigned char *middle;
    void *room;
    size_t size;
};

static void lay_out(const struct data_view *in, struct data_window window, unsigned char *block, struct layout *l)
{
    struct resize_axis *axes[2] = {&l->across, &l->down};
    uint32_t counts[2] = {window.width, window.height}, taps = BASE_MAX(l->across.taps, l->down.taps);
    size_t width = (size_t)window.width * in->channels;
    l->size = 0;
    l->k = carve(block, &l->size, taps * sizeof(*l->k));
    for (int i = 0; i < 2; i++) {
        axes[i]->start = carve(block, &l->size, counts[i] * sizeof(uint32_t));
        axes[i]->length = carve(block, &l->size, counts[i] * sizeof(uint32_t));
        axes[i]->weights = carve(block, &l->size, (size_t)counts[i] * axes[i]->taps * sizeof(int32_t));
    }
    l->room = carve(block, &l->size, resize_room(in, window.width));
    l->middle = carve(block, &l->size, width * in->height);
}

enum mien_status data_resize_pil(const struct data_view *in, uint32_t out_width, uint32_t out_height,
                                 struct data_window window, struct data_scratch *scratch, unsigned char *out)
{
    enum mien_status status = MIEN_OK;
    struct data_scratch own = {0}, *s = scratch ? scratch : &own;
    TRY(check(in, out_width, out_height, window));
    struct way across = way_of(in->width, in->within.x, in->within.width, out_width);
    struct way down = way_of(in->height, in->within.y, in->within.height, out_height);
    struct layout l = {axis_plan(&across), axis_plan(&down)};
    lay_out(in, window, NULL, &l);
    TRY(base_grow(&s->data, &s->capacity, l.size, 1));
    lay_out(in, window, s->data, &l);
    axis_make(&l.across, &across, window.x, window.width, l.k);
    axis_make(&l.down, &down, window.y, window.height, l.k);
    two_passes(in, &l.across, &l.down, window, l.middle, l.room, out);
fail:
    data_scratch_free(&own);
    return status;
}

/* Four weights at fraction t, a = -0.75. */
static void torch_weights(float t, float w[4])
{
    const float a = -0.75f;
    float x = t + 1, y = 1 - t, z = y + 1;
    w[0] = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * y - (a + 3)) * y * y + 1;
    w[3] = ((a * z - 5 * a) * z + 8 * a) * z - 4 * a;
}

static uint32_t clamp_index(int64_t i, uint32_t count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : (uint32_t)i;
}

static float torch_pixel(const struct data_view *in, float sx, float sy, uint32_t channel)
{
    float wx[4], wy[4], sum = 0;
    int64_t ix = (int64_t)floorf(sx), iy = (int64_t)floorf(sy);
    torch_weights(sx - (float)ix, wx);
    torch_weights(sy - (float)iy, wy);
    for (int j = 0; j < 4; j++) {
        const unsigned char *row = in->pixels + clamp_index(iy + j - 1, in->height) * in->stride + channel;
        float line = 0;
        for (int i = 0; i < 4; i++)
            line += (float)row[(size_t)clamp_index(ix + i - 1, in->width) * in->step] * wx[i];
        sum += line * wy[j];
    }
    return sum;
}

enum mien_status data_resize_torch(const struct data_view *in, uint32_t out_width, uint32_t out_height,
                                   struct data_window window, float *out)
{
    enum mien_status status = MIEN_OK;
    TRY(check(in, out_width, out_height, window));
    float step_x = (float)in->width / (float)out_width, step_y = (float)in->height / (float)out_height;
    for (uint32_t y = 0; y < window.height; y++) {
        float sy = step_y * ((float)(window.y + y) + 0.5f) - 0.5f;
        for (uint32_t x = 0; x < window.width; x++) {
            float sx = step_x * ((float)(window.x + x) + 0.5f) - 0.5f;
            for (uint32_t c = 0; c < in->channels; c++)
                *out++ = torch_pixel(in, sx, sy, c);
        }
    }
fail:
    return status;
}
