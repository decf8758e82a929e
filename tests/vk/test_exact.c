/* test_exact.c: limits of allocations are respected to the byte, time stamps that come late are waited for, a kernel
 * that does not compile costs that kernel alone, what a failure leaves behind is not used: the driver's functions are
 * watched, or answer as some drivers do. */
#include "vk/fixture.h"
#include "vk/vk_internal.h"

static struct vk_instance *instance;
static struct vk_device *device;
static PFN_vkCreateBuffer create_buffer;
static PFN_vkAllocateMemory allocate_memory;
static uint64_t buffer_size, allocation_size, largest_allocation;

static VKAPI_ATTR VkResult VKAPI_CALL watch_buffer(VkDevice handle, const VkBufferCreateInfo *info,
                                                   const VkAllocationCallbacks *callbacks, VkBuffer *out)
{
    buffer_size = info->size;
    return create_buffer(handle, info, callbacks, out);
}

static VKAPI_ATTR VkResult VKAPI_CALL watch_memory(VkDevice handle, const VkMemoryAllocateInfo *info,
                                                   const VkAllocationCallbacks *callbacks, VkDeviceMemory *out)
{
    allocation_size = info->allocationSize;
    largest_allocation = BASE_MAX(largest_allocation, allocation_size);
    return allocate_memory(handle, info, callbacks, out);
}

/* A block is handed out again in whole units of 256 bytes: its buffer has to have them all. */
static void test_last_unit(void)
{
    struct vk_range range;
    const uint64_t size = 70 << 20; /* more than a usual block, so that it gets one of its own */
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size + 4, "a large tensor", &range));
    uint64_t created = buffer_size;
    struct vk_block *block = range.block;
    vk_free(device, &range);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, size + 100, "a larger one", &range));
    CHECK(range.block == block && range.offset + range.size <= created);
    vk_free(device, &range);
}

/* What Vulkan is asked for is never more than the limit, usual blocks and single pieces alike. */
static void test_limit(void)
{
    const struct vk_caps *caps = vk_device_caps(device);
    struct vk_range range[3] = {{0}};
    CHECK_OK(vk_device_clamp(device, "allocation=5000000")); /* not a multiple of 256 */
    largest_allocation = 0;
    CHECK(caps->max_allocation == 4999936);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 4999936, "all of it", &range[0]));
    CHECK_OK(vk_alloc(device, VK_MEMORY_UPLOAD, 1000, "little", &range[1]));
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, 4999937, "a byte more", &range[2]) == MIEN_ERR_DEVICE_MEMORY);
    CHECK(largest_allocation && largest_allocation <= 5000000);
    for (int i = 0; i < 3; i++)
        vk_free(device, &range[i]);
    CHECK_OK(vk_device_clamp(device, NULL));
}

static PFN_vkGetQueryPoolResults get_results;
static uint32_t late; /* so many answers are VK_NOT_READY */
static bool asked_to_wait;

static VKAPI_ATTR VkResult VKAPI_CALL late_results(VkDevice handle, VkQueryPool pool, uint32_t first, uint32_t count,
                                                   size_t size, void *data, VkDeviceSize stride,
                                                   VkQueryResultFlags flags)
{
    asked_to_wait = asked_to_wait || (flags & VK_QUERY_RESULT_WAIT_BIT);
    if (late) {
        late--;
        return VK_NOT_READY;
    }
    return get_results(handle, pool, first, count, size, data, stride, flags);
}

static void test_late_stamps(void)
{
    struct vk_recording *recording = NULL;
    uint32_t stamp[2];
    uint64_t ticket = 0;
    double ns[2] = {-1, -1};
    if (vk_device_caps(device)->timestamp_ns == 0)
        return;
    CHECK_OK(vk_record_begin(device, "stamps", &recording));
    CHECK_OK(vk_record_timestamp(recording, &stamp[0]));
    CHECK_OK(vk_record_timestamp(recording, &stamp[1]));
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    late = 3;
    CHECK_OK(vk_recording_times(recording, ns, 2));
    CHECK(ns[0] == 0 && ns[1] >= 0 && late == 0 && !asked_to_wait);
    late = UINT32_MAX; /* a driver that never has them: an error in the end, no hang */
    clear_log();
    CHECK(vk_recording_times(recording, ns, 2) != MIEN_OK);
    CHECK_LOGGED("vkGetQueryPoolResults");
    late = 0;
    vk_recording_destroy(&recording);
}

