/* device.h: the Vulkan device of a test program: one way to open it, one rule for going without, and the validation
 * layers' messages counted at the end. For programs that are linked with vk or a room above it.
 *
 * A program is skipped where there is no device; one that is there but cannot be opened is a failure. */
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include "check.h"
#include "mien/gpu.h"
#include "vk/vk.h"

struct gpu {
    struct vk_instance *instance;
    struct vk_device *device; /* NULL after gpu_find */
    uint32_t index;
};

/* For programs that make devices of their own. False, and the reason is logged, when there is none. */
static inline bool gpu_find(struct gpu *gpu)
{
    *gpu = (struct gpu){0};
    if (vk_instance_create(NULL, &gpu->instance) == MIEN_OK &&
        vk_instance_choose(gpu->instance, NULL, &gpu->index) == MIEN_OK)
        return true;
    vk_instance_destroy(&gpu->instance);
    return false;
}

static inline bool gpu_open(struct gpu *gpu)
{
    if (!gpu_find(gpu))
        return false;
    const struct mien_gpu_params params = {.size = sizeof(params), .tune = MIEN_OFF}; /* whatever this machine keeps */
    CHECK_EQ(vk_device_create(gpu->instance, gpu->index, &params, &gpu->device), MIEN_OK);
    if (gpu->device)
        printf("device: %s\n", vk_device_caps(gpu->device)->name);
    else
        vk_instance_destroy(&gpu->instance);
    return gpu->device != NULL;
}

static inline void gpu_close(struct gpu *gpu)
{
    vk_device_destroy(&gpu->device);
    CHECK_EQ(vk_instance_validation_messages(gpu->instance), 0);
    vk_instance_destroy(&gpu->instance);
}

/* In main, when there is no device: the exit status. Tests without one that have failed already are not skipped. */
#define GPU_SKIP()                                                                                                     \
    do {                                                                                                               \
        if (check_failures)                                                                                            \
            return check_result();                                                                                     \
        CHECK_SKIP("no Vulkan device");                                                                                \
    } while (0)

/* ---- through the public interface ---- */

static inline bool gpu_open_public(struct mien_gpu **gpu)
{
    return mien_gpu_create(NULL, gpu) == MIEN_OK;
}

static inline void gpu_close_public(struct mien_gpu **gpu)
{
    CHECK_EQ(mien_gpu_validation_messages(*gpu), 0);
    mien_gpu_destroy(gpu);
}

#endif
