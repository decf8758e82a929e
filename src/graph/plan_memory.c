/* plan_memory.c: addresses for memory that is needed from one step to another. Largest first, each into the smallest
 * gap that is free for the whole of its life (greedy by size, best fit): within a few per cent of the peak of live
 * bytes on training steps, whose big activations nest like brackets. Quadratic in the number of items, which is some
 * thousands for a large model. */
#include "graph/graph_internal.h"

#include <stdlib.h>
#include <string.h>

/* The items placed in one slab, by rising offset. */
struct slab {
    struct plan_item **item;
    size_t count, capacity;
    uint64_t bytes;
};

/* Larger first; then earlier; then by address, that is, by the caller's order. */
static int by_size(const void *a, const void *b)
{
    const struct plan_item *x = *(struct plan_item *const *)a, *y = *(struct plan_item *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool meet(const struct plan_item *a, const struct plan_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Offset of the smallest gap of `bytes` or more between the items alive together with `item`, or the end of the last
 * of them. */
static uint64_t best_gap(const struct slab *slab, const struct plan_item *item, uint64_t bytes)
{
    uint64_t end = 0, best = UINT64_MAX, smallest = UINT64_MAX;
    for (size_t i = 0; i < slab->count; i++) {
        const struct plan_item *other = slab->item[i];
        if (!meet(item, other))
            continue;
        if (other->offset >= end + bytes && other->offset - end < smallest) {
            smallest = other->offset - end;
            best = end;
        }
        end = BASE_MAX(end, other->offset + base_round_up(other->bytes, PLAN_ALIGN));
    }
    return best == UINT64_MAX ? end : best;
}

static enum mien_status insert(struct slab *slab, struct plan_item *item, uint64_t bytes)
{
    enum mien_status status = base_grow(&slab->item, &slab->capacity, slab->count + 1, sizeof(struct plan_item *));
    if (status != MIEN_OK)
        return status;
    size_t at = slab->count;
    while (at > 0 && slab->item[at - 1]->offset > item->offset)
        at--;
    memmove(&slab->item[at + 1], &slab->item[at], (slab->count - at) * sizeof(struct plan_item *));
    slab->item[at] = item;
    slab->count++;
    slab->bytes = BASE_MAX(slab->bytes, item->offset + bytes);
    return MIEN_OK;
}

/* Into the first slab that has room below the limit. */
static enum mien_status place(struct slab *slabs, struct plan_item *item, uint64_t limit, bool no_alias)
{
    uint64_t bytes = base_round_up(BASE_MAX(item->bytes, 1), PLAN_ALIGN);
    for (uint32_t s = 0; s < PLAN_MAX_SLABS; s++) {
        uint64_t offset = no_alias ? slabs[s].bytes : best_gap(&slabs[s], item, bytes);
        if (bytes > limit || offset > limit - bytes)
            continue;
        item->slab = s;
        item->offset = offset;
        return insert(&slabs[s], item, bytes);
    }
    return base_fail(MIEN_ERR_DEVICE_MEMORY,
                     "an activation of %.1f MiB does not fit: the device gives %.1f MiB at once and %d such blocks are "
                     "in use; use a smaller batch",
                     (double)bytes / 1048576.0, (double)limit / 1048576.0, PLAN_MAX_SLABS);
}

/* Most bytes alive at one step: the sum of births and deaths, walked in order. */
static enum mien_status live_peak(const struct plan_item *items, size_t count, uint64_t *peak)
{
    uint32_t steps = 0;
    uint64_t live = 0;
    *peak = 0;
    for (size_t i = 0; i < count; i++)
        steps = BASE_MAX(steps, items[i].last + 1);
    uint64_t *born = base_alloc((size_t)steps + 1, sizeof(*born)), *dead = base_alloc((size_t)steps + 1, sizeof(*dead));
    for (size_t i = 0; i < count && born && dead; i++) {
        uint64_t bytes = base_round_up(BASE_MAX(items[i].bytes, 1), PLAN_ALIGN);
        born[items[i].first] += bytes;
        dead[items[i].last + 1] += bytes;
    }
    for (uint32_t s = 0; s <= steps && born && dead; s++) {
        live += born[s] - dead[s];
        *peak = BASE_MAX(*peak, live);
    }
    bool ok = born && dead;
    base_free(born);
    base_free(dead);
    return ok ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for a plan of %u steps", steps);
}

enum mien_status plan_memory(struct plan_item *items, size_t count, uint64_t slab_limit, bool no_alias,
                             struct plan_result *out)
{
    enum mien_status status = MIEN_OK;
    struct slab slabs[PLAN_MAX_SLABS] = {{0}};
    struct plan_item **order = base_alloc(BASE_MAX(count, 1), sizeof(*order));
    memset(out, 0, sizeof(*out));
    FAIL_IF_NULL(order, "a memory plan");
    for (size_t i = 0; i < count; i++) {
        order[i] = &items[i];
        out->unaliased += base_round_up(BASE_MAX(items[i].bytes, 1), PLAN_ALIGN);
    }
    qsort(order, count, sizeof(struct plan_item *), by_size);
    for (size_t i = 0; i < count; i++)
        TRY(place(slabs, order[i], slab_limit, no_alias));
    TRY(live_peak(items, count, &out->live_peak));
    for (uint32_t s = 0; s < PLAN_MAX_SLABS && slabs[s].bytes; s++) {
        out->slab_bytes[out->slab_count++] = slabs[s].bytes;
        out->total += slabs[s].bytes;
    }
fail:
    for (uint32_t s = 0; s < PLAN_MAX_SLABS; s++)
        base_free(slabs[s].item);
    base_free(order);
    return status;
}
