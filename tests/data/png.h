/* png.h: makes small PNG files for tests: 8 bits, stored without compression. */
#ifndef TESTS_DATA_PNG_H
#define TESTS_DATA_PNG_H

#include "base/base.h"

#include <stdint.h>
#include <string.h>

static inline void png_be32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static inline size_t png_chunk(unsigned char *out, const char *type, const void *data, uint32_t size)
{
    png_be32(out, size);
    memcpy(out + 4, type, 4);
    if (size > 0)
        memcpy(out + 8, data, size);
    png_be32(out + 8 + size, base_crc32(0, out + 4, size + 4));
    return size + 12;
}

/* A picture of 1 (grey), 3 or 4 channels and less than 60,000 bytes; orientation 0 = no EXIF. Returns the size; `out`
 * needs 200 bytes more than the pixels and rows. */
static inline size_t png_make(uint32_t width, uint32_t height, uint32_t channels, const unsigned char *pixels,
                              int orientation, unsigned char *out)
{
    static unsigned char raw[65536];
    unsigned char head[13] = {0};
    size_t n = 0, row = (size_t)width * channels;
    uint32_t a = 1, b = 0, length = (uint32_t)((row + 1) * height);
    png_be32(head, width);
    png_be32(head + 4, height);
    head[8] = 8;
    head[9] = channels == 1 ? 0 : channels == 3 ? 2 : 6;
    memcpy(raw, "\x78\x01\x01", 3); /* zlib, one final stored block */
    raw[3] = (unsigned char)length;
    raw[4] = (unsigned char)(length >> 8);
    raw[5] = (unsigned char)~raw[3];
    raw[6] = (unsigned char)~raw[4];
    for (uint32_t y = 0; y < height; y++) {
        raw[7 + y * (row + 1)] = 0;
        memcpy(raw + 8 + y * (row + 1), pixels + y * row, row);
    }
    for (uint32_t i = 0; i < length; i++) {
        a = (a + raw[7 + i]) % 65521;
        b = (b + a) % 65521;
    }
    png_be32(raw + 7 + length, b << 16 | a);
    memcpy(out, "\x89PNG\r\n\x1a\n", 8);
    n = 8 + png_chunk(out + 8, "IHDR", head, 13);
    if (orientation) {
        unsigned char exif[26] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0";
        exif[19] = (unsigned char)orientation;
        n += png_chunk(out + n, "eXIf", exif, sizeof(exif));
    }
    n += png_chunk(out + n, "IDAT", raw, 11 + length);
    return n + png_chunk(out + n, "IEND", NULL, 0);
}

#endif
