/* crc64.c: by sixteen bytes at a time. */
#include "base/crc64.h"

#define POLYNOMIAL 0xC96C5795D7870F42u

enum { STRIDE = 16 };

static uint64_t load(const unsigned char *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)p[i] << 8 * i;
    return value;
}

/* table[k][b]: what byte b becomes when k more bytes of zeros follow it. */
static void make_tables(uint64_t table[STRIDE][256])
{
    for (uint32_t b = 0; b < 256; b++) {
        uint64_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (int k = 1; k < STRIDE; k++)
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

/* What eight bytes become; t [8] of the tables, for as many bytes as follow them. */
static inline uint64_t fold(uint64_t word, const uint64_t t[8][256])
{
    return t[7][word & 255] ^ t[6][word >> 8 & 255] ^ t[5][word >> 16 & 255] ^ t[4][word >> 24 & 255] ^
           t[3][word >> 32 & 255] ^ t[2][word >> 40 & 255] ^ t[1][word >> 48 & 255] ^ t[0][word >> 56];
}

uint64_t base_crc64(uint64_t crc, const void *data, size_t size)
{
    uint64_t table[STRIDE][256];
    const unsigned char *p = data, *end = p + size;
    make_tables(table);
    crc = ~crc;
    for (; end - p >= STRIDE; p += STRIDE)
        crc = fold(crc ^ load(p), (const uint64_t(*)[256])table + 8) ^ fold(load(p + 8), (const uint64_t(*)[256])table);
    for (; p < end; p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}
