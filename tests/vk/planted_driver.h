/* planted_driver.h: a driver that is not there: what vk_physical_query asks of one, answered from a struct. */
#ifndef TESTS_VK_PLANTED_DRIVER_H
#define TESTS_VK_PLANTED_DRIVER_H

#include "vk/fixture.h"
#include "vk/vk_internal.h"

/* As a driver would report itself; zeroed numbers are those of a good desktop device (plant). */
struct planted {
    const char *name;
    uint32_t vendor, device, driver_id, api;
    VkPhysicalDeviceType type;
    uint32_t lanes, lanes_min, lanes_max;
    bool matrices, no_memory_model; /* f16 16x8x16 and 16x16x16, bf16 8x16x16, integers, and workgroups' */
    bool no_size_control, no_f16, no_storage16, no_subgroups, lazy_memory;
    uint32_t invocations, shared, buffers, range, groups;
    uint64_t align, allocation, buffer_size;
};

static struct planted planted;
static uint32_t planted_asked;   /* how often for its matrices */
static VkResult planted_refuses; /* what it answers to that with shapes to fill */

static VKAPI_ATTR void VKAPI_CALL planted_properties(VkPhysicalDevice handle, VkPhysicalDeviceProperties *p)
{
    (void)handle;
    *p = (VkPhysicalDeviceProperties){.apiVersion = planted.api ? planted.api : VK_API_VERSION_1_3,
                                      .driverVersion = 1,
                                      .vendorID = planted.vendor,
                                      .deviceID = planted.device,
                                      .deviceType = planted.type};
    snprintf(p->deviceName, sizeof p->deviceName, "%s", planted.name);
    VkPhysicalDeviceLimits *l = &p->limits;
    l->maxComputeWorkGroupInvocations = planted.invocations ? planted.invocations : 1024;
    for (int i = 0; i < 3; i++) {
        l->maxComputeWorkGroupSize[i] = i < 2 ? l->maxComputeWorkGroupInvocations : 64;
        l->maxComputeWorkGroupCount[i] = planted.groups ? planted.groups : 65535;
    }
    l->maxComputeSharedMemorySize = planted.shared ? planted.shared : 32768;
    l->maxPushConstantsSize = 128;
    l->maxPerStageDescriptorStorageBuffers = l->maxDescriptorSetStorageBuffers = planted.buffers ? planted.buffers : 31;
    l->maxPerStageResources = 128;
    l->maxStorageBufferRange = planted.range ? planted.range : UINT32_MAX;
    l->minStorageBufferOffsetAlignment = planted.align ? planted.align : 64;
    l->timestampPeriod = 1;
}

