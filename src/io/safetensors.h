/* safetensors.h: the safetensors format: 8 bytes of header length (little endian), a JSON header, raw tensor data. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "base/source.h"

/* X(NAME as in the file, bytes per element) */
#define IO_DTYPE_LIST(X)                                                                                               \
    X(F32, 4)                                                                                                          \
    X(F16, 2)                                                                                                          \
    X(BF16, 2)                                                                                                         \
    X(F64, 8)                                                                                                          \
    X(I64, 8)                                                                                                          \
    X(I32, 4)                                                                                                          \
    X(I16, 2)                                                                                                          \
    X(I8, 1)                                                                                                           \
    X(U64, 8)                                                                                                          \
    X(U32, 4)                                                                                                          \
    X(U16, 2)                                                                                                          \
    X(U8, 1)                                                                                                           \
    X(BOOL, 1)                                                                                                         \
    X(F8_E4M3, 1)                                                                                                      \
    X(F8_E5M2, 1)                                                                                                      \
    X(F8_E8M0, 1)

enum io_dtype {
#define IO_DTYPE_ENUM(name, size) IO_##name,
    IO_DTYPE_LIST(IO_DTYPE_ENUM)
#undef IO_DTYPE_ENUM
        IO_DTYPE_COUNT
};

enum { IO_MAX_RANK = 8 };

const char *io_dtype_name(enum io_dtype dtype); /* "F32", ...; static storage */
size_t io_dtype_size(enum io_dtype dtype);      /* bytes per element */

/* One tensor of an open file. */
struct io_tensor {
    const char *name;
    enum io_dtype dtype;
    uint32_t rank; /* 0 = scalar, one element */
    uint64_t dims[IO_MAX_RANK];
    uint64_t count; /* elements: product of dims */
    uint64_t bytes;
    const struct base_in *in; /* where its elements are, until close */
    uint64_t offset;          /* of the first one */
    const uint64_t *strides;  /* [rank], elements; NULL: row by row without gaps, as always in safetensors */
    const char *file;         /* where it lies, for messages */
};

struct io_safetensors;

/* Opens the file and checks all of it but the values: header length and JSON (UTF-8, no duplicate names), known dtypes,
 * rank up to IO_MAX_RANK, sizes without overflow, data ranges that cover the buffer exactly, without holes or overlaps.
 * Anything else is MIEN_ERR_DATA with path, byte or tensor. */
enum mien_status io_safetensors_open(const char *path, struct io_safetensors **out);
/* `path` as base_source_in takes it; the source's bytes must outlive the file. */
enum mien_status io_safetensors_open_from(const struct base_source *source, const char *path,
                                          struct io_safetensors **out);
void io_safetensors_close(struct io_safetensors **file);

size_t io_safetensors_count(const struct io_safetensors *file);
/* In order of names (by bytes); index < count. */
const struct io_tensor *io_safetensors_at(const struct io_safetensors *file, size_t index);
/* NULL when there is none of that name. */
const struct io_tensor *io_safetensors_find(const struct io_safetensors *file, const char *name);
/* Value of a key of "__metadata__", or NULL. */
const char *io_safetensors_metadata(const struct io_safetensors *file, const char *key);

/* Elements [first, first+count), row by row, as they are stored, into out [count * io_dtype_size]. A range outside the
 * tensor is MIEN_ERR_ARG; a file that has been cut off MIEN_ERR_DATA. */
enum mien_status io_tensor_read(const struct io_tensor *tensor, uint64_t first, uint64_t count, void *out);
/* Elements [first, first+count) as f32, from F32, F16 or BF16 (exact); another dtype, or a value that is not finite, is
 * MIEN_ERR_DATA with file, tensor and element, a range outside the tensor MIEN_ERR_ARG. On failure `out` holds
 * anything.
 */
enum mien_status io_tensor_read_f32(const struct io_tensor *tensor, uint64_t first, uint64_t count, float *out);
/* The same for whoever counts what is not finite. */
enum mien_status io_tensor_read_raw(const struct io_tensor *tensor, uint64_t first, uint64_t count, float *out);
/* io_tensor_read of F32, F16 or BF16 that refuses what io_tensor_read_f32 refuses: for bytes used as they lie. */
enum mien_status io_tensor_read_checked(const struct io_tensor *tensor, uint64_t first, uint64_t count, void *out);

/* The place of the first of values [count] that is infinite or NaN; `count` when all are finite. */
uint64_t io_first_not_finite(const float *values, uint64_t count);
/* MIEN_ERR_DATA naming that one, counted from `first`. */
enum mien_status io_check_finite(const char *file, const char *tensor, uint64_t first, const float *values,
                                 uint64_t count);
/* values [count] as F16 or BF16 into out [count], which may be `values` itself. MIEN_ERR_DATA: one is beyond what the
 * type holds, or is not finite. */
enum mien_status io_narrow(const char *file, const char *tensor, enum io_dtype dtype, const float *values,
                           uint64_t count, void *out);

/* A model's logit_scale: exp of a larger one gives scores that say nothing, or none at all. MIEN_ERR_DATA beyond. */
enum { IO_LOGIT_SCALE_MOST = 20 };
enum mien_status io_check_logit_scale(const char *file, double value);

/* One tensor to be written. */
struct io_tensor_out {
    const char *name; /* UTF-8; borrowed during the call */
    enum io_dtype dtype;
    uint32_t rank;
    uint64_t dims[IO_MAX_RANK];
    const void *data; /* elements in `dtype`, or NULL: asked of `fill` in pieces */
};

/* Puts bytes [offset, offset+size) of tensor `index` (its place in the array given to the writer) into buffer. */
typedef enum mien_status (*io_fill_fn)(void *user, size_t index, uint64_t offset, void *buffer, size_t size);

/* Writes the file whole or not at all, streaming. Header sorted by name; data by element size (largest first), then
 * name; header padded with spaces to a multiple of 8. `metadata`: key, value, key, value, ..., NULL, or NULL;
 * "format": "pt", which Hugging Face asks for, is always there. Equal input gives equal bytes.
 * Duplicate names, a rank above IO_MAX_RANK or a size that overflows: MIEN_ERR_ARG. `fill` may be NULL when every
 * `data` is set. */
enum mien_status io_safetensors_write(const char *path, const struct io_tensor_out *tensors, size_t count,
                                      const char *const *metadata, io_fill_fn fill, void *user);
/* The same for a file that Mien names itself: base_out_open_own. */
enum mien_status io_safetensors_write_own(const char *path, const struct io_tensor_out *tensors, size_t count,
                                          const char *const *metadata, io_fill_fn fill, void *user);

#endif
