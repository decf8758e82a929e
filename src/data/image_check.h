/* image_check.h: inside data: what a picture's file says of itself, and what decoders do not check about it. */
#ifndef DATA_IMAGE_CHECK_H
#define DATA_IMAGE_CHECK_H

#include "mien/common.h"

struct image_head {
    uint32_t width, height;
    uint32_t channels, bits; /* as stored, 1 to 4; bits per channel */
    int orientation;         /* EXIF's, 1 to 8; 1 when there is none */
    bool jpeg;               /* else PNG */
    bool several_passes;     /* PNG: interlaced; JPEG: its coefficients come in more than one scan */
    bool data;               /* there is image data */
    /* PNG */
    bool palette, transparent; /* transparent: a tRNS chunk */
    uint64_t packed;           /* bytes of compressed data */
    /* JPEG */
    double samples;             /* per pixel, all components together */
    int adobe;                  /* colour transform of Adobe's marker; -1 when there is none */
    uint32_t scans, seen;       /* bit i of seen: component i is in a scan */
    unsigned char component[4]; /* identifiers */
    bool tables;                /* it has Huffman tables; frames of Motion JPEG go without */
    size_t first_scan;          /* offset of its marker */
};

/* Looks through a PNG or JPEG without decoding: chunk checksums and order, segment lengths, frame and scans, the end
 * marker. True when whole, with *head filled; else *why is a phrase (static storage), which for another format says
 * which one and what to do. */
bool image_check(const void *data, size_t size, struct image_head *head, const char **why);

/* Bytes that decoding takes at its peak, the pixels included; the file itself and small tables not. */
uint64_t image_memory(const struct image_head *head);

#endif
