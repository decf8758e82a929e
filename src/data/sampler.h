/* sampler.h: inside data: which sample stands at which place of an epoch. */
#ifndef DATA_SAMPLER_H
#define DATA_SAMPLER_H

#include "base/base.h"

struct sampler {
    uint32_t count;                      /* samples */
    uint32_t classes;                    /* 0 = not balanced */
    uint32_t *order;                     /* [count] of `epoch` */
    uint32_t *class_start, *class_items; /* samples of class c: items[start[c]] .. items[start[c + 1] - 1] */
    uint32_t *scratch;                   /* [count] */
    uint32_t epoch;
    bool ready, shuffle;
    uint64_t seed;
};

/* classes[i] below class_count is sample i's class, or NULL = not balanced. */
enum mien_status sampler_create(uint32_t count, const uint32_t *classes, uint32_t class_count, bool shuffle,
                                uint64_t seed, struct sampler *out);
void sampler_clear(struct sampler *s);

/* Fills `order` for the epoch: a permutation, or, balanced, as many samples drawn so that the classes' shares differ by
 * one at most and a class's own samples repeat only when all have been taken. */
void sampler_prepare(struct sampler *s, uint32_t epoch);

#endif
