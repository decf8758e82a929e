/* physical.c: what an installed device can do, asked of its driver. */
#include "vk/vk_internal.h"

#include <string.h>

/* Everything that is chained onto the two queries; members are chained only where the device knows them. */
struct query {
    VkPhysicalDeviceProperties2 properties;
    VkPhysicalDeviceSubgroupProperties subgroup;
    VkPhysicalDeviceMaintenance3Properties maintenance3;
    VkPhysicalDeviceMaintenance4Properties maintenance4;
    VkPhysicalDeviceDriverProperties driver;
    VkPhysicalDeviceSubgroupSizeControlProperties size_control;
    VkPhysicalDeviceShaderCorePropertiesAMD units;
    VkPhysicalDeviceShaderCoreProperties2AMD active_units;
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV multiprocessors;
    VkPhysicalDeviceShaderCoreBuiltinsPropertiesARM shader_cores;
    VkPhysicalDeviceFeatures2 features;
    VkPhysicalDevice16BitStorageFeatures storage16;
    VkPhysicalDeviceShaderFloat16Int8Features float16;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline;
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control_features;
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics;
    VkPhysicalDeviceVulkanMemoryModelFeatures memory_model;
    struct vk_matrix_features matrices;
    struct vk_matrix_stages matrix_stages;
    struct vk_bfloat16_features bfloat16;
};

/* Any structure of a chain; Vulkan gives all of them this head. */
static void chain(void *head, void *item, VkStructureType type)
{
    VkBaseOutStructure *first = head, *added = item;
    added->sType = type;
    added->pNext = first->pNext;
    first->pNext = added;
}

struct extensions {
    bool timeline, size_control, float16, driver, portability, maintenance4, memory_budget, statistics;
    bool units, active_units, multiprocessors, shader_cores, matrices, bfloat16;
};

static enum mien_status find_extensions(struct vk_instance *instance, VkPhysicalDevice handle, struct extensions *out)
{
    enum mien_status status = MIEN_OK;
    VkExtensionProperties *list = NULL;
    uint32_t count = 0;
    const struct {
        const char *name;
        bool *found;
    } wanted[] = {
        {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, &out->timeline},
        {VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME, &out->size_control},
        {VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME, &out->float16},
        {VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME, &out->driver},
        {VK_KHR_MAINTENANCE_4_EXTENSION_NAME, &out->maintenance4},
        {VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, &out->memory_budget},
        {VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME, &out->statistics},
        {VK_AMD_SHADER_CORE_PROPERTIES_EXTENSION_NAME, &out->units},
        {VK_AMD_SHADER_CORE_PROPERTIES_2_EXTENSION_NAME, &out->active_units},
        {VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME, &out->multiprocessors},
        {VK_ARM_SHADER_CORE_BUILTINS_EXTENSION_NAME, &out->shader_cores},
        {"VK_KHR_portability_subset", &out->portability},
        {VK_MATRIX_EXTENSION, &out->matrices},
        {VK_BFLOAT16_EXTENSION, &out->bfloat16},
    };
    memset(out, 0, sizeof *out);
    VK_TRY(NULL, instance->fn.vkEnumerateDeviceExtensionProperties(handle, NULL, &count, NULL));
    list = base_alloc(count + 1, sizeof *list);
    FAIL_IF_NULL(list, "the list of device extensions");
    VK_TRY(NULL, instance->fn.vkEnumerateDeviceExtensionProperties(handle, NULL, &count, list));
    for (uint32_t i = 0; i < count; i++)
        for (size_t w = 0; w < BASE_COUNT(wanted); w++)
            if (strcmp(list[i].extensionName, wanted[w].name) == 0)
                *wanted[w].found = true;
fail:
    base_free(list);
    return status;
}

static enum vk_device_type device_type(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return VK_TYPE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return VK_TYPE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return VK_TYPE_VIRTUAL;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return VK_TYPE_SOFTWARE;
    default:
        return VK_TYPE_OTHER;
    }
}

