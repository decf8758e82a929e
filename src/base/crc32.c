/* crc32.c: by half bytes where the data is short, by eight bytes at a time where tables are worth their making. */
#include "base/crc32.h"

enum { WORTH_TABLES = 1 << 14 }; /* bytes; the tables take about as long as this many by half bytes */

/* What a half byte becomes: of 0xEDB88320, and of 0x82F63B78. */
static const uint32_t halves[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                    0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                    0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
static const uint32_t halves_c[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3,
                                      0x61C69362, 0x7198540D, 0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                      0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};

static uint32_t by_halves(const uint32_t *nibble, uint32_t crc, const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

/* table[k][b]: what byte b becomes when k more bytes of zeros follow it. */
static uint32_t by_eights(uint32_t crc, const unsigned char *p, size_t size)
{
    uint32_t table[8][256];
    for (uint32_t b = 0; b < 256; b++) {
        const unsigned char byte = (unsigned char)b;
        table[0][b] = by_halves(halves, 0, &byte, 1);
    }
    for (uint32_t b = 0; b < 256; b++)
        for (int k = 1; k < 8; k++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint32_t low =
            crc ^ ((uint32_t)p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16 | (uint32_t)p[i + 3] << 24);
        crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
              table[3][p[i + 4]] ^ table[2][p[i + 5]] ^ table[1][p[i + 6]] ^ table[0][p[i + 7]];
    }
    return by_halves(halves, crc, p + i, size - i);
}

uint32_t base_crc32(uint32_t crc, const void *data, size_t size)
{
    return ~(size < WORTH_TABLES ? by_halves(halves, ~crc, data, size) : by_eights(~crc, data, size));
}

uint32_t base_crc32c(uint32_t crc, const void *data, size_t size)
{
    return ~by_halves(halves_c, ~crc, data, size);
}
