/* mien/tensor.h: data types. Thread-safe: nothing here has a state. */
#ifndef MIEN_TENSOR_H
#define MIEN_TENSOR_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, word, bytes per element) */
#define MIEN_DTYPE_LIST(X)                                                                                             \
    X(F32, "f32", 4)                                                                                                   \
    X(I32, "i32", 4)                                                                                                   \
    X(F16, "f16", 2)                                                                                                   \
    X(BF16, "bf16", 2)

enum mien_dtype {
#define MIEN_DTYPE_ENUM(name, word, size) MIEN_##name,
    MIEN_DTYPE_LIST(MIEN_DTYPE_ENUM)
#undef MIEN_DTYPE_ENUM
        MIEN_DTYPE_COUNT
};

enum { MIEN_MAX_RANK = 4 };

/* "f32", ...; static storage. */
MIEN_API const char *mien_dtype_name(enum mien_dtype dtype);
/* Bytes per element. */
MIEN_API size_t mien_dtype_size(enum mien_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif
