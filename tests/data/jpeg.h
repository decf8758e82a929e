/* jpeg.h: makes small JPEG files for tests: baseline, each 8x8 block of one value. */
#ifndef TESTS_DATA_JPEG_H
#define TESTS_DATA_JPEG_H

#include "base/base.h"

#include <string.h>

struct jpeg_bits {
    unsigned char *out;
    size_t size;
    uint32_t bits, count;
};

static inline void jpeg_put(struct jpeg_bits *b, uint32_t value, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        b->bits = b->bits << 1 | (value >> i & 1);
        if (++b->count < 8)
            continue;
        b->out[b->size++] = (unsigned char)b->bits;
        if ((b->bits & 0xFF) == 0xFF)
            b->out[b->size++] = 0;
        b->bits = b->count = 0;
    }
}

static inline size_t jpeg_segment(unsigned char *out, unsigned marker, const void *data, size_t size)
{
    const unsigned char head[4] = {0xFF, (unsigned char)marker, (unsigned char)((size + 2) >> 8),
                                   (unsigned char)(size + 2)};
    memcpy(out, head, 4);
    memcpy(out + 4, data, size);
    return size + 4;
}

/* A block: the difference of its value to the one before; no further coefficients. */
static inline void jpeg_block(struct jpeg_bits *b, int difference)
{
    uint32_t size = 0, magnitude = (uint32_t)(difference < 0 ? -difference : difference);
    while (magnitude >> size)
        size++;
    jpeg_put(b, size, 4); /* twelve codes of four bits */
    jpeg_put(b, (uint32_t)(difference < 0 ? difference - 1 : difference) & ((1u << size) - 1), size);
    jpeg_put(b, 0, 1); /* end of block */
}

/* across x down blocks of 8x8 pixels; values [down,across,channels] from -100 to 100. channels: 1 grey, 3 YCbCr, 4 CMYK
 * with Adobe's marker. orientation 0 = no EXIF. Returns the size; `out` needs 700 bytes and 8 for each value. */
static inline size_t jpeg_make(uint32_t across, uint32_t down, uint32_t channels, const signed char *values,
                               int orientation, unsigned char *out)
{
    unsigned char exif[32] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01", frame[18] = {8}, scan[12] = {0};
    unsigned char quant[65] = {0}, dc[29] = {0x00, 0, 0, 0, 12}, ac[18] = {0x10, 1};
    int before[4] = {0};
    size_t n = 2;
    memcpy(out, "\xFF\xD8", 2);
    exif[25] = (unsigned char)orientation;
    if (orientation)
        n += jpeg_segment(out + n, 0xE1, exif, sizeof(exif));
    if (channels == 4)
        n += jpeg_segment(out + n, 0xEE, "Adobe\0d\0\0\0\0\0", 12);
    memset(quant + 1, 8, 64);
    n += jpeg_segment(out + n, 0xDB, quant, 65);
    frame[2] = (unsigned char)(8 * down);
    frame[4] = (unsigned char)(8 * across);
    frame[5] = scan[0] = (unsigned char)channels;
    for (uint32_t c = 0; c < channels; c++) {
        frame[6 + 3 * c] = scan[1 + 2 * c] = (unsigned char)(c + 1);
        frame[7 + 3 * c] = 0x11;
    }
    scan[2 * channels + 2] = 63;
    n += jpeg_segment(out + n, 0xC0, frame, 6 + 3 * channels);
    for (int i = 0; i < 12; i++)
        dc[17 + i] = (unsigned char)i;
    n += jpeg_segment(out + n, 0xC4, dc, sizeof(dc));
    n += jpeg_segment(out + n, 0xC4, ac, sizeof(ac));
    n += jpeg_segment(out + n, 0xDA, scan, 4 + 2 * channels);
    struct jpeg_bits b = {.out = out + n};
    for (uint32_t i = 0; i < across * down * channels; i++) {
        jpeg_block(&b, values[i] - before[i % channels]);
        before[i % channels] = values[i];
    }
    jpeg_put(&b, 0x7F, 7); /* fills the last byte */
    memcpy(out + n + b.size, "\xFF\xD9", 2);
    return n + b.size + 2;
}

#endif
