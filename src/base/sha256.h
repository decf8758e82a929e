/* sha256.h: SHA-256 (FIPS 180-4): tells contents apart. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { BASE_SHA256_SIZE = 32 };

struct base_sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    unsigned char block[64];
};

struct base_sha256 base_sha256_begin(void);
void base_sha256_add(struct base_sha256 *hash, const void *data, size_t size);
void base_sha256_end(const struct base_sha256 *hash, unsigned char out[BASE_SHA256_SIZE]); /* more may be added */

#endif