static void read_limits(const struct query *q, struct vk_caps *caps)
{
    const VkPhysicalDeviceProperties *p = &q->properties.properties;
    const VkPhysicalDeviceLimits *limits = &p->limits;
    snprintf(caps->name, sizeof caps->name, "%s", p->deviceName);
    caps->driver_version = p->driverVersion;
    caps->vendor_id = p->vendorID;
    caps->device_id = p->deviceID;
    memcpy(caps->uuid, p->pipelineCacheUUID, sizeof caps->uuid);
    caps->type = device_type(p->deviceType);
    caps->max_invocations = limits->maxComputeWorkGroupInvocations;
    for (int i = 0; i < 3; i++) {
        caps->max_local[i] = limits->maxComputeWorkGroupSize[i];
        caps->max_groups[i] = limits->maxComputeWorkGroupCount[i];
    }
    caps->max_shared = limits->maxComputeSharedMemorySize;
    caps->max_push = limits->maxPushConstantsSize;
    caps->max_buffers = BASE_MIN(limits->maxPerStageDescriptorStorageBuffers, limits->maxDescriptorSetStorageBuffers);
    caps->max_buffers = BASE_MIN(caps->max_buffers, limits->maxPerStageResources);
    caps->max_texels = limits->maxTexelBufferElements;
    caps->max_range = limits->maxStorageBufferRange;
    caps->align = VK_ALIGN;
}

/* A block is one allocation with one buffer, so both limits bind. */
static void read_memory(const struct query *q, struct vk_physical *device)
{
    struct vk_caps *caps = &device->caps;
    const VkPhysicalDeviceMemoryProperties *memory = &device->memory;
    caps->max_allocation = q->maintenance3.maxMemoryAllocationSize;
    if (q->maintenance4.maxBufferSize)
        caps->max_allocation = BASE_MIN(caps->max_allocation, q->maintenance4.maxBufferSize);
    caps->max_allocation = vk_caps_whole(caps->max_allocation);
    caps->max_range = BASE_MIN(caps->max_range, caps->max_allocation);
    for (uint32_t i = 0; i < memory->memoryHeapCount; i++)
        if (memory->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT &&
            memory->memoryHeaps[i].size > caps->device_memory) {
            device->heap = i;
            caps->device_memory = memory->memoryHeaps[i].size;
        }
    const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++)
        if (memory->memoryTypes[i].heapIndex == device->heap &&
            (memory->memoryTypes[i].propertyFlags & wanted) == wanted)
            caps->unified = caps->type != VK_TYPE_DISCRETE;
}

/* As Vulkan has it. Mesa's software driver says 0 and what not where LP_NATIVE_VECTOR_WIDTH is no number of bits. */
static bool is_subgroup_size(uint32_t lanes)
{
    return lanes > 0 && lanes <= 128 && (lanes & (lanes - 1)) == 0;
}

/* SUBGROUP promises a size that is constant and known to the host. Three sorts of devices:
 *  - one size (minimum = maximum): the promise holds by itself;
 *  - several sizes with size control (Intel 8..32, RDNA 32..64, Adreno 64..128): the driver picks a size per pipeline,
 *    and what gl_SubgroupSize then says is not what the hardware runs. Kernels with subgroup operations are therefore
 *    pinned to caps.subgroup_size by vk_pipeline_get, and SUBGROUP is claimed only together with SUBGROUP_FULL;
 *  - no size control at all (old drivers): the reported size is taken at its word; a variant's self-test guards it. */
/* A register of a GPU that runs subgroups of 16 and fewer beside wider ones (Intel) is as wide as the narrowest, and
 * there are 128: at the narrowest an invocation has 128 of its own, at 16 half of them, at 32 a quarter. Kernels with
 * subgroup operations are better off at 16 there than at the size reported. */
