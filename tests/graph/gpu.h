/* gpu.h: the device of a test program; without one the program is skipped. */
#ifndef TESTS_GRAPH_GPU_H
#define TESTS_GRAPH_GPU_H

#include "check.h"
#include "graph/graph.h"

struct gpu {
    struct vk_instance *instance;
    struct vk_device *device;
};

/* False, with the reason printed, when there is no device. */
static inline bool gpu_open(struct gpu *gpu)
{
    uint32_t index;
    *gpu = (struct gpu){0};
    if (vk_instance_create(&gpu->instance) != MIEN_OK || vk_instance_choose(gpu->instance, NULL, &index) != MIEN_OK ||
        vk_device_create(gpu->instance, index, NULL, &gpu->device) != MIEN_OK) {
        vk_instance_destroy(&gpu->instance);
        return false;
    }
    printf("device: %s\n", vk_device_caps(gpu->device)->name);
    return true;
}

static inline void gpu_close(struct gpu *gpu)
{
    vk_device_destroy(&gpu->device);
    CHECK_EQ(vk_instance_validation_messages(gpu->instance), 0);
    vk_instance_destroy(&gpu->instance);
}

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