static VkResult compile_result; /* of a driver that makes no pipeline */

static VKAPI_ATTR VkResult VKAPI_CALL no_pipeline(VkDevice handle, VkPipelineCache cache, uint32_t count,
                                                  const VkComputePipelineCreateInfo *infos,
                                                  const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    (void)handle, (void)cache, (void)count, (void)infos, (void)callbacks;
    /* what a driver leaves behind a failure is not used */
    *out = compile_result == VK_SUCCESS ? VK_NULL_HANDLE : (VkPipeline)(uintptr_t)0x1234;
    return compile_result;
}

/* As Adreno's compiler does: the caller gets a status on which it takes another kernel, and the device goes on. */
static void test_no_pipeline(void)
{
    PFN_vkCreateComputePipelines create = device->fn.vkCreateComputePipelines;
    struct vk_kernel kernel = affine_kernel(64, 41);
    struct vk_pipeline *pipeline = NULL;
    device->fn.vkCreateComputePipelines = no_pipeline;
    compile_result = VK_SUCCESS;
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == MIEN_ERR_DRIVER && pipeline == NULL);
    compile_result = VK_ERROR_UNKNOWN;
    clear_log();
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == MIEN_ERR_DRIVER && pipeline == NULL);
    CHECK_LOGGED("kernel affine does not compile on ");
    CHECK_LOGGED("VK_ERROR_UNKNOWN");
    CHECK(!vk_device_lost(device));
    device->fn.vkCreateComputePipelines = create;
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline)); /* the failure is not kept */
}

/* A function that fails and leaves a handle behind that is none: destroying it would crash. */
#define FAILING(Type, Info, name)                                                                                      \
    static VKAPI_ATTR VkResult VKAPI_CALL name(VkDevice handle, const Info *info,                                      \
                                               const VkAllocationCallbacks *callbacks, Type *out)                      \
    {                                                                                                                  \
        (void)handle, (void)info, (void)callbacks;                                                                     \
        *out = (Type)(uintptr_t)0xdead;                                                                                \
        return VK_ERROR_OUT_OF_HOST_MEMORY;                                                                            \
    }
FAILING(VkBuffer, VkBufferCreateInfo, no_buffer)
FAILING(VkDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, no_set_layout)
FAILING(VkPipelineLayout, VkPipelineLayoutCreateInfo, no_layout)
FAILING(VkShaderModule, VkShaderModuleCreateInfo, no_module)
FAILING(VkCommandPool, VkCommandPoolCreateInfo, no_pool)

static void test_left_handles(void)
{
    const struct vk_device_table good = device->fn;
    struct vk_kernel kernel = affine_kernel(64, 42), other = kernel;
    struct vk_pipeline *pipeline = NULL;
    struct vk_recording *recording = NULL;
    struct vk_range range;
    device->fn.vkCreateBuffer = no_buffer;
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, 80 << 20, "a tensor", &range) == MIEN_ERR_NOMEM && !range.block);
    device->fn = good;
    other.buffers = 7; /* no layout of this size is made yet */
    device->fn.vkCreateDescriptorSetLayout = no_set_layout;
    CHECK(vk_pipeline_get(device, &other, &pipeline) == MIEN_ERR_NOMEM && !pipeline);
    CHECK(vk_pipeline_get(device, &other, &pipeline) == MIEN_ERR_NOMEM && !pipeline); /* what was left is not used */
    device->fn = good;
    device->fn.vkCreatePipelineLayout = no_layout;
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == MIEN_ERR_NOMEM && !pipeline);
    device->fn = good;
    device->fn.vkCreateShaderModule = no_module;
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == MIEN_ERR_NOMEM && !pipeline);
    device->fn = good;
    device->fn.vkCreateCommandPool = no_pool;
    CHECK(vk_record_begin(device, "none", &recording) == MIEN_ERR_NOMEM && !recording);
    device->fn = good;
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    unsetenv("MIEN_VALIDATE"); /* its blocks are of another form */
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    create_buffer = device->fn.vkCreateBuffer;
    allocate_memory = device->fn.vkAllocateMemory;
    get_results = device->fn.vkGetQueryPoolResults;
    device->fn.vkCreateBuffer = watch_buffer;
    device->fn.vkAllocateMemory = watch_memory;
    device->fn.vkGetQueryPoolResults = late_results;
    test_last_unit();
    test_limit();
    test_late_stamps();
    test_no_pipeline();
    test_left_handles();
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
