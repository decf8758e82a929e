/* rng.h: counter-based random numbers: draw i of stream (seed, stream) is a pure function, so that any worker can
 * reproduce any draw, whatever the order. Philox4x32-10 (Salmon et al., SC'11). */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>
#include <stddef.h>

struct base_rng {
    uint64_t seed;   /* of the run */
    uint64_t stream; /* which use: see base_rng_stream */
    uint64_t next;   /* counter of the next 32-bit draw */
};

/* A stream's number from a name and two indices (say "augment", epoch, sample): FNV-1a then a mix. */
uint64_t base_rng_stream(const char *name, uint64_t a, uint64_t b);

/* A generator at draw 0 of a stream. */
struct base_rng base_rng_make(uint64_t seed, const char *name, uint64_t a, uint64_t b);

uint32_t base_rng_u32(struct base_rng *rng);
double base_rng_uniform(struct base_rng *rng);             /* [0, 1), 53 bits */
double base_rng_normal(struct base_rng *rng);              /* Box-Muller, two draws of 64 bits each call */
uint32_t base_rng_below(struct base_rng *rng, uint32_t n); /* 0..n-1 without bias; n >= 1 */
void base_rng_shuffle(struct base_rng *rng, uint32_t *items, size_t count); /* Fisher-Yates */

#endif
