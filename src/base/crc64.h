/* crc64.h: the checksum of xz (CRC-64/XZ: polynomial 0xC96C5795D7870F42, reflected). For files of gigabytes: 32 bits
 * tell every pair of wrong bits apart only within half a gigabyte. */
#ifndef BASE_CRC64_H
#define BASE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Of `data` after `crc`, which is 0 at the start. Best in pieces of a megabyte: each call makes its tables.
 * Thread-safe.
 */
uint64_t base_crc64(uint64_t crc, const void *data, size_t size);

#endif
