/* adopt.c: an application's own Vulkan device: what it has enabled is used, what it has not is masked. */
#include "vk/vk_internal.h"

#include <string.h>

/* What the device was made with. */
struct enabled {
    bool timeline, storage16, float16, size_control, full_subgroups, statistics;
    bool memory_model, matrices, bfloat16;
};

/* One structure of the chain of features. */
static void read_features(const VkBaseInStructure *item, struct enabled *e)
{
    const void *s = item;
    switch ((int)item->sType) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES:
        e->storage16 |= ((const VkPhysicalDeviceVulkan11Features *)s)->storageBuffer16BitAccess;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES:
        e->storage16 |= ((const VkPhysicalDevice16BitStorageFeatures *)s)->storageBuffer16BitAccess;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES:
        e->timeline |= ((const VkPhysicalDeviceVulkan12Features *)s)->timelineSemaphore;
        e->float16 |= ((const VkPhysicalDeviceVulkan12Features *)s)->shaderFloat16;
        e->memory_model |= ((const VkPhysicalDeviceVulkan12Features *)s)->vulkanMemoryModel;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES:
        e->memory_model |= ((const VkPhysicalDeviceVulkanMemoryModelFeatures *)s)->vulkanMemoryModel;
        break;
    case VK_MATRIX_FEATURES_TYPE:
        e->matrices |= ((const struct vk_matrix_features *)s)->matrices;
        break;
    case VK_BFLOAT16_FEATURES_TYPE:
        e->bfloat16 |=
            ((const struct vk_bfloat16_features *)s)->type && ((const struct vk_bfloat16_features *)s)->matrices;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES:
        e->timeline |= ((const VkPhysicalDeviceTimelineSemaphoreFeatures *)s)->timelineSemaphore;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES:
        e->float16 |= ((const VkPhysicalDeviceShaderFloat16Int8Features *)s)->shaderFloat16;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES:
        e->size_control |= ((const VkPhysicalDeviceVulkan13Features *)s)->subgroupSizeControl;
        e->full_subgroups |= ((const VkPhysicalDeviceVulkan13Features *)s)->computeFullSubgroups;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES:
        e->size_control |= ((const VkPhysicalDeviceSubgroupSizeControlFeatures *)s)->subgroupSizeControl;
        e->full_subgroups |= ((const VkPhysicalDeviceSubgroupSizeControlFeatures *)s)->computeFullSubgroups;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR:
        e->statistics |= ((const VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR *)s)->pipelineExecutableInfo;
        break;
    }
}

static bool has_extension(const struct mien_vulkan *vulkan, const char *name)
{
    for (uint32_t i = 0; i < vulkan->extension_count; i++)
        if (strcmp(vulkan->extensions[i], name) == 0)
            return true;
    return false;
}

