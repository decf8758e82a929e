/* stream.c: samples of shards in the order of the disk, drawn from a buffer. */
#include "data/stream.h"

#include <string.h>

/* The buffer keeps the bytes of its samples, so that the disk is read in order, up to so many; what enters it beyond
 * that is read when it is drawn. */
enum { MOST_HELD = 256 << 20 };

enum mien_status stream_create(const struct data_shards *shards, uint32_t buffer, uint64_t seed, struct stream *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct stream){.shards = shards, .buffer = buffer, .seed = seed};
    out->order = base_alloc(shards->count, sizeof(*out->order));
    out->held = base_alloc((size_t)buffer + 1, sizeof(*out->held));
    FAIL_IF(!out->order || !out->held, MIEN_ERR_NOMEM, "out of host memory for a buffer of %u samples", buffer);
fail:
    return status;
}

static void forget(struct stream *s)
{
    for (uint32_t i = 0; i < s->held_count; i++)
        base_free(s->held[i].bytes);
    s->held_count = 0;
    s->held_bytes = 0;
    shard_walk_clear(&s->walk);
}

void stream_clear(struct stream *s)
{
    forget(s);
    shard_sample_clear(&s->sample);
    base_free(s->order);
    base_free(s->held);
    *s = (struct stream){0};
}

/* The epoch's first sample. */
static void begin(struct stream *s, uint32_t epoch)
{
    struct base_rng rng = base_rng_make(s->seed, "shards", epoch, 0);
    forget(s);
    s->epoch = epoch;
    s->place = 0;
    s->begun = true;
    for (uint32_t i = 0; i < s->shards->count; i++)
        s->order[i] = i;
    if (s->buffer)
        base_rng_shuffle(&rng, s->order, s->shards->count);
    s->walk = (struct shard_walk){.shards = s->shards, .order = s->order};
}

/* The next sample of the disk; a place of size 0 after the last. skip: one that nobody asks for. */
static enum mien_status read_one(struct stream *s, bool skip, struct stream_sample *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct stream_sample){0};
    TRY(shard_walk_next(&s->walk, &s->sample));
    if (s->sample.count == 0)
        return MIEN_OK;
    out->place = s->sample.place;
    if (skip || s->held_bytes + out->place.size > MOST_HELD)
        return MIEN_OK;
    out->bytes = base_alloc(out->place.size + 1, 1);
    FAIL_IF_NULL(out->bytes, "a sample");
    status = base_in_read(s->walk.in, out->place.offset, out->bytes, out->place.size);
fail:
    if (status != MIEN_OK) {
        base_free(out->bytes);
        out->bytes = NULL;
    }
    return status;
}

/* Fills the buffer, which only falls short at an epoch's end. */
static enum mien_status fill(struct stream *s, bool skip)
{
    enum mien_status status = MIEN_OK;
    uint32_t want = BASE_MAX(s->buffer, 1u);
    while (s->held_count < want) {
        struct stream_sample *sample = &s->held[s->held_count];
        TRY(read_one(s, skip, sample));
        if (sample->place.size == 0)
            break;
        s->held_bytes += sample->bytes ? sample->place.size : 0;
        s->held_count++;
    }
fail:
    return status;
}

static enum mien_status draw(struct stream *s, bool skip, struct stream_sample *out)
{
    enum mien_status status = MIEN_OK;
    TRY(fill(s, skip));
    FAIL_IF(s->held_count == 0, MIEN_ERR_DATA,
            "%s: sample %llu of an epoch is not there any more; the shards have changed since they were counted",
            s->shards->manifest.path, (unsigned long long)s->place + 1);
    struct base_rng rng = base_rng_make(s->seed, "buffer", s->epoch, s->place);
    uint32_t at = s->buffer ? base_rng_below(&rng, s->held_count) : 0;
    *out = s->held[at];
    s->held[at] = s->held[--s->held_count];
    s->held_bytes -= out->bytes ? out->place.size : 0;
    s->place++;
fail:
    return status;
}

enum mien_status stream_seek(struct stream *s, uint32_t epoch, uint64_t place)
{
    enum mien_status status = MIEN_OK;
    struct stream_sample passed;
    if (!s->begun || s->epoch != epoch || s->place > place)
        begin(s, epoch);
    while (s->place < place) {
        TRY(draw(s, true, &passed));
        base_free(passed.bytes);
    }
fail:
    return status;
}

enum mien_status stream_next(struct stream *s, struct stream_sample *out)
{
    return draw(s, false, out);
}