static void planted_answer(VkBaseOutStructure *item)
{
    void *s = item;
    switch ((int)item->sType) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES: {
        VkPhysicalDeviceSubgroupProperties *p = s;
        p->subgroupSize = planted.lanes;
        p->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
        p->supportedOperations = planted.no_subgroups ? 0 : 0xff;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES: {
        VkPhysicalDeviceSubgroupSizeControlProperties *p = s;
        p->minSubgroupSize = planted.lanes_min ? planted.lanes_min : planted.lanes;
        p->maxSubgroupSize = planted.lanes_max ? planted.lanes_max : planted.lanes;
        p->maxComputeWorkgroupSubgroups = 32;
        p->requiredSubgroupSizeStages = planted.no_size_control ? 0 : VK_SHADER_STAGE_COMPUTE_BIT;
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES:
        ((VkPhysicalDeviceSubgroupSizeControlFeatures *)s)->subgroupSizeControl = VK_TRUE;
        ((VkPhysicalDeviceSubgroupSizeControlFeatures *)s)->computeFullSubgroups = VK_TRUE;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES:
        ((VkPhysicalDeviceDriverProperties *)s)->driverID = (VkDriverId)planted.driver_id;
        snprintf(((VkPhysicalDeviceDriverProperties *)s)->driverName, VK_MAX_DRIVER_NAME_SIZE, "planted");
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES:
        ((VkPhysicalDeviceMaintenance3Properties *)s)->maxMemoryAllocationSize =
            planted.allocation ? planted.allocation : (uint64_t)1 << 32;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES:
        ((VkPhysicalDeviceMaintenance4Properties *)s)->maxBufferSize = planted.buffer_size;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES:
        ((VkPhysicalDevice16BitStorageFeatures *)s)->storageBuffer16BitAccess = !planted.no_storage16;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES:
        ((VkPhysicalDeviceShaderFloat16Int8Features *)s)->shaderFloat16 = !planted.no_f16;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES:
        ((VkPhysicalDeviceTimelineSemaphoreFeatures *)s)->timelineSemaphore = VK_TRUE;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES:
        ((VkPhysicalDeviceVulkanMemoryModelFeatures *)s)->vulkanMemoryModel = !planted.no_memory_model;
        break;
    case VK_MATRIX_FEATURES_TYPE:
        ((struct vk_matrix_features *)s)->matrices = VK_TRUE;
        break;
    case VK_MATRIX_STAGES_TYPE:
        ((struct vk_matrix_stages *)s)->stages = VK_SHADER_STAGE_COMPUTE_BIT;
        break;
    case VK_BFLOAT16_FEATURES_TYPE:
        ((struct vk_bfloat16_features *)s)->type = ((struct vk_bfloat16_features *)s)->matrices = VK_TRUE;
        break;
    }
}

static VKAPI_ATTR void VKAPI_CALL planted_properties2(VkPhysicalDevice handle, VkPhysicalDeviceProperties2 *p)
{
    planted_properties(handle, &p->properties);
    for (VkBaseOutStructure *at = p->pNext; at; at = at->pNext)
        planted_answer(at);
}

static VKAPI_ATTR void VKAPI_CALL planted_features2(VkPhysicalDevice handle, VkPhysicalDeviceFeatures2 *f)
{
    (void)handle;
    for (VkBaseOutStructure *at = f->pNext; at; at = at->pNext)
        planted_answer(at);
}

static VKAPI_ATTR void VKAPI_CALL planted_memory(VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties *m)
{
    (void)handle;
    *m = (VkPhysicalDeviceMemoryProperties){.memoryTypeCount = planted.lazy_memory ? 2 : 1, .memoryHeapCount = 1};
    m->memoryHeaps[0] = (VkMemoryHeap){(uint64_t)8 << 30, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
    m->memoryTypes[0].propertyFlags = 7; /* device-local, host-visible, coherent */
    m->memoryTypes[1].propertyFlags = VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT;
}

static VKAPI_ATTR void VKAPI_CALL planted_queues(VkPhysicalDevice handle, uint32_t *count, VkQueueFamilyProperties *q)
{
    (void)handle;
    *count = 1;
    *q = (VkQueueFamilyProperties){.queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = 1, .timestampValidBits = 64};
}

static VKAPI_ATTR VkResult VKAPI_CALL planted_extensions(VkPhysicalDevice handle, const char *layer, uint32_t *count,
                                                         VkExtensionProperties *list)
{
    (void)handle;
    (void)layer;
    *count = planted.matrices ? 3 : 1;
    if (list)
        list[0] = (VkExtensionProperties){VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, 1};
    if (list && planted.matrices) {
        list[1] = (VkExtensionProperties){VK_MATRIX_EXTENSION, 2};
        list[2] = (VkExtensionProperties){VK_BFLOAT16_EXTENSION, 1};
    }
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL planted_shapes(VkPhysicalDevice handle, uint32_t *count,
                                                     struct vk_matrix_shape *shapes)
{
    enum { F16 = VK_MATRIX_F16, F32 = VK_MATRIX_F32, BF16 = VK_MATRIX_BF16, SUBGROUP = VK_MATRIX_SUBGROUP };
    static const struct vk_matrix_shape all[] = {
        {.m = 16, .n = 16, .k = 16, .a = F16, .b = F16, .c = F16, .result = F16, .scope = SUBGROUP},
        {.m = 16, .n = 8, .k = 16, .a = F16, .b = F16, .c = F32, .result = F32, .scope = SUBGROUP},
        {.m = 16, .n = 16, .k = 16, .a = F16, .b = F16, .c = F32, .result = F32, .scope = SUBGROUP},
        {.m = 16, .n = 16, .k = 32, .a = 3, .b = 3, .c = 5, .result = 5, .scope = SUBGROUP},
        {.m = 8, .n = 16, .k = 16, .a = BF16, .b = BF16, .c = F32, .result = F32, .scope = SUBGROUP},
        {.m = 16, .n = 16, .k = 16, .a = BF16, .b = BF16, .c = F32, .result = F32, .scope = 2},
    };
    (void)handle;
    planted_asked++;
    for (uint32_t i = 0; shapes && i < BASE_COUNT(all); i++) {
        CHECK_EQ((int)shapes[i].sType, VK_MATRIX_SHAPE_TYPE);
        shapes[i] = all[i];
    }
    *count = BASE_COUNT(all);
    return shapes ? planted_refuses : VK_SUCCESS;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL planted_get(VkInstance instance, const char *name)
{
    (void)instance;
    CHECK_STR(name, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    return (PFN_vkVoidFunction)planted_shapes;
}

/* What Mien makes of such a driver. */
static enum mien_status plant(struct planted as, bool trusting, struct vk_physical *out)
{
    struct vk_instance instance = {.trusting = trusting, .get = planted_get};
    planted = as;
    instance.fn.vkGetPhysicalDeviceProperties = planted_properties;
    instance.fn.vkGetPhysicalDeviceProperties2 = planted_properties2;
    instance.fn.vkGetPhysicalDeviceFeatures2 = planted_features2;
    instance.fn.vkGetPhysicalDeviceMemoryProperties = planted_memory;
    instance.fn.vkGetPhysicalDeviceQueueFamilyProperties = planted_queues;
    instance.fn.vkEnumerateDeviceExtensionProperties = planted_extensions;
    return vk_physical_query(&instance, VK_NULL_HANDLE, out);
}

#endif
