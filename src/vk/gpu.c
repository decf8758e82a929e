/* gpu.c: the public device (mien/gpu.h): an instance with one device of it. */
#include "mien/gpu.h"
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

enum { TRACE_SPANS = 200000 }; /* a file of about 50 MB */

struct mien_gpu {
    struct base_trace *trace;
    struct vk_instance *instance;
    struct vk_device *device;
    char error[MIEN_ERROR_SIZE];
};

static void feature_words(uint32_t features, char *text, size_t size)
{
    static const char *const words[] = {
#define WORD(name, word, what) [VK_CAP_BIT_##name] = word,
        VK_CAP_LIST(WORD)
#undef WORD
    };
    size_t at = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < VK_CAP_COUNT && at < size; i++)
        if (features >> i & 1)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", words[i]);
}

static void matrix_sizes(const struct vk_caps *caps, char *text, size_t size)
{
    const struct vk_matrix *f = &caps->coopmat, *b = &caps->coopmat_bf16;
    size_t at = 0;
    text[0] = 0;
    if (caps->features & VK_CAP_COOPMAT)
        at = (size_t)snprintf(text, size, "f16 %ux%ux%u", f->m, f->n, f->k);
    if (caps->features & VK_CAP_COOPMAT_BF16)
        snprintf(text + at, size - at, "%sbf16 %ux%ux%u", at ? ", " : "", b->m, b->n, b->k);
}

/* dir: of the cache; NULL = the environment's */
static void describe(const struct vk_caps *caps, const char *dir, enum vk_trials trials, bool tuned,
                     struct mien_gpu_info *info)
{
    *info = (struct mien_gpu_info){
        .size = sizeof *info,
        .memory = caps->device_memory,
        .max_buffer = caps->max_range,
        .subgroup_size = caps->subgroup_size,
        .vendor_id = caps->vendor_id,
        .device_id = caps->device_id,
        .driver_version = caps->driver_version,
    };
    snprintf(info->name, sizeof info->name, "%s", caps->name);
    snprintf(info->driver, sizeof info->driver, "%s", caps->driver);
    snprintf(info->api, sizeof info->api, "%u.%u.%u", VK_API_VERSION_MAJOR(caps->api_version),
             VK_API_VERSION_MINOR(caps->api_version), VK_API_VERSION_PATCH(caps->api_version));
    snprintf(info->type, sizeof info->type, "%s", vk_device_type_name(caps->type));
    snprintf(info->tiles, sizeof info->tiles, "%s", vk_class_name(caps->class_));
    feature_words(caps->features, info->features, sizeof info->features);
    feature_words(caps->device_features & ~caps->features, info->masked, sizeof info->masked);
    matrix_sizes(caps, info->matrices, sizeof info->matrices);
    vk_caps_disabled(caps, info->disabled, sizeof info->disabled);
    (void)vk_caps_missing(caps, info->missing, sizeof info->missing);
    if (trials != VK_TRIALS_OFF)
        vk_trials_describe(caps, dir, info->kernels, sizeof info->kernels);
    if (tuned)
        vk_tuned_describe(caps, dir, info->tuned, sizeof info->tuned);
}

enum mien_status mien_gpu_list(const char *list, struct mien_gpu_info *infos, uint32_t capacity, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = NULL;
    struct mien_gpu_info info;
    enum vk_trials trials;
    bool untuned;
    size_t size = 0;
    NEED(count);
    *count = 0;
    NEED(infos || !capacity);
    if (capacity)
        TRY(base_sized_check(infos, &size, __func__, "infos"));
    TRY(vk_instance_create(NULL, &instance));
    for (uint32_t i = 0; i < vk_instance_device_count(instance); i++) {
        struct vk_caps caps = *vk_instance_caps(instance, i);
        TRY(vk_caps_clamp(&caps, list ? list : base_env("MIEN_CAPS")));
        TRY(vk_trials_read_switch(MIEN_DEFAULT, caps.type, &trials));
        TRY(vk_cache_read_switch("MIEN_TUNE", MIEN_DEFAULT, &untuned));
        if (i >= capacity) /* a bad list is told all the same */
            continue;
        describe(&caps, NULL, trials, !untuned, &info);
        void *to = (char *)infos + i * size;
        memcpy(to, &size, sizeof size);
        TRY(SIZED_WRITE(to, &info));
    }
    *count = vk_instance_device_count(instance);
fail:
    vk_instance_destroy(&instance);
    return status;
}