static void read_subgroups(const struct query *q, bool knows_sizes, struct vk_caps *caps)
{
    const VkPhysicalDeviceSubgroupProperties *s = &q->subgroup;
    const VkPhysicalDeviceSubgroupSizeControlProperties *c = &q->size_control;
    const VkSubgroupFeatureFlags shuffle = VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
    caps->subgroup_size = caps->subgroup_min = caps->subgroup_max = 1;
    caps->max_registers = 256;
    if (!(s->supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) ||
        !(s->supportedOperations & VK_SUBGROUP_FEATURE_BASIC_BIT) || !is_subgroup_size(s->subgroupSize))
        return;
    bool full = knows_sizes && q->size_control_features.subgroupSizeControl &&
                q->size_control_features.computeFullSubgroups &&
                (c->requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
    bool varies = knows_sizes && c->minSubgroupSize != c->maxSubgroupSize;
    bool narrow = varies && c->minSubgroupSize <= 16;
    caps->max_registers = narrow ? 128 : 256;
    caps->subgroup_varies = varies && !full;
    if (caps->subgroup_varies)
        return;
    caps->subgroup_size = narrow ? BASE_MIN(16, s->subgroupSize) : s->subgroupSize;
    caps->subgroup_min = knows_sizes ? c->minSubgroupSize : s->subgroupSize;
    caps->subgroup_max = knows_sizes ? c->maxSubgroupSize : s->subgroupSize;
    caps->features |= VK_CAP_SUBGROUP;
    if (s->supportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT)
        caps->features |= VK_CAP_SUBGROUP_ARITH;
    if ((s->supportedOperations & shuffle) == shuffle)
        caps->features |= VK_CAP_SUBGROUP_SHUFFLE;
    if (full)
        caps->features |= VK_CAP_SUBGROUP_FULL;
}

static void chain_cores(const struct extensions *ext, struct query *q)
{
    if (ext->units)
        chain(&q->properties, &q->units, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_AMD);
    if (ext->active_units)
        chain(&q->properties, &q->active_units, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD);
    if (ext->multiprocessors)
        chain(&q->properties, &q->multiprocessors, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV);
    if (ext->shader_cores)
        chain(&q->properties, &q->shader_cores, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_BUILTINS_PROPERTIES_ARM);
}

/* Kernels with matrices are modules of Vulkan's memory model. Drivers have them from Vulkan 1.3 on. */
static void chain_matrices(uint32_t api, const struct extensions *ext, struct query *q)
{
    if (api < VK_API_VERSION_1_2 || !ext->matrices)
        return;
    chain(&q->features, &q->memory_model, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES);
    chain(&q->features, &q->matrices, (VkStructureType)VK_MATRIX_FEATURES_TYPE);
    chain(&q->properties, &q->matrix_stages, (VkStructureType)VK_MATRIX_STAGES_TYPE);
    if (ext->bfloat16)
        chain(&q->features, &q->bfloat16, (VkStructureType)VK_BFLOAT16_FEATURES_TYPE);
}

static void read_matrices(const struct query *q, struct vk_caps *caps)
{
    if (!q->matrices.matrices || !q->memory_model.vulkanMemoryModel ||
        !(q->matrix_stages.stages & VK_SHADER_STAGE_COMPUTE_BIT))
        return;
    caps->features |= VK_CAP_COOPMAT;
    if (q->bfloat16.type && q->bfloat16.matrices)
        caps->features |= VK_CAP_COOPMAT_BF16;
}

/* What was not chained says 0. Of AMD's two answers the second leaves out units that a chip has switched off. */
static uint32_t read_cores(const struct query *q)
{
    const VkPhysicalDeviceShaderCorePropertiesAMD *u = &q->units;
    uint32_t units = u->shaderEngineCount * u->shaderArraysPerEngineCount * u->computeUnitsPerShaderArray;
    return q->active_units.activeComputeUnitCount ? q->active_units.activeComputeUnitCount
           : units                                ? units
           : q->multiprocessors.shaderSMCount     ? q->multiprocessors.shaderSMCount
                                                  : q->shader_cores.shaderCoreCount;
}

/* Lazily allocated memory is what tiled GPUs have; the larger of them (1,024 invocations and large storage buffers)
 * run shared-memory tiles well. */
static enum vk_class device_class(const struct vk_physical *device)
{
    const struct vk_caps *caps = &device->caps;
    bool tiler = false;
    if (caps->type == VK_TYPE_SOFTWARE)
        return VK_CLASS_SOFTWARE;
    if (caps->type != VK_TYPE_INTEGRATED)
        return VK_CLASS_DESKTOP;
    for (uint32_t i = 0; i < device->memory.memoryTypeCount; i++)
        if (device->memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT)
            tiler = true;
    bool small = caps->max_shared < 32768 || caps->max_invocations < 512 || caps->max_range <= 256 * VK_MIB;
    return small || (tiler && caps->max_invocations < 1024) ? VK_CLASS_MOBILE : VK_CLASS_DESKTOP;
}

/* One compute-capable queue is used: an adopted device's own; else a family without graphics is preferred on discrete
 * devices, where it leaves the display alone. */
static void find_queue(struct vk_instance *instance, struct vk_physical *device)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = BASE_COUNT(families), best = 0;
    device->family = UINT32_MAX;
    instance->fn.vkGetPhysicalDeviceQueueFamilyProperties(device->handle, &count, families);
    for (uint32_t i = 0; i < count; i++) {
        if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || !families[i].queueCount)
            continue;
        if (instance->adopted.instance && i != instance->adopted.queue_family)
            continue;
        bool alone = device->caps.type == VK_TYPE_DISCRETE && !(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT);
        uint32_t score = 1 + (families[i].timestampValidBits ? 2 : 0) + (alone ? 1 : 0);
        if (score > best) {
            best = score;
            device->family = i;
            device->timestamp_mask =
                families[i].timestampValidBits >= 64 ? UINT64_MAX : ((uint64_t)1 << families[i].timestampValidBits) - 1;
        }
    }
    device->caps.compute = device->family != UINT32_MAX;
}

