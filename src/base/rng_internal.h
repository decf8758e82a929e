/* rng_internal.h: the bare block function, for the known-answer test. */
#ifndef BASE_RNG_INTERNAL_H
#define BASE_RNG_INTERNAL_H

#include <stdint.h>

void base_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
