/* device.c: a device with its queue and its timeline. */
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- creation --------------------------------------------------------------------------------------------------- */

static void chain(VkDeviceCreateInfo *info, void *item)
{
    VkBaseOutStructure *added = item;
    added->pNext = (void *)info->pNext;
    info->pNext = added;
}

struct matrix_chain {
    VkPhysicalDeviceVulkanMemoryModelFeatures model;
    struct vk_matrix_features matrices;
    struct vk_bfloat16_features bfloat16;
};

static void chain_matrices(uint32_t features, struct matrix_chain *m, const char **extensions, VkDeviceCreateInfo *info)
{
    *m = (struct matrix_chain){
        .model = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
                  .vulkanMemoryModel = VK_TRUE},
        .matrices = {.sType = (VkStructureType)VK_MATRIX_FEATURES_TYPE, .matrices = VK_TRUE},
        .bfloat16 = {.sType = (VkStructureType)VK_BFLOAT16_FEATURES_TYPE, .type = VK_TRUE, .matrices = VK_TRUE},
    };
    if (!(features & VK_CAP_COOPMAT))
        return;
    chain(info, &m->model);
    chain(info, &m->matrices);
    extensions[info->enabledExtensionCount++] = VK_MATRIX_EXTENSION;
    if (features & VK_CAP_COOPMAT_BF16) {
        chain(info, &m->bfloat16);
        extensions[info->enabledExtensionCount++] = VK_BFLOAT16_EXTENSION;
    }
}

