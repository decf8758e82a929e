/* sampler.c: the order of an epoch. */
#include "data/sampler.h"

#include <string.h>

static enum mien_status sort_classes(struct sampler *s, const uint32_t *classes)
{
    enum mien_status status = MIEN_OK;
    s->class_start = base_alloc((size_t)s->classes + 2, sizeof(uint32_t));
    s->class_items = base_alloc(s->count, sizeof(uint32_t));
    FAIL_IF(!s->class_start || !s->class_items, MIEN_ERR_NOMEM, "out of host memory for the order of an epoch");
    for (uint32_t i = 0; i < s->count; i++)
        s->class_start[classes[i] + 2]++;
    for (uint32_t c = 2; c <= s->classes; c++)
        s->class_start[c] += s->class_start[c - 1];
    for (uint32_t i = 0; i < s->count; i++) /* start[c + 1] walks from c's first place to c + 1's */
        s->class_items[s->class_start[classes[i] + 1]++] = i;
fail:
    return status;
}

enum mien_status sampler_create(uint32_t count, const uint32_t *classes, uint32_t class_count, bool shuffle,
                                uint64_t seed, struct sampler *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct sampler){.count = count, .classes = classes ? class_count : 0, .shuffle = shuffle, .seed = seed};
    out->order = base_alloc(count, sizeof(uint32_t));
    out->scratch = base_alloc(count, sizeof(uint32_t));
    FAIL_IF(!out->order || !out->scratch, MIEN_ERR_NOMEM, "out of host memory for the order of an epoch");
    if (classes)
        TRY(sort_classes(out, classes));
    return MIEN_OK;
fail:
    sampler_clear(out);
    return status;
}

void sampler_clear(struct sampler *s)
{
    base_free(s->order);
    base_free(s->scratch);
    base_free(s->class_start);
    base_free(s->class_items);
    *s = (struct sampler){0};
}

/* `want` samples of class c to order[at..], in shuffled rounds over all of the class. */
static void draw_class(struct sampler *s, uint32_t c, uint32_t want, uint32_t at)
{
    uint32_t first = s->class_start[c], n = s->class_start[c + 1] - first;
    for (uint32_t taken = 0, round = 0; taken < want; round++) {
        uint32_t part = BASE_MIN(n, want - taken);
        struct base_rng rng = base_rng_make(s->seed, "class", (uint64_t)s->epoch << 32 | c, round);
        memcpy(s->scratch, s->class_items + first, n * sizeof(uint32_t));
        base_rng_shuffle(&rng, s->scratch, n);
        memcpy(s->order + at + taken, s->scratch, part * sizeof(uint32_t));
        taken += part;
    }
}

static void prepare_balanced(struct sampler *s)
{
    struct base_rng rng = base_rng_make(s->seed, "remainder", s->epoch, 0);
    uint32_t share = s->count / s->classes, left = s->count % s->classes;
    uint32_t lucky = base_rng_below(&rng, s->classes), at = 0; /* the classes from here on get the remainder */
    for (uint32_t c = 0; c < s->classes; c++) {
        uint32_t want = share + ((c + s->classes - lucky) % s->classes < left);
        draw_class(s, c, want, at);
        at += want;
    }
}

void sampler_prepare(struct sampler *s, uint32_t epoch)
{
    if (s->ready && s->epoch == epoch)
        return;
    s->epoch = epoch;
    s->ready = true;
    for (uint32_t i = 0; i < s->count; i++)
        s->order[i] = i;
    if (s->classes > 0)
        prepare_balanced(s);
    if (s->shuffle || s->classes > 0) {
        struct base_rng rng = base_rng_make(s->seed, "shuffle", epoch, 0);
        base_rng_shuffle(&rng, s->order, s->count);
    }
}