/* Asks for all properties and features of a device of version 1.1 or later. */
static void run_query(struct vk_instance *instance, const struct vk_physical *device, const struct extensions *ext,
                      struct query *q)
{
    uint32_t api = device->caps.api_version;
    bool sizes = api >= VK_API_VERSION_1_3 || ext->size_control;
    q->properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    q->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    chain(&q->properties, &q->subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
    chain(&q->properties, &q->maintenance3, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
    chain(&q->features, &q->storage16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    if (api >= VK_API_VERSION_1_3 || ext->maintenance4)
        chain(&q->properties, &q->maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
    if (api >= VK_API_VERSION_1_2 || ext->driver)
        chain(&q->properties, &q->driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    if (api >= VK_API_VERSION_1_2 || ext->float16)
        chain(&q->features, &q->float16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    if (api >= VK_API_VERSION_1_2 || ext->timeline)
        chain(&q->features, &q->timeline, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES);
    if (ext->statistics)
        chain(&q->features, &q->statistics,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR);
    if (sizes) {
        chain(&q->properties, &q->size_control, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
        chain(&q->features, &q->size_control_features,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES);
    }
    chain_cores(ext, q);
    chain_matrices(api, ext, q);
    instance->fn.vkGetPhysicalDeviceProperties2(device->handle, &q->properties);
    instance->fn.vkGetPhysicalDeviceFeatures2(device->handle, &q->features);
}

/* Every device has uniform texel buffers of the formats in use, and as many in a kernel as there may be buffers. */
static bool has_texels(const VkPhysicalDeviceLimits *limits)
{
    return limits->minTexelBufferOffsetAlignment && VK_ALIGN % limits->minTexelBufferOffsetAlignment == 0;
}

static void read_features(const struct query *q, const struct extensions *ext, struct vk_physical *device)
{
    struct vk_caps *caps = &device->caps;
    uint32_t api = caps->api_version;
    bool knows_sizes = api >= VK_API_VERSION_1_3 || ext->size_control;
    caps->timeline = q->timeline.timelineSemaphore;
    if (q->driver.driverName[0])
        snprintf(caps->driver, sizeof caps->driver, "%.100s%s%.100s", q->driver.driverName,
                 q->driver.driverInfo[0] ? " " : "", q->driver.driverInfo);
    caps->driver_id = (uint32_t)q->driver.driverID;
    read_subgroups(q, knows_sizes, caps);
    caps->cores = read_cores(q);
    if (q->storage16.storageBuffer16BitAccess)
        caps->features |= VK_CAP_STORAGE16;
    if (q->float16.shaderFloat16)
        caps->features |= VK_CAP_F16;
    if (has_texels(&q->properties.properties.limits))
        caps->features |= VK_CAP_TEXEL;
    read_matrices(q, caps);
    device->max_subgroups = q->size_control.maxComputeWorkgroupSubgroups;
    device->ext_timeline = api < VK_API_VERSION_1_2;
    device->ext_float16 = api < VK_API_VERSION_1_2;
    device->ext_size_control = api < VK_API_VERSION_1_3;
    device->ext_portability = ext->portability;
    caps->specialises = !ext->portability;
    device->has_statistics = q->statistics.pipelineExecutableInfo;
    device->has_budget = ext->memory_budget;
}

static void apply_known(const struct query *q, struct vk_physical *device)
{
    uint32_t lanes = BASE_MAX(q->subgroup.subgroupSize, q->size_control.maxSubgroupSize);
    uint32_t faults = vk_known_apply(&device->caps, lanes);
    if (faults & VK_FAULT_BUDGET)
        device->has_budget = false;
}

/* Every range begins at a multiple of VK_ALIGN, the most that Vulkan lets a driver ask for. */
static enum mien_status check_alignment(const VkPhysicalDeviceProperties *p)
{
    VkDeviceSize align = p->limits.minStorageBufferOffsetAlignment;
    if (align && VK_ALIGN % align == 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DRIVER,
                     "%s is left out: its minStorageBufferOffsetAlignment is %llu; Vulkan has powers of two up to 256",
                     p->deviceName, (unsigned long long)align);
}

enum mien_status vk_physical_query(struct vk_instance *instance, VkPhysicalDevice handle, struct vk_physical *out)
{
    enum mien_status status = MIEN_OK;
    struct query q = {0};
    struct extensions ext;
    memset(out, 0, sizeof *out);
    out->handle = handle;
    instance->fn.vkGetPhysicalDeviceProperties(handle, &q.properties.properties);
    out->caps.api_version = q.properties.properties.apiVersion;
    if (instance->adopted.instance) /* what is above the instance's version may not be used */
        out->caps.api_version = BASE_MIN(out->caps.api_version, instance->adopted.api_version);
    TRY(find_extensions(instance, handle, &ext));
    if (out->caps.api_version >= VK_API_VERSION_1_1)
        run_query(instance, out, &ext, &q);
    TRY(check_alignment(&q.properties.properties));
    read_limits(&q, &out->caps);
    instance->fn.vkGetPhysicalDeviceMemoryProperties(handle, &out->memory);
    read_memory(&q, out);
    find_queue(instance, out);
    read_features(&q, &ext, out);
    out->caps.class_ = device_class(out);
    if (!instance->trusting)
        apply_known(&q, out);
    TRY(vk_matrix_query(instance, handle, &out->caps));
    out->caps.device_features = out->caps.features;
    if (out->timestamp_mask)
        out->caps.timestamp_ns = q.properties.properties.limits.timestampPeriod;
fail:
    return status;
}