static struct enabled read_enabled(const struct mien_vulkan *vulkan, const struct vk_physical *device)
{
    struct enabled e = {0};
    for (const VkBaseInStructure *item = vulkan->features; item; item = item->pNext)
        read_features(item, &e);
    /* a feature that came as an extension counts only with it, where the version does not include it */
    if (device->ext_timeline)
        e.timeline &= has_extension(vulkan, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME);
    if (device->ext_float16)
        e.float16 &= has_extension(vulkan, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME);
    if (device->ext_size_control)
        e.size_control &= has_extension(vulkan, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    e.statistics &= has_extension(vulkan, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    e.matrices &= e.memory_model && has_extension(vulkan, VK_MATRIX_EXTENSION);
    e.bfloat16 &= has_extension(vulkan, VK_BFLOAT16_EXTENSION);
    return e;
}

/* Takes away what the device has and was made without. */
static enum mien_status mask(const struct mien_vulkan *vulkan, struct vk_physical *device)
{
    enum mien_status status = MIEN_OK;
    struct vk_caps *caps = &device->caps;
    struct enabled e = read_enabled(vulkan, device);
    char list[64];
    FAIL_IF(caps->timeline && !e.timeline, MIEN_ERR_UNSUPPORTED,
            "mien_gpu_adopt: %s was made without the feature timelineSemaphore, which Mien needs: enable it in "
            "VkDeviceCreateInfo (%s) and pass its lists on",
            caps->name,
            device->ext_timeline ? "VkPhysicalDeviceTimelineSemaphoreFeatures and VK_KHR_timeline_semaphore"
                                 : "VkPhysicalDeviceVulkan12Features");
    snprintf(list, sizeof list, "%s,%s,%s,%s,%s", e.storage16 ? "" : "-storage16", e.float16 ? "" : "-f16",
             e.size_control && e.full_subgroups ? "" : "-subgroup_full", e.matrices ? "" : "-coopmat",
             e.bfloat16 ? "" : "-coopmat_bf16");
    TRY(vk_caps_clamp(caps, list));
    caps->not_enabled = caps->device_features & ~caps->features;
    caps->device_features = caps->features;
    device->has_statistics = device->has_statistics && e.statistics;
fail:
    return status;
}

/* The handles are whose they should be; a wrong pointer is found here rather than in a driver. */
static enum mien_status check_device(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
    const struct mien_vulkan *vulkan = &instance->adopted;
    VkPhysicalDevice handles[64];
    VkQueueFamilyProperties families[32];
    uint32_t count = BASE_COUNT(handles), i = 0;
    VkResult result = instance->fn.vkEnumeratePhysicalDevices(instance->handle, &count, handles);
    if (result < VK_SUCCESS)
        return vk_result_fail(NULL, result, "vkEnumeratePhysicalDevices(", __FILE__, __LINE__);
    while (i < count && handles[i] != vulkan->physical_device)
        i++;
    FAIL_IF(i == count, MIEN_ERR_ARG, "mien_gpu_adopt: physical_device is none of the %u that the instance has", count);
    count = BASE_COUNT(families);
    instance->fn.vkGetPhysicalDeviceQueueFamilyProperties(handles[i], &count, families);
    FAIL_IF(vulkan->queue_family >= count, MIEN_ERR_ARG, "mien_gpu_adopt: queue_family is %u; the device has %u",
            vulkan->queue_family, count);
    FAIL_IF(!(families[vulkan->queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT), MIEN_ERR_UNSUPPORTED,
            "mien_gpu_adopt: queue family %u has no compute (VK_QUEUE_COMPUTE_BIT), which Mien needs",
            vulkan->queue_family);
fail:
    return status;
}

static enum mien_status check_arguments(const struct mien_vulkan *v)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(!v->instance || !v->physical_device || !v->device || !v->queue, MIEN_ERR_ARG,
            "mien_gpu_adopt: instance, physical_device, device and queue are all needed");
    FAIL_IF(v->extension_count && !v->extensions, MIEN_ERR_ARG, "mien_gpu_adopt: %u extensions without their names",
            v->extension_count);
    for (uint32_t i = 0; i < v->extension_count; i++)
        FAIL_IF(!v->extensions[i], MIEN_ERR_ARG, "mien_gpu_adopt: the name of extension %u is NULL", i);
    FAIL_IF(!v->lock != !v->unlock, MIEN_ERR_ARG, "mien_gpu_adopt: lock and unlock belong together");
    FAIL_IF(v->api_version < VK_API_VERSION_1_1, MIEN_ERR_UNSUPPORTED,
            "mien_gpu_adopt: the instance was made for Vulkan %u.%u and Mien needs 1.1: set "
            "VkApplicationInfo::apiVersion, and api_version here",
            VK_API_VERSION_MAJOR(v->api_version), VK_API_VERSION_MINOR(v->api_version));
fail:
    return status;
}

enum mien_status vk_instance_adopt(const struct mien_vulkan *vulkan, struct vk_instance **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = NULL;
    *out = NULL;
    TRY(check_arguments(vulkan));
    instance = base_alloc(1, sizeof *instance);
    FAIL_IF_NULL(instance, "a Vulkan instance");
    instance->adopted = *vulkan;
    instance->adopted.extensions = NULL;
    instance->adopted.features = NULL;
    instance->handle = vulkan->instance;
    instance->get = (PFN_vkGetInstanceProcAddr)vulkan->get_instance_proc_addr;
    if (!instance->get) {
        FAIL_IF(vk_loader_open() != VK_SUCCESS, MIEN_ERR_NO_DEVICE,
                "mien_gpu_adopt: the Vulkan loader (libvulkan.so.1) cannot be opened; give get_instance_proc_addr");
        instance->get = vkGetInstanceProcAddr;
    }
    TRY(vk_known_read_switch(&instance->trusting));
    TRY(vk_instance_load(instance));
    TRY(check_device(instance));
    instance->devices = base_alloc(1, sizeof *instance->devices);
    FAIL_IF_NULL(instance->devices, "a Vulkan device");
    TRY(vk_physical_query(instance, vulkan->physical_device, &instance->devices[0]));
    instance->device_count = 1;
    TRY(mask(vulkan, &instance->devices[0]));
    *out = instance;
    return MIEN_OK;
fail:
    vk_instance_destroy(&instance);
    return status;
}
