/* image_check.c: the structure of PNG and JPEG files, and EXIF's orientation. */
#include "data/image_check.h"

#include "base/base.h"

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

static const char *check_png(const unsigned char *p, size_t size, int *orientation)
{
    bool first = true, data = false;
    for (size_t at = 8; size - at >= 12;) {
        size_t length = be32(p + at);
        const unsigned char *type = p + at + 4;
        if (length > size - at - 12)
            return "PNG: a chunk goes beyond the end of the file (cut off?)";
        if (base_crc32(0, type, length + 4) != be32(type + 4 + length))
            return "PNG: wrong checksum of a chunk, the file is damaged";
        if (memcmp(type, "CgBI", 4) == 0)
            return "PNG: Apple's private variant (CgBI) is not supported";
        if (first != (memcmp(type, "IHDR", 4) == 0))
            return "PNG: the header is missing or stands there twice";
        first = false;
        data = data || memcmp(type, "IDAT", 4) == 0;
        if (memcmp(type, "eXIf", 4) == 0)
            *orientation = tiff_orientation(type + 4, length);
        if (memcmp(type, "IEND", 4) == 0)
            return data ? NULL : "PNG: no image data";
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
static const char *check_frame(unsigned marker, const unsigned char *segment, size_t length)
{
    if (marker > 0xC2)
        return "JPEG: lossless, hierarchical and arithmetic coding are not supported; save it as baseline JPEG";
    if (length < 8)
        return "JPEG: broken frame header";
    return segment[2] == 8 ? NULL : "JPEG: only 8 bits per sample are supported";
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

static const char *check_jpeg(const unsigned char *p, size_t size, int *orientation)
{
    enum { DHT = 0xC4, JPG = 0xC8, DAC = 0xCC, EOI = 0xD9, SOS = 0xDA, APP1 = 0xE1 };
    bool scan = false, tables = false;
    const char *why = NULL;
    size_t at = next_marker(p, size, 2);
    for (; at < size; at = next_marker(p, size, at)) {
        unsigned marker = p[at++];
        if (marker == EOI)
            return !scan ? "JPEG: no image data" : tables ? NULL : "JPEG: no Huffman tables (a Motion-JPEG frame?)";
        if (size - at < 2 || be16(p + at) < 2 || be16(p + at) > size - at)
            return "JPEG: a segment goes beyond the end of the file (cut off?)";
        size_t length = be16(p + at);
        if (marker == APP1 && length >= 8 && memcmp(p + at + 2, "Exif\0\0", 6) == 0)
            *orientation = tiff_orientation(p + at + 8, length - 8);
        if (marker >= 0xC0 && marker <= 0xCF && marker != DHT && marker != JPG && marker != DAC)
            why = check_frame(marker, p + at, length);
        if (marker == DHT)
            why = check_tables(p + at, length);
        if (why)
            return why;
        scan = scan || marker == SOS;
        tables = tables || marker == DHT;
        at += length;
    }
    return "JPEG: the end marker is missing (cut off?)";
}

bool image_check(const void *data, size_t size, int *orientation, const char **why)
{
    const unsigned char *p = data;
    *orientation = 1;
    *why = NULL;
    if (size >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
        *why = check_png(p, size, orientation);
    else if (size >= 4 && p[0] == 0xFF && p[1] == 0xD8)
        *why = check_jpeg(p, size, orientation);
    else
        *why = "not a PNG or JPEG image";
    return *why == NULL;
}