/* Creates the VkDevice with exactly the features that the clamped caps claim. */
static enum mien_status create_handle(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    const struct vk_physical *physical = device->physical;
    const struct vk_caps *caps = &device->caps;
    const char *extensions[8];
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
    VkPhysicalDevice16BitStorageFeatures storage16 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
                                                      .storageBuffer16BitAccess = VK_TRUE};
    VkPhysicalDeviceShaderFloat16Int8Features float16 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, .shaderFloat16 = VK_TRUE};
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
        .subgroupSizeControl = VK_TRUE,
        .computeFullSubgroups = VK_TRUE};
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pipelineExecutableInfo = VK_TRUE};
    /* GPU-assisted validation reports through buffers that it writes itself */
    const VkPhysicalDeviceFeatures assisted = {.fragmentStoresAndAtomics = VK_TRUE,
                                               .vertexPipelineStoresAndAtomics = VK_TRUE};
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = physical->family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .ppEnabledExtensionNames = extensions,
        .pEnabledFeatures = device->instance->gpu_assisted ? &assisted : NULL,
    };
    chain(&info, &timeline);
    if (physical->ext_timeline)
        extensions[info.enabledExtensionCount++] = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
    if (caps->features & VK_CAP_STORAGE16)
        chain(&info, &storage16);
    if (caps->features & VK_CAP_F16) {
        chain(&info, &float16);
        if (physical->ext_float16)
            extensions[info.enabledExtensionCount++] = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME;
    }
    if (caps->features & VK_CAP_SUBGROUP_FULL) {
        chain(&info, &size_control);
        if (physical->ext_size_control)
            extensions[info.enabledExtensionCount++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    }
    chain_matrices(caps->features, &(struct matrix_chain){0}, extensions, &info);
    if (physical->has_statistics) { /* costs nothing until a pipeline asks for them */
        chain(&info, &statistics);
        extensions[info.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    }
    if (physical->ext_portability)
        extensions[info.enabledExtensionCount++] = "VK_KHR_portability_subset";
    VK_MAKE(NULL, device->handle, device->instance->fn.vkCreateDevice(physical->handle, &info, NULL, &device->handle));
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status load_functions(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    PFN_vkGetDeviceProcAddr get = device->instance->fn.vkGetDeviceProcAddr;
    bool khr = device->physical->ext_timeline;
#define LOAD(f)                                                                                                        \
    device->fn.f = (PFN_##f)get(device->handle, #f);                                                                   \
    FAIL_IF(!device->fn.f, MIEN_ERR_DRIVER, "%s has no %s; update its driver", device->caps.name, #f);
    VK_DEVICE_FUNCTIONS(LOAD)
#undef LOAD
#define LOAD(f)                                                                                                        \
    device->fn.f = (PFN_##f)get(device->handle, khr ? #f "KHR" : #f);                                                  \
    FAIL_IF(!device->fn.f, MIEN_ERR_DRIVER, "%s has no %s; update its driver", device->caps.name, #f);
    VK_DEVICE_TIMELINE_FUNCTIONS(LOAD)
#undef LOAD
#define LOAD(f) device->fn.f = (PFN_##f)get(device->handle, #f);
    if (device->physical->has_statistics) {
        VK_DEVICE_STATISTICS_FUNCTIONS(LOAD)
    }
#undef LOAD
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status read_wait(struct vk_device *device, double chosen)
{
    enum mien_status status = MIEN_OK;
    const char *value = base_env("MIEN_WAIT_SECONDS");
    char *end = NULL;
    /* A software device's work waits for the processors too, which other programs may keep busy for long. */
    double seconds = device->caps.type == VK_TYPE_SOFTWARE ? 600 : 120;
    if (chosen == 0 && value && *value)
        seconds = strtod(value, &end);
    FAIL_IF((end && *end) || !(seconds > 0 && seconds < 1e9), MIEN_ERR_ARG,
            "MIEN_WAIT_SECONDS is \"%s\"; it takes a number of seconds above 0", value);
    if (chosen != 0)
        seconds = chosen;
    FAIL_IF(!(seconds > 0 && seconds < 1e9), MIEN_ERR_ARG, "wait_seconds is %g; it takes a number above 0", seconds);
    device->wait_ns = (uint64_t)(seconds * 1e9);
fail:
    return status;
}

/* What the caller, or the environment, chooses. */
static enum mien_status read_choices(struct vk_device *device, const struct mien_gpu_params *params)
{
    enum mien_status status = MIEN_OK;
    TRY(vk_caps_clamp(&device->caps, params->caps ? params->caps : base_env("MIEN_CAPS")));
    TRY(vk_caps_check_floor(&device->caps));
    device->created = device->caps;
    TRY(read_wait(device, params->wait_seconds));
    FAIL_IF((unsigned)params->pipeline_cache > MIEN_ON, MIEN_ERR_ARG, "pipeline_cache is %d; see enum mien_switch",
            params->pipeline_cache);
    TRY(vk_cache_read_switch("MIEN_PIPELINE_CACHE", params->pipeline_cache, &device->cache_off));
    FAIL_IF((unsigned)params->tune > MIEN_ON, MIEN_ERR_ARG, "tune is %d; see enum mien_switch", params->tune);
    TRY(vk_cache_read_switch("MIEN_TUNE", params->tune, &device->tune_off));
    if (device->instance->gpu_assisted) /* the layer rewrites kernels: theirs are not worth keeping */
        device->cache_off = true;
    if (params->cache_dir && *params->cache_dir) {
        device->cache_dir = base_path_join(params->cache_dir, "");
        FAIL_IF_NULL(device->cache_dir, "a path");
    }
    TRY(vk_trials_read_switch(params->selftest, device->caps.type, &device->trials.mode));
fail:
    return status;
}

static enum mien_status create_objects(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    const VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                            .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    const VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    if (device->instance->adopted.device)
        device->queue = device->instance->adopted.queue;
    else
        device->fn.vkGetDeviceQueue(device->handle, device->physical->family, 0, &device->queue);
    VK_MAKE(device, device->timeline,
            device->fn.vkCreateSemaphore(device->handle, &semaphore, NULL, &device->timeline));
    TRY(vk_cache_create(device));
fail:
    return status;
}

enum mien_status vk_device_create(struct vk_instance *instance, uint32_t index, const struct mien_gpu_params *params,
                                  struct vk_device **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = base_alloc(1, sizeof *device);
    *out = NULL;
    FAIL_IF_NULL(device, "a Vulkan device");
    FAIL_IF(index >= instance->device_count, MIEN_ERR_NO_DEVICE, "there is no device %u; there are %u", index,
            instance->device_count);
    device->instance = instance;
    device->physical = &instance->devices[index];
    device->caps = device->physical->caps;
    TRY(read_choices(device, params ? params : &(const struct mien_gpu_params){sizeof(*params)}));
    device->handle = instance->adopted.device;
    if (!device->handle)
        TRY(create_handle(device));
    TRY(load_functions(device));
    TRY(create_objects(device));
    TRY(vk_tuned_open(device));
    LOG_INFO("using %s (%s), class %s", device->caps.name, device->caps.driver, vk_class_name(device->caps.class_));
    *out = device;
    return MIEN_OK;
fail:
    vk_device_destroy(&device);
    return status;
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

void vk_device_destroy(struct vk_device **out)
{
    struct vk_device *device = out ? *out : NULL;
    if (!device)
        return;
    *out = NULL;
    if (device->timeline && !device->lost)
        (void)vk_wait_idle(device); /* a time-out is logged there and marks the device as hung */
    if (device->recordings)
        LOG_WARN("%s: %u recordings are destroyed after their device; destroy them before it", device->caps.name,
                 device->recordings);
    vk_batch_settle(device, false);
    vk_cache_save(device);
    vk_staging_destroy(device);
    vk_pipelines_destroy(device);
    vk_memory_destroy(device);
    if (vk_device_may_destroy(device) && device->fn.vkDestroyDevice) {
        if (device->cache)
            device->fn.vkDestroyPipelineCache(device->handle, device->cache, NULL);
        if (device->timeline)
            device->fn.vkDestroySemaphore(device->handle, device->timeline, NULL);
        if (!device->instance->adopted.device)
            device->fn.vkDestroyDevice(device->handle, NULL);
    }
    vk_trials_destroy(device);
    vk_tuned_clear(&device->tuned);
    base_free(device->cache_dir);
    base_free(device);
}

const struct vk_caps *vk_device_caps(const struct vk_device *device)
{
    return &device->caps;
}

double vk_device_wait_seconds(const struct vk_device *device)
{
    return (double)device->wait_ns * 1e-9;
}

bool vk_device_lost(const struct vk_device *device)
{
    return device->lost;
}

enum mien_status vk_device_clamp(struct vk_device *device, const char *list)
{
    enum mien_status status = MIEN_OK;
    struct vk_caps caps = device->created;
    TRY(vk_caps_clamp(&caps, list));
    TRY(vk_caps_check_floor(&caps));
    device->caps = caps;
fail:
    return status;
}

void vk_device_inject_loss(struct vk_device *device)
{
    device->inject_loss = true;
}

void vk_device_inject_oom(struct vk_device *device, uint32_t count)
{
    device->inject_oom = count;
}
