/* clips.c: which frames of a clip a training sample uses. */
#include "data/clips.h"

#include "data/frames.h"

static void uniform(uint32_t count, uint32_t total, uint32_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = total >= count ? (uint32_t)data_frames_pick(total, count, i) : (uint32_t)((uint64_t)i * total / count);
}

/* Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S): all subsets are alike, and in order. */
static void any(uint32_t count, uint32_t total, struct base_rng *rng, uint32_t *out)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < total && taken < count; i++) {
        if (base_rng_below(rng, total - i) < count - taken)
            out[taken++] = i;
    }
}

/* Element k of 0 1 ... n-1 n-2 ... 1 0 1 ...: n elements mirrored at their ends, which are not repeated. */
static uint32_t reflected(uint64_t k, uint32_t n)
{
    uint64_t period = n > 1 ? 2 * ((uint64_t)n - 1) : 1;
    k %= period;
    return (uint32_t)(k < n ? k : period - k);
}

static void emoclip(const struct data_clips *c, uint32_t total, struct base_rng *rng, uint32_t *out)
{
    uint32_t kept = (total - 1) / c->stride + 1, start = base_rng_below(rng, kept);
    uint64_t end = (uint64_t)start + c->count;
    /* from start on and, where the end comes before, on from the first; at most all of them that often */
    uint32_t length = end < kept ? c->count : kept - start + (uint32_t)BASE_MIN(end - kept, (uint64_t)kept);
    for (uint32_t i = 0; i < c->count; i++)
        out[i] = (start + reflected(i, length)) % kept * c->stride;
}

void data_clips_sample(const struct data_clips *c, uint32_t total, struct base_rng *rng, uint32_t *out)
{
    if (c->sampling == DATA_SAMPLING_EMOCLIP)
        emoclip(c, total, rng, out);
    else if (c->sampling == DATA_SAMPLING_RANDOM && total > c->count)
        any(c->count, total, rng, out);
    else
        uniform(c->count, total, out);
}
