/* arena.h: many small allocations, freed at once. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "mien/common.h"

struct base_arena {
    struct base_arena_block *blocks; /* newest first */
    size_t bytes;                    /* taken from the system so far */
    bool failed;                     /* an allocation did, since the arena was last empty */
};

/* Zeroed memory, aligned to 16, that lives until the arena is cleared; NULL when the system has none. size 0 is 1. */
void *base_arena_alloc(struct base_arena *arena, size_t size);

/* count * size with overflow check. */
void *base_arena_array(struct base_arena *arena, size_t count, size_t size);

char *base_arena_strdup(struct base_arena *arena, const char *text);
char *base_arena_strndup(struct base_arena *arena, const char *text, size_t length);
char *base_arena_printf(struct base_arena *arena, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* MIEN_ERR_NOMEM, logged, when an allocation has failed: for what makes texts where NULL also means that there is none.
 */
enum mien_status base_arena_status(const struct base_arena *arena);

/* Frees all; the arena is empty and usable again. A zeroed struct is an empty arena. */
void base_arena_clear(struct base_arena *arena);

/* Growable arrays: ensures room for `want` elements of `size` bytes in *array (malloc'ed), doubling *capacity.
 * MIEN_ERR_NOMEM leaves both unchanged. */
enum mien_status base_grow(void *array, size_t *capacity, size_t want, size_t size);

/* Process-wide count of calls that took memory from the system through base (arena blocks, base_grow, base_alloc):
 * what "a step allocates nothing" is measured with. */
uint64_t base_alloc_count(void);

/* How often memory has run out for this thread: allocations of base that failed, and MIEN_ERR_NOMEM by base_fail. For
 * what passes over failures, taking for absent what cannot be read: it asks before and after. */
uint64_t base_exhausted_count(void);
void base_exhausted_note(void); /* for base itself: once more */

/* calloc and free that are counted. */
void *base_alloc(size_t count, size_t size);
void base_free(void *pointer);

#endif
