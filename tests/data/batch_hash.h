/* batch_hash.h: what a loader hands out, as one number (FNV-1a). */
#ifndef TESTS_DATA_BATCH_HASH_H
#define TESTS_DATA_BATCH_HASH_H

#include "data/loader.h"

static inline uint64_t hash(uint64_t h, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001B3u;
    return h;
}

/* side: of its pictures; frames: of a sample. */
static inline uint64_t hash_batch(uint64_t h, const struct data_batch *b, uint32_t side, uint32_t frames)
{
    size_t texts = (size_t)b->levels * b->count;
    h = hash(h, b->images, (size_t)b->count * frames * 3 * side * side * sizeof(float));
    h = hash(h, b->kinds, b->count * sizeof(*b->kinds));
    h = hash(h, b->tokens, texts * b->length * sizeof(*b->tokens));
    h = hash(h, b->eot, texts * sizeof(*b->eot));
    return hash(h, b->weights, texts * sizeof(*b->weights));
}

#endif
