/* stream.h: inside data: the order in which samples of shards are taken. */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include "data/shards.h"

/* A sample on its way to a batch. */
struct stream_sample {
    struct shard_place place;
    char *bytes; /* malloc'ed; NULL: the buffer is full of bytes, read them by shard_read */
};

struct stream {
    const struct data_shards *shards;
    uint64_t seed;
    uint32_t buffer; /* samples that are drawn from; 0 = the order of the shards */
    /* where it stands */
    bool begun;
    uint32_t epoch;
    uint64_t place; /* of the next sample in its epoch */
    uint32_t *order;
    struct shard_walk walk;
    struct shard_sample sample;
    struct stream_sample *held; /* [held_count] */
    uint32_t held_count;
    uint64_t held_bytes;
};

/* Begins before the first sample. buffer 0: the shards and their samples as they are; else the shards of each epoch are
 * shuffled, `buffer` samples are read ahead, and each sample is drawn from these. All is a pure function of seed, epoch
 * and place. */
enum mien_status stream_create(const struct data_shards *shards, uint32_t buffer, uint64_t seed, struct stream *out);
void stream_clear(struct stream *stream);

/* Makes `place` of an epoch the next one. Where that is not the next one already, the epoch's samples before it are
 * passed over, by their headers and objects alone. */
enum mien_status stream_seek(struct stream *stream, uint32_t epoch, uint64_t place);
/* The next sample, whose bytes are the caller's. MIEN_ERR_DATA: the epoch is at its end, for shards have changed. */
enum mien_status stream_next(struct stream *stream, struct stream_sample *out);

#endif
