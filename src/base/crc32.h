/* crc32.h: the checksum of PNG, gzip and zip (polynomial 0xEDB88320, reflected). */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of `data` after `crc`, which is 0 at the start. Thread-safe. */
uint32_t base_crc32(uint32_t crc, const void *data, size_t size);

/* CRC-32C (Castagnoli: polynomial 0x82F63B78, reflected), the checksum of TFRecord; for short data. Likewise. */
uint32_t base_crc32c(uint32_t crc, const void *data, size_t size);

#endif
