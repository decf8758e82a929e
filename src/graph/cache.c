/* cache.c: programs by shape, least recently used dropped. */
#include "graph/graph_internal.h"

#include <string.h>

struct cache_entry {
    uint32_t key[GRAPH_CACHE_KEY], count;
    uint64_t used; /* clock of the last get; 0 = empty */
    struct graph_program *program;
    void *user;
};

struct graph_cache {
    struct graph_slabs slabs;
    uint32_t limit;
    uint64_t clock;
    struct cache_entry entry[GRAPH_CACHE_MAX];
};

static void entry_clear(struct cache_entry *entry)
{
    graph_program_destroy(&entry->program);
    base_free(entry->user);
    memset(entry, 0, sizeof(*entry));
}

enum mien_status graph_cache_create(struct vk_device *device, uint32_t limit, struct graph_cache **out)
{
    *out = NULL;
    if (limit == 0)
        limit = GRAPH_CACHE_MAX;
    if (limit < 2 || limit > GRAPH_CACHE_MAX)
        return base_fail(MIEN_ERR_ARG, "a graph cache keeps 2 to %d programs, not %u", GRAPH_CACHE_MAX, limit);
    struct graph_cache *cache = base_alloc(1, sizeof(*cache));
    if (!cache)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a graph cache");
    cache->slabs.device = device;
    cache->limit = limit;
    *out = cache;
    return MIEN_OK;
}

void graph_cache_destroy(struct graph_cache **cache)
{
    if (!cache || !*cache)
        return;
    for (uint32_t i = 0; i < GRAPH_CACHE_MAX; i++)
        entry_clear(&(*cache)->entry[i]);
    slabs_clear(&(*cache)->slabs);
    base_free(*cache);
    *cache = NULL;
}

uint32_t graph_cache_count(const struct graph_cache *cache)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cache->limit; i++)
        count += cache->entry[i].used != 0;
    return count;
}

static struct cache_entry *find(struct graph_cache *cache, const uint32_t *key, uint32_t count)
{
    for (uint32_t i = 0; i < cache->limit; i++) {
        struct cache_entry *entry = &cache->entry[i];
        if (entry->used && entry->count == count && memcmp(entry->key, key, count * sizeof(*key)) == 0)
            return entry;
    }
    return NULL;
}

/* An empty entry, or the least recently used. */
static struct cache_entry *oldest(struct graph_cache *cache)
{
    struct cache_entry *best = &cache->entry[0];
    for (uint32_t i = 1; i < cache->limit; i++) {
        if (cache->entry[i].used < best->used)
            best = &cache->entry[i];
    }
    return best;
}

static bool on_old_slab(const struct graph_program *program)
{
    for (uint32_t s = 0; s < PLAN_MAX_SLABS; s++) {
        if (program->shared[s] && !program->shared[s]->newest)
            return true;
    }
    return false;
}

/* Drops what holds a slab that has been outgrown, but not the program given last, which may still be in use. */
static void drop_outgrown(struct graph_cache *cache)
{
    for (uint32_t i = 0; i < cache->limit; i++) {
        struct cache_entry *entry = &cache->entry[i];
        if (entry->used && entry->used != cache->clock && on_old_slab(entry->program))
            entry_clear(entry);
    }
}

enum mien_status graph_cache_get(struct graph_cache *cache, const uint32_t *key, uint32_t count, graph_cache_make make,
                                 void *context, struct graph_program **program, void **user)
{
    enum mien_status status = MIEN_OK;
    struct cache_entry made = {.count = count};
    *program = NULL;
    FAIL_IF(count > GRAPH_CACHE_KEY, MIEN_ERR_ARG, "a graph cache key has at most %d numbers, not %u", GRAPH_CACHE_KEY,
            count);
    struct cache_entry *entry = find(cache, key, count);
    if (!entry) {
        struct graph_compile_params params = {.slabs = &cache->slabs};
        memcpy(made.key, key, count * sizeof(*key));
        TRY(make(context, key, params, &made.program, &made.user));
        drop_outgrown(cache);
        entry = oldest(cache);
        entry_clear(entry);
        *entry = made;
    }
    if (entry->used != cache->clock || cache->clock == 0)
        entry->used = ++cache->clock;
    *program = entry->program;
    if (user)
        *user = entry->user;
    return MIEN_OK;
fail:
    entry_clear(&made);
    return status;
}
