/* resize_pass.c: sums of 8-bit pixels by weights of 32 bits. All sums are whole numbers, so that the ways here give the
 * same bits. */
#include "data/resize_pass.h"

#include "base/base.h"

#include <string.h>

enum { HALF = 1 << (RESIZE_BITS - 1) };

static unsigned char round8(int32_t sum)
{
    int32_t v = sum >> RESIZE_BITS;
    return (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row [in, step] to out [count, c]. */
static void plain_row(const unsigned char *in, uint32_t step, const struct resize_axis *axis, uint32_t count,
                      uint32_t c, unsigned char *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const int32_t *w = axis->weights + (size_t)i * axis->taps;
        const unsigned char *p = in + (size_t)axis->start[i] * step;
        int32_t sum[4] = {HALF, HALF, HALF, HALF};
        for (uint32_t x = 0; x < axis->length[i]; x++)
            for (uint32_t k = 0; k < c; k++)
                sum[k] += p[x * step + k] * w[x];
        for (uint32_t k = 0; k < c; k++)
            out[(size_t)i * c + k] = round8(sum[k]);
    }
}

/* Columns first .. width-1; sum [width]. */
static void plain_column(const unsigned char *rows, size_t width, size_t first, const struct resize_axis *axis,
                         uint32_t i, int32_t *sum, unsigned char *out)
{
    const int32_t *w = axis->weights + (size_t)i * axis->taps;
    for (size_t x = first; x < width; x++)
        sum[x] = HALF;
    for (uint32_t y = 0; y < axis->length[i]; y++)
        for (size_t x = first; x < width; x++)
            sum[x] += rows[y * width + x] * w[y];
    for (size_t x = first; x < width; x++)
        out[x] = round8(sum[x]);
}

#ifdef __SSE2__

#include <emmintrin.h>

/* The processor multiplies and adds pairs of 16 bits: a weight is high * 2^12 + low, and the two sums meet at the end.
 * Four weights at a time. */
enum { LOW_BITS = 12, ROWS = 4, BEYOND = 16 /* bytes that are read behind a row, at most */ };

struct parts {
    __m128i high[2], low[2]; /* of two pairs, each in all lanes */
};

static inline struct parts take_apart(const int32_t *weights)
{
    __m128i w = _mm_loadu_si128((const void *)weights);
    __m128i low = _mm_and_si128(w, _mm_set1_epi32((1 << LOW_BITS) - 1));
    __m128i all = _mm_packs_epi32(_mm_srai_epi32(w, LOW_BITS), low);
    return (struct parts){{_mm_shuffle_epi32(all, 0x00), _mm_shuffle_epi32(all, 0x55)},
                          {_mm_shuffle_epi32(all, 0xAA), _mm_shuffle_epi32(all, 0xFF)}};
}

struct sums {
    __m128i high, low;
};

static inline void add(struct sums *s, __m128i pairs, const struct parts *w, int k)
{
    s->high = _mm_add_epi32(s->high, _mm_madd_epi16(pairs, w->high[k]));
    s->low = _mm_add_epi32(s->low, _mm_madd_epi16(pairs, w->low[k]));
}

static inline __m128i whole(const struct sums *s)
{
    return _mm_srai_epi32(_mm_add_epi32(s->low, _mm_slli_epi32(s->high, LOW_BITS)), RESIZE_BITS);
}

/* Two pixels at p, their channels side by side, as 16 bits. */
static inline __m128i two_pixels(const unsigned char *p, __m128i step_bits)
{
    __m128i v = _mm_loadl_epi64((const void *)p);
    return _mm_unpacklo_epi8(_mm_unpacklo_epi8(v, _mm_srl_epi64(v, step_bits)), _mm_setzero_si128());
}

/* Position i of four rows; to their results at `at`. Pixels of 3 or 4 bytes, of which c are kept. */
static inline void four_rows(const unsigned char *const in[ROWS], uint32_t step, const struct resize_axis *axis,
                             uint32_t i, uint32_t c, unsigned char *const out[ROWS])
{
    const int32_t *weights = axis->weights + (size_t)i * axis->taps;
    const __m128i step_bits = _mm_cvtsi32_si128((int)step * 8);
    struct sums s[ROWS];
    size_t at = (size_t)axis->start[i] * step;
    for (int k = 0; k < ROWS; k++)
        s[k] = (struct sums){_mm_setzero_si128(), _mm_set1_epi32(HALF)};
    for (uint32_t x = 0; x < axis->length[i]; x += 4, at += (size_t)4 * step) {
        const struct parts w = take_apart(weights + x);
        for (int k = 0; k < ROWS; k++) {
            add(&s[k], two_pixels(in[k] + at, step_bits), &w, 0);
            add(&s[k], two_pixels(in[k] + at + (size_t)2 * step, step_bits), &w, 1);
        }
    }
    for (int k = 0; k < ROWS; k++) {
        __m128i v = _mm_packs_epi32(whole(&s[k]), _mm_setzero_si128());
        int pixel = _mm_cvtsi128_si32(_mm_packus_epi16(v, v));
        memcpy(out[k] + (size_t)i * c, &pixel, c);
    }
}

/* Position i of eight columns. */
static inline void eight_columns(const unsigned char *rows, size_t width, const struct resize_axis *axis, uint32_t i,
                                 unsigned char *out)
{
    const int32_t *weights = axis->weights + (size_t)i * axis->taps;
    const __m128i zero = _mm_setzero_si128(), half = _mm_set1_epi32(HALF);
    struct sums s[2] = {{zero, half}, {zero, half}};
    uint32_t last = axis->length[i] - 1;
    for (uint32_t y = 0; y <= last; y += 4) {
        const struct parts w = take_apart(weights + y);
        for (uint32_t k = 0; k < 2; k++) {
            const unsigned char *a = rows + BASE_MIN(y + 2 * k, last) * width;
            const unsigned char *b = rows + BASE_MIN(y + 2 * k + 1, last) * width; /* its weight is 0 behind the last */
            __m128i v = _mm_unpacklo_epi8(_mm_loadl_epi64((const void *)a), _mm_loadl_epi64((const void *)b));
            add(&s[0], _mm_unpacklo_epi8(v, zero), &w, (int)k);
            add(&s[1], _mm_unpackhi_epi8(v, zero), &w, (int)k);
        }
    }
    __m128i v = _mm_packs_epi32(whole(&s[0]), whole(&s[1]));
    _mm_storel_epi64((void *)out, _mm_packus_epi16(v, v));
}

static size_t line_size(const struct data_view *in)
{
    return (size_t)in->width * in->step + BEYOND;
}

/* Row y, or a copy of it in `line` where not enough is behind it. */
static const unsigned char *safe_row(const struct data_view *in, uint32_t y, unsigned char *line)
{
    const unsigned char *row = in->pixels + y * in->stride;
    size_t size = (size_t)in->width * in->step;
    if ((in->height - 1 - y) * in->stride >= BEYOND)
        return row;
    memcpy(line, row, size);
    memset(line + size, 0, BEYOND);
    return line;
}

static void fast_rows(const struct data_view *in, uint32_t first, uint32_t rows, const struct resize_axis *axis,
                      uint32_t count, unsigned char *room, unsigned char *out)
{
    uint32_t c = in->channels;
    for (uint32_t y = 0; y < rows; y += ROWS) {
        const unsigned char *from[ROWS];
        unsigned char *to[ROWS];
        for (uint32_t k = 0; k < ROWS; k++) { /* the last row again, where there are fewer than four */
            uint32_t row = BASE_MIN(y + k, rows - 1);
            from[k] = safe_row(in, first + row, room + k * line_size(in));
            to[k] = out + (size_t)row * count * c;
        }
        for (uint32_t i = 0; i < count; i++)
            four_rows(from, in->step, axis, i, c, to);
    }
}

#endif

size_t resize_room(const struct data_view *in, uint32_t count)
{
    size_t size = (size_t)count * in->channels * sizeof(int32_t);
#ifdef __SSE2__
    size = BASE_MAX(size, ROWS * line_size(in));
#endif
    return size;
}

void resize_rows(const struct data_view *in, uint32_t first, uint32_t rows, const struct resize_axis *axis,
                 uint32_t count, void *room, unsigned char *out)
{
#ifdef __SSE2__
    if (in->step == 3 || in->step == 4) {
        fast_rows(in, first, rows, axis, count, room, out);
        return;
    }
#endif
    (void)room;
    for (uint32_t y = 0; y < rows; y++)
        plain_row(in->pixels + (size_t)(first + y) * in->stride, in->step, axis, count, in->channels,
                  out + (size_t)y * count * in->channels);
}

void resize_column(const unsigned char *rows, size_t width, const struct resize_axis *axis, uint32_t i, void *room,
                   unsigned char *out)
{
    size_t x = 0;
#ifdef __SSE2__
    for (; x + 8 <= width; x += 8)
        eight_columns(rows + x, width, axis, i, out + x);
#endif
    plain_column(rows, width, x, axis, i, room, out);
}
