/* fixture.h: an instance and a device for a test of this room, and its two kernels. */
#ifndef TESTS_VK_FIXTURE_H
#define TESTS_VK_FIXTURE_H

#include "check.h"
#include "vk/vk.h"

#include <stdlib.h>

static const uint32_t affine_spirv[] = {
#include "affine.inc"
};

/* y = a * x + b with workgroups of `local` invocations. */
static inline struct vk_kernel affine_kernel(uint32_t local, uint32_t b)
{
    return (struct vk_kernel){
        .name = "affine",
        .spirv = affine_spirv,
        .spirv_size = sizeof affine_spirv,
        .buffers = 2,
        .push_size = 8,
        .spec_count = 9,
        .spec = {local, 1, 1, 0, 0, 0, 0, 0, b},
    };
}

struct affine_push {
    uint32_t n;
    float a;
};

/* Records y[n] = a * x[n] + b. */
static inline enum mien_status record_affine(struct vk_device *device, struct vk_recording *recording,
                                             struct vk_range x, struct vk_range y, uint32_t n, float a, uint32_t b)
{
    struct vk_kernel kernel = affine_kernel(64, b);
    struct vk_pipeline *pipeline = NULL;
    const struct vk_range ranges[] = {x, y};
    const struct affine_push push = {n, a};
    const uint32_t groups[3] = {(n + 63) / 64, 1, 1};
    enum mien_status status = vk_pipeline_get(device, &kernel, &pipeline);
    return status ? status : vk_record_dispatch(recording, pipeline, ranges, 2, &push, sizeof push, groups);
}

/* The last messages of the log, for tests of what they say. */
static char logged[8192];
static int logged_count;

static inline void keep_log(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    logged_count++;
    size_t length = strlen(logged);
    snprintf(logged + length, sizeof logged - length, "%s\n", message);
}

static inline void clear_log(void)
{
    logged[0] = 0;
    logged_count = 0;
}

#define CHECK_LOGGED(part)                                                                                             \
    do {                                                                                                               \
        CHECK(strstr(logged, (part)) != NULL);                                                                         \
        if (!strstr(logged, (part)))                                                                                   \
            fprintf(stderr, "  wanted \"%s\" in: %s\n", (part), logged);                                               \
    } while (0)

#define CHECK_OK(expr) CHECK((expr) == MIEN_OK)

#endif
