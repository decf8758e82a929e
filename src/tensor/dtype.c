/* dtype.c: data types and shapes; knows no device. */
#include "tensor/tensor.h"

#include <assert.h>
#include <string.h>

const char *mien_dtype_name(enum mien_dtype dtype)
{
    static const char *const names[] = {
#define NAME(name, word, size) [MIEN_##name] = word,
        MIEN_DTYPE_LIST(NAME)
#undef NAME
    };
    return (uint32_t)dtype < MIEN_DTYPE_COUNT ? names[dtype] : "unknown";
}

size_t mien_dtype_size(enum mien_dtype dtype)
{
    static const size_t sizes[] = {
#define SIZE(name, word, size) [MIEN_##name] = size,
        MIEN_DTYPE_LIST(SIZE)
#undef SIZE
    };
    return (uint32_t)dtype < MIEN_DTYPE_COUNT ? sizes[dtype] : 0;
}

struct tensor_shape tensor_shape_make(enum mien_dtype dtype, const uint32_t *dims)
{
    struct tensor_shape shape = {.dtype = dtype};
    for (; dims[shape.rank]; shape.rank++) {
        assert(shape.rank < MIEN_MAX_RANK);
        shape.dim[shape.rank] = dims[shape.rank];
    }
    return shape;
}

bool tensor_shape_equal(const struct tensor_shape *a, const struct tensor_shape *b)
{
    return a->rank == b->rank && (a->rank == 0 || a->dtype == b->dtype) &&
           memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

uint64_t tensor_shape_count(const struct tensor_shape *shape)
{
    return tensor_shape_rows(shape) * tensor_shape_width(shape);
}

uint64_t tensor_shape_bytes(const struct tensor_shape *shape)
{
    return tensor_shape_count(shape) * mien_dtype_size(shape->dtype);
}

uint64_t tensor_shape_rows(const struct tensor_shape *shape)
{
    uint64_t rows = shape->rank ? 1 : 0;
    for (uint32_t i = 0; i + 1 < shape->rank; i++)
        rows *= shape->dim[i];
    return rows;
}

uint32_t tensor_shape_width(const struct tensor_shape *shape)
{
    return shape->rank ? shape->dim[shape->rank - 1] : 0;
}

const char *tensor_shape_text(const struct tensor_shape *shape, char *buffer, size_t size)
{
    size_t at = 0;
    int n = snprintf(buffer, size, "%s[", shape->rank ? mien_dtype_name(shape->dtype) : "none");
    for (uint32_t i = 0; i < shape->rank; i++) {
        at += n > 0 ? (size_t)n : 0;
        if (at >= size)
            return buffer;
        n = snprintf(buffer + at, size - at, "%s%u", i ? "," : "", shape->dim[i]);
    }
    at += n > 0 ? (size_t)n : 0;
    if (at < size)
        snprintf(buffer + at, size - at, "]");
    return buffer;
}
