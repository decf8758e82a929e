/* tensor.h: a shape and a dtype over a range of device memory. Row-major, dense, no strides. */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include "mien/tensor.h"
#include "vk/vk.h"

/* rank 0 = none (an absent optional tensor). A scalar is rank 1, dim {1}. */
struct tensor_shape {
    enum mien_dtype dtype;
    uint32_t rank;
    uint32_t dim[MIEN_MAX_RANK];
};

#define SHAPE_F32(...) tensor_shape_make(MIEN_F32, (const uint32_t[]){__VA_ARGS__, 0})
#define SHAPE_I32(...) tensor_shape_make(MIEN_I32, (const uint32_t[]){__VA_ARGS__, 0})

/* dims is ended by a 0; more than MIEN_MAX_RANK are an assertion failure. */
struct tensor_shape tensor_shape_make(enum mien_dtype dtype, const uint32_t *dims);
bool tensor_shape_equal(const struct tensor_shape *a, const struct tensor_shape *b);
uint64_t tensor_shape_count(const struct tensor_shape *shape); /* elements; 0 for rank 0 */
uint64_t tensor_shape_bytes(const struct tensor_shape *shape);
/* Product of all dims but the last; the last. [] views as rows x width. */
uint64_t tensor_shape_rows(const struct tensor_shape *shape);
uint32_t tensor_shape_width(const struct tensor_shape *shape);
/* "f32[2,3]" into buffer [size]; returns buffer. */
const char *tensor_shape_text(const struct tensor_shape *shape, char *buffer, size_t size);

struct tensor {
    struct tensor_shape shape;
    struct vk_range range;
};

enum mien_status tensor_create(struct vk_device *device, const struct tensor_shape *shape, const char *name,
                               struct tensor *out);
void tensor_destroy(struct vk_device *device, struct tensor *tensor);
/* Whole tensor, blocking. */
enum mien_status tensor_upload(struct vk_device *device, const struct tensor *tensor, const void *data);
enum mien_status tensor_download(struct vk_device *device, const struct tensor *tensor, void *data);

#endif
