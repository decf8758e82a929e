/* gpu.h: tensors on the device of a test program. */
#ifndef TESTS_GRAPH_GPU_H
#define TESTS_GRAPH_GPU_H

#include "device.h"
#include "graph/graph.h"

static inline void fill_normal(float *x, uint64_t count, const char *name, double scale)
{
    struct base_rng rng = base_rng_make(7, name, count, 0);
    for (uint64_t i = 0; i < count; i++)
        x[i] = (float)(scale * base_rng_normal(&rng));
}

/* A device tensor filled with N(0, scale^2) from a stream of its name. */
static inline struct tensor make_tensor(struct gpu *gpu, struct tensor_shape shape, const char *name, double scale)
{
    struct tensor tensor = {0};
    uint64_t count = tensor_shape_count(&shape);
    float *data = base_alloc(count, sizeof(float));
    fill_normal(data, count, name, scale);
    CHECK_EQ(tensor_create(gpu->device, &shape, name, &tensor), MIEN_OK);
    CHECK_EQ(tensor_upload(gpu->device, &tensor, data), MIEN_OK);
    base_free(data);
    return tensor;
}

#endif
