/* image_check.c: the structure of PNG and JPEG files, what decoding them takes, and EXIF's orientation. */
#include "data/image_check.h"

#include "base/base.h"
#include "data/image_format.h"

#include <string.h>

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t be16(const unsigned char *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

/* Tag 0x0112 of the first directory of a TIFF block; 1 when it is not there or makes no sense. */
static int tiff_orientation(const unsigned char *p, size_t size)
{
    enum { ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };
    if (size < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
        return 1;
    bool big = p[0] == 'M';
    size_t at = big ? be32(p + 4) : le32(p + 4);
    if (at > size - 2)
        return 1;
    uint32_t count = big ? be16(p + at) : le16(p + at);
    at += 2;
    for (uint32_t i = 0; i < count && size - at >= ENTRY; i++, at += ENTRY) {
        const unsigned char *e = p + at;
        uint32_t tag = big ? be16(e) : le16(e), type = big ? be16(e + 2) : le16(e + 2);
        uint32_t value = big ? be16(e + 8) : le16(e + 8);
        if (tag == ORIENTATION)
            return type == SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* IHDR: 13 bytes at p. Which depths go with which colour type is PNG's table 11.1. */
static const char *check_ihdr(const unsigned char *p, size_t length, struct image_head *head)
{
    static const unsigned char channels[7] = {1, 0, 3, 1, 2, 0, 4}; /* by colour type; 3 is a palette */
    static const unsigned char depths[7] = {0x1F, 0, 0x18, 0x0F, 0x18, 0, 0x18};
    if (length != 13 || p[9] > 6 || !channels[p[9]] || p[8] == 0 || (p[8] & (p[8] - 1)) != 0 ||
        !(depths[p[9]] >> (p[8] > 8   ? 4
                           : p[8] > 4 ? 3
                           : p[8] > 2 ? 2
                           : p[8] > 1 ? 1
                                      : 0) &
          1) ||
        p[8] > 16 || p[10] != 0 || p[11] != 0 || p[12] > 1)
        return "PNG: the header is broken";
    head->width = be32(p);
    head->height = be32(p + 4);
    head->channels = channels[p[9]];
    head->bits = p[8];
    head->palette = p[9] == 3;
    head->several_passes = p[12] == 1;
    return head->width == 0 || head->height == 0 || (head->width | head->height) >> 31 ? "PNG: the header is broken"
                                                                                       : NULL;
}

static const char *check_png(const unsigned char *p, size_t size, struct image_head *head)
{
    bool first = true, colours = false;
    for (size_t at = 8; size - at >= 12;) {
        size_t length = be32(p + at);
        const unsigned char *type = p + at + 4;
        const char *why = NULL;
        if (length > size - at - 12)
            return "PNG: a chunk goes beyond the end of the file (cut off?)";
        if (base_crc32(0, type, length + 4) != be32(type + 4 + length))
            return "PNG: wrong checksum of a chunk, the file is damaged";
        if (memcmp(type, "CgBI", 4) == 0)
            return "PNG: Apple's private variant (CgBI) is not supported";
        if (first != (memcmp(type, "IHDR", 4) == 0))
            return "PNG: the header is missing or stands there twice";
        if (first && (why = check_ihdr(type + 4, length, head)) != NULL)
            return why;
        first = false;
        colours = colours || memcmp(type, "PLTE", 4) == 0;
        if (memcmp(type, "IDAT", 4) == 0) {
            if (head->palette && !colours)
                return "PNG: the palette is missing, the file is damaged";
            head->data = true;
            head->packed += length;
        }
        if (memcmp(type, "tRNS", 4) == 0)
            head->transparent = true;
        if (memcmp(type, "eXIf", 4) == 0)
            head->orientation = tiff_orientation(type + 4, length);
        if (memcmp(type, "IEND", 4) == 0)
            return head->data ? NULL : "PNG: no image data";
        at += length + 12;
    }
    return "PNG: the end is missing (cut off?)";
}

/* The position of the next marker's code after `at`, fill bytes and entropy-coded data passed over; size = none. */
static size_t next_marker(const unsigned char *p, size_t size, size_t at)
{
    for (; at + 1 < size; at++)
        if (p[at] == 0xFF && p[at + 1] != 0x00 && p[at + 1] != 0xFF && (p[at + 1] < 0xD0 || p[at + 1] > 0xD7))
            return at + 1;
    return size;
}

/* Start of frame: baseline, extended or progressive Huffman coding of 8-bit samples is what can be decoded. */
static const char *check_frame(unsigned marker, const unsigned char *segment, size_t length, struct image_head *head)
{
    uint32_t most_h = 1, most_v = 1, share = 0;
    if (marker > 0xC2)
        return "JPEG: lossless, hierarchical and arithmetic coding are not supported; save it as baseline JPEG";
    if (length < 8 || length != 8 + 3u * segment[7])
        return "JPEG: broken frame header";
    if (segment[2] == 12)
        return "JPEG: 12 bits per sample are not supported; save it with 8";
    if (segment[2] != 8)
        return "JPEG: only 8 bits per sample are supported";
    if (head->channels)
        return "JPEG: two frame headers";
    head->height = be16(segment + 3);
    head->width = be16(segment + 5);
    head->channels = segment[7];
    head->several_passes = marker == 0xC2;
    if (head->height == 0)
        return "JPEG: a height that is told after the data (DNL) is not supported; save it anew";
    if (head->width == 0)
        return "JPEG: broken frame header";
    if (head->channels != 1 && head->channels != 3 && head->channels != 4)
        return "JPEG: only 1 (grey), 3 (colour) and 4 (CMYK) components are supported";
    for (const unsigned char *c = segment + 8; c < segment + length; c += 3) {
        uint32_t h = c[1] >> 4, v = c[1] & 15;
        if (h < 1 || h > 4 || v < 1 || v > 4)
            return "JPEG: broken frame header";
        most_h = BASE_MAX(most_h, h);
        most_v = BASE_MAX(most_v, v);
        share += h * v;
        head->component[(c - segment - 8) / 3] = c[0];
    }
    head->samples = (double)share / (most_h * most_v);
    return NULL;
}

/* Start of scan: which components it has. */
static const char *check_scan(const unsigned char *segment, size_t length, struct image_head *head)
{
    if (length < 6 || length != 6 + 2u * segment[2] || segment[2] < 1 || segment[2] > 4 || head->channels == 0)
        return "JPEG: broken scan header";
    for (uint32_t i = 0; i < segment[2]; i++)
        for (uint32_t c = 0; c < head->channels; c++)
            head->seen |= segment[3 + 2 * i] == head->component[c] ? 1u << c : 0;
    head->several_passes = head->several_passes || segment[2] < head->channels;
    head->data = true;
    head->scans++;
    return NULL;
}

/* Huffman tables: class and id, 16 counts, as many symbols. stb_image before 2.28 writes past its tables when the
 * counts add up to more than 256. */
static const char *check_tables(const unsigned char *segment, size_t length)
{
    for (size_t at = 2; at < length;) {
        size_t symbols = 0;
        for (size_t i = 1; i <= 16 && at + i < length; i++)
            symbols += segment[at + i];
        if (length - at < 17 + symbols || symbols > 256 || (segment[at] & 0xEC) != 0)
            return "JPEG: broken Huffman table";
        at += 17 + symbols;
    }
    return NULL;
}

static const char *check_end(const struct image_head *head)
{
    if (!head->data)
        return "JPEG: no image data";
    return head->seen == (1u << head->channels) - 1 ? NULL : "JPEG: the data of a colour are missing (cut off?)";
}

static const char *check_jpeg(const unsigned char *p, size_t size, struct image_head *head)
{
    enum { DHT = 0xC4, JPG = 0xC8, DAC = 0xCC, EOI = 0xD9, SOS = 0xDA, APP1 = 0xE1, APP14 = 0xEE };
    const char *why = NULL;
    head->jpeg = true;
    head->bits = 8;
    size_t at = next_marker(p, size, 2);
    for (; at < size; at = next_marker(p, size, at)) {
        unsigned marker = p[at++];
        if (marker == EOI)
            return check_end(head);
        if (size - at < 2 || be16(p + at) < 2 || be16(p + at) > size - at)
            return "JPEG: a segment goes beyond the end of the file (cut off?)";
        size_t length = be16(p + at);
        if (marker == APP1 && length >= 8 && memcmp(p + at + 2, "Exif\0\0", 6) == 0)
            head->orientation = tiff_orientation(p + at + 8, length - 8);
        if (marker == APP14 && length >= 14 && memcmp(p + at + 2, "Adobe", 5) == 0)
            head->adobe = p[at + 13];
        if (marker >= 0xC0 && marker <= 0xCF && marker != DHT && marker != JPG && marker != DAC)
            why = check_frame(marker, p + at, length, head);
        if (marker == DHT)
            why = check_tables(p + at, length);
        if (marker == SOS && !head->data)
            head->first_scan = at - 2;
        if (marker == SOS)
            why = check_scan(p + at, length, head);
        if (why)
            return why;
        head->tables = head->tables || marker == DHT;
        at += length;
    }
    return "JPEG: the end marker is missing (cut off?)";
}

bool image_check(const void *data, size_t size, struct image_head *head, const char **why)
{
    const unsigned char *p = data;
    *head = (struct image_head){.orientation = 1, .adobe = -1};
    *why = NULL;
    if (size >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
        *why = check_png(p, size, head);
    else if (size >= 4 && p[0] == 0xFF && p[1] == 0xD8)
        *why = check_jpeg(p, size, head);
    else
        *why = image_format(data, size);
    return *why == NULL;
}

uint64_t image_memory(const struct image_head *head)
{
    uint64_t pixels = (uint64_t)head->width * head->height;
    if (head->jpeg) /* samples, coefficients of 16 bits where they are kept between scans; RGB */
        return (uint64_t)((double)pixels * (head->samples * (head->several_passes ? 3 : 1) + 3));
    /* stb_image: the compressed data in a buffer that doubles, the unpacked rows (one that interlacing makes a little
     * longer than expected doubles too), the samples, the colours of a palette, or a copy with other channels. */
    uint64_t raw = ((uint64_t)head->width * head->channels * head->bits + 7) / 8 * head->height + head->height;
    uint64_t out = pixels * (head->channels + (head->transparent && !head->palette)) * (head->bits > 8 ? 2 : 1);
    uint64_t after = head->palette ? pixels * 4 : 0, packed = 4096;
    while (packed < head->packed)
        packed *= 2;
    if (head->several_passes)
        return BASE_MAX(packed + 3 * raw, 2 * raw + out + BASE_MAX(out / 2, after));
    return BASE_MAX(packed + BASE_MAX(raw, packed / 2), raw + out + after);
}