enum mien_status mien_gpu_find(const char *device, uint32_t *index)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = NULL;
    NEED(index);
    *index = 0;
    TRY(vk_instance_create(NULL, &instance));
    TRY(vk_instance_choose(instance, device, index));
fail:
    vk_instance_destroy(&instance);
    return status;
}

/* The device and its trace, on gpu->instance. */
static enum mien_status open_device(struct mien_gpu *gpu, uint32_t index, const struct mien_gpu_params *params)
{
    enum mien_status status = MIEN_OK;
    TRY(vk_device_create(gpu->instance, index, params, &gpu->device));
    if (params->trace) {
        TRY(base_trace_open(params->trace, TRACE_SPANS, &gpu->trace));
        TRY(vk_device_set_trace(gpu->device, gpu->trace));
    }
fail:
    return status;
}

enum mien_status mien_gpu_create(const struct mien_gpu_params *given, struct mien_gpu **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_gpu_params params;
    struct mien_gpu *gpu = NULL;
    uint32_t index = 0;
    NEED(out);
    *out = NULL;
    TRY(SIZED_READ(&params, given));
    gpu = base_alloc(1, sizeof *gpu);
    FAIL_IF_NULL(gpu, "a device");
    TRY(vk_instance_create(&params, &gpu->instance));
    TRY(vk_instance_choose(gpu->instance, params.device, &index));
    TRY(open_device(gpu, index, &params));
    *out = gpu;
    return MIEN_OK;
fail:
    mien_gpu_destroy(&gpu);
    return status;
}

enum mien_status mien_gpu_adopt(const struct mien_vulkan *given, const struct mien_gpu_params *given_params,
                                struct mien_gpu **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_vulkan vulkan;
    struct mien_gpu_params params;
    struct mien_gpu *gpu = NULL;
    NEED(out);
    *out = NULL;
    NEED(given);
    TRY(SIZED_READ(&vulkan, given));
    TRY(SIZED_READ(&params, given_params));
    FAIL_IF(params.device && *params.device, MIEN_ERR_ARG,
            "mien_gpu_adopt: the device is given; params->device \"%s\" cannot choose another", params.device);
    gpu = base_alloc(1, sizeof *gpu);
    FAIL_IF_NULL(gpu, "a device");
    TRY(vk_instance_adopt(&vulkan, &gpu->instance));
    TRY(open_device(gpu, 0, &params));
    *out = gpu;
    return MIEN_OK;
fail:
    mien_gpu_destroy(&gpu);
    return status;
}

void mien_gpu_destroy(struct mien_gpu **out)
{
    struct mien_gpu *gpu = out ? *out : NULL;
    if (!gpu)
        return;
    (void)mien_gpu_trace_end(gpu); /* a failure has been logged */
    vk_device_destroy(&gpu->device);
    vk_instance_destroy(&gpu->instance);
    base_free(gpu);
    *out = NULL;
}

enum mien_status mien_gpu_trace_end(struct mien_gpu *gpu)
{
    enum mien_status status = MIEN_OK;
    if (gpu && gpu->trace) {
        (void)vk_device_set_trace(gpu->device, NULL);
        TRY(base_trace_close(&gpu->trace));
    }
fail:
    return vk_gpu_ended(gpu, status);
}

const char *mien_gpu_name(const struct mien_gpu *gpu)
{
    return gpu ? vk_device_caps(gpu->device)->name : "";
}

enum mien_status mien_gpu_describe(const struct mien_gpu *gpu, struct mien_gpu_info *info)
{
    enum mien_status status = MIEN_OK;
    struct mien_gpu_info own;
    NEED(gpu && info);
    describe(vk_device_caps(gpu->device), gpu->device->cache_dir, vk_device_trials(gpu->device), !gpu->device->tune_off,
             &own);
    TRY(SIZED_WRITE(info, &own));
fail:
    return status;
}

const char *mien_gpu_error(const struct mien_gpu *gpu)
{
    return gpu ? gpu->error : "";
}

bool mien_gpu_lost(const struct mien_gpu *gpu)
{
    return gpu && vk_device_lost(gpu->device);
}

uint32_t mien_gpu_validation_messages(const struct mien_gpu *gpu)
{
    return gpu ? vk_instance_validation_messages(gpu->instance) : 0;
}

struct vk_device *vk_gpu_device(struct mien_gpu *gpu)
{
    return gpu->device;
}

enum mien_status vk_gpu_ended(struct mien_gpu *gpu, enum mien_status status)
{
    if (gpu && status != MIEN_OK)
        snprintf(gpu->error, sizeof gpu->error, "%s", mien_last_error());
    return status;
}
