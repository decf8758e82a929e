/* arena.c: blocks of doubling size, filled from the front; and the counted allocations. */
#include "base/arena.h"

#include "base/status.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define FIRST_BLOCK ((size_t)4096)
#define LARGEST_BLOCK ((size_t)1 << 20) /* blocks stop doubling here; a larger request gets its own block */

struct base_arena_block {
    struct base_arena_block *next; /* older */
    size_t size;                   /* bytes of data */
    size_t used;
    size_t pad; /* keeps the data, which follows, aligned to 16 */
};

_Static_assert(sizeof(struct base_arena_block) % ALIGNMENT == 0, "arena data must start aligned");

static _Atomic uint64_t alloc_count;

uint64_t base_alloc_count(void)
{
    return atomic_load_explicit(&alloc_count, memory_order_relaxed);
}

static void count_one(void)
{
    atomic_fetch_add_explicit(&alloc_count, 1, memory_order_relaxed);
}

static _Thread_local uint64_t exhausted_count;

uint64_t base_exhausted_count(void)
{
    return exhausted_count;
}

void base_exhausted_note(void)
{
    exhausted_count++;
}

void *base_alloc(size_t count, size_t size)
{
    void *memory = NULL;

    if (!size || count <= SIZE_MAX / size) {
        count_one();
        memory = calloc(count ? count : 1, size ? size : 1);
    }
    if (!memory)
        base_exhausted_note();
    return memory;
}

void base_free(void *pointer)
{
    free(pointer);
}

/* A new block with room for `size`; twice as large as the newest where that is more. */
static struct base_arena_block *add_block(struct base_arena *arena, size_t size)
{
    struct base_arena_block *block;
    size_t room = arena->blocks ? arena->blocks->size : FIRST_BLOCK / 2;

    room = room < LARGEST_BLOCK / 2 ? room * 2 : LARGEST_BLOCK;
    if (room < size)
        room = size;
    if (room > SIZE_MAX - sizeof(*block))
        return NULL;
    count_one();
    block = calloc(1, sizeof(*block) + room);
    if (!block)
        return NULL;
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->bytes += sizeof(*block) + room;
    return block;
}

void *base_arena_alloc(struct base_arena *arena, size_t size)
{
    struct base_arena_block *block = arena->blocks;
    unsigned char *data;

    if (size > SIZE_MAX - ALIGNMENT) {
        arena->failed = true;
        base_exhausted_note();
        return NULL;
    }
    size = size ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (!block || block->size - block->used < size)
        block = add_block(arena, size);
    if (!block) {
        arena->failed = true;
        base_exhausted_note();
        return NULL;
    }
    data = (unsigned char *)(block + 1) + block->used;
    block->used += size;
    return data;
}

enum mien_status base_arena_status(const struct base_arena *arena)
{
    return arena->failed ? base_fail(MIEN_ERR_NOMEM, "out of host memory for text") : MIEN_OK;
}

void *base_arena_array(struct base_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) {
        arena->failed = true;
        base_exhausted_note();
        return NULL;
    }
    return base_arena_alloc(arena, count * size);
}

char *base_arena_strndup(struct base_arena *arena, const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? base_arena_alloc(arena, length + 1) : NULL;

    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *base_arena_strdup(struct base_arena *arena, const char *text)
{
    return base_arena_strndup(arena, text, strlen(text));
}

char *base_arena_printf(struct base_arena *arena, const char *fmt, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, fmt);
    length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0)
        return NULL;
    text = base_arena_alloc(arena, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)length + 1, fmt, args);
    va_end(args);
    return text;
}

void base_arena_clear(struct base_arena *arena)
{
    while (arena->blocks) {
        struct base_arena_block *next = arena->blocks->next;

        free(arena->blocks);
        arena->blocks = next;
    }
    arena->bytes = 0;
    arena->failed = false;
}

enum mien_status base_grow(void *array, size_t *capacity, size_t want, size_t size)
{
    size_t room = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;
    void *old, *grown;

    if (want <= *capacity)
        return MIEN_OK;
    if (room < want)
        room = want;
    if (room < 8)
        room = 8;
    if (size && room > SIZE_MAX / size)
        room = want;
    if (size && want > SIZE_MAX / size)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory: %zu elements of %zu bytes", want, size);
    memcpy(&old, array, sizeof(old)); /* `array` is a T **; the copies keep to C's aliasing rules */
    count_one();
    grown = realloc(old, room * (size ? size : 1));
    if (!grown)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory: %zu elements of %zu bytes", room, size);
    memcpy(array, &grown, sizeof(grown));
    *capacity = room;
    return MIEN_OK;
}
