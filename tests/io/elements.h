/* elements.h: the elements of a tensor in a file, as they are stored. */
#ifndef TESTS_IO_ELEMENTS_H
#define TESTS_IO_ELEMENTS_H

#include "base/base.h"
#include "io/safetensors.h"

/* In the arena, row by row; NULL when they cannot be read. */
static inline void *elements_of(const struct io_tensor *tensor, struct base_arena *arena)
{
    void *data = base_arena_alloc(arena, (size_t)tensor->bytes + 1);
    return data && io_tensor_read(tensor, 0, tensor->count, data) == MIEN_OK ? data : NULL;
}

#endif
