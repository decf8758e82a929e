/* faulty.c: a Vulkan layer that makes the driver below it a faulty one: what a self-test must survive. It is loaded by
 * the Vulkan loader (VK_LAYER_PATH, VK_INSTANCE_LAYERS=VK_LAYER_MIEN_faulty) into any program, the command itself too,
 * and reads FAULTY, words separated by spaces:
 *   wrong:KERNEL          the kernel adds where it should subtract and the other way round
 *   uncompilable:KERNEL   vkCreateComputePipelines gives VK_ERROR_UNKNOWN for it
 *   hang:KERNEL           what it runs in does not end: waiting for it times out, however long
 *   lose:KERNEL           what it runs in loses the device
 *   kill:KERNEL           the process dies of SIGKILL while the driver compiles it
 *   slow:KERNEL           the driver compiles it for a second
 *   drag:KERNEL           it runs twenty times over: as slow as that, with the same results
 *   driver=N              the driver's version
 * KERNEL is a shader of the library, told by its words. One instance and device at a time; pipelines are made on any
 * thread, all else on one. */
#include "op/shader.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXPORTED __attribute__((visibility("default")))

enum fault { NONE, WRONG, UNCOMPILABLE, HANG, LOSE, KILL, SLOW, DRAG };
enum { MOST = 1024, DRAGGED = 20 };

static PFN_vkGetInstanceProcAddr next_instance;
static PFN_vkGetDeviceProcAddr next_device;
static VkInstance instance;
static bool hung, lost, drags; /* the last: what is bound */

static struct {
    uint64_t handle;
    enum fault fault;
} known[MOST]; /* modules, pipelines and command buffers with a fault */
static size_t known_count;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what is known */

static void remember(uint64_t handle, enum fault fault)
{
    pthread_mutex_lock(&lock);
    known[known_count % MOST].handle = handle;
    known[known_count++ % MOST].fault = fault;
    pthread_mutex_unlock(&lock);
}

static enum fault recall(uint64_t handle)
{
    enum fault fault = NONE;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MOST && fault == NONE; i++)
        fault = known[i].handle == handle ? known[i].fault : NONE; /* NONE: of an earlier object in the same place */
    pthread_mutex_unlock(&lock);
    return fault;
}

static void forget(uint64_t handle)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MOST; i++) {
        if (known[i].handle == handle)
            known[i].fault = NONE;
    }
    pthread_mutex_unlock(&lock);
}

/* What comes next, asked for once: later the loader would answer with what stands above. */
#define OF_INSTANCE(X) X(vkGetPhysicalDeviceProperties) X(vkGetPhysicalDeviceProperties2)
#define OF_DEVICE(X)                                                                                                   \
    X(vkCreateShaderModule)                                                                                            \
    X(vkCreateComputePipelines)                                                                                        \
    X(vkCmdBindPipeline) X(vkCmdDispatch) X(vkBeginCommandBuffer) X(vkQueueSubmit) X(vkWaitSemaphores)
static struct {
#define MEMBER(name) PFN_##name name;
    OF_INSTANCE(MEMBER) OF_DEVICE(MEMBER)
#undef MEMBER
} next;

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

/* The fault of the kernel with these words. */
static enum fault fault_of(const uint32_t *words, size_t size)
{
    static const char *const names[] = {"", "wrong:", "uncompilable:", "hang:", "lose:", "kill:", "slow:", "drag:"};
    char faulty[512];
    snprintf(faulty, sizeof(faulty), "%s", getenv("FAULTY") ? getenv("FAULTY") : "");
    for (char *rest = faulty, *word; (word = strtok_r(rest, " ", &rest));) {
        for (enum fault f = WRONG; f <= DRAG; f++) {
            if (strncmp(word, names[f], strlen(names[f])) != 0)
                continue;
            const struct op_shader *shader = op_shader_find(word + strlen(names[f]));
            if (shader && shader->size == size && memcmp(shader->words, words, size) == 0)
                return f;
        }
    }
    return NONE;
}

static void set_driver(VkPhysicalDeviceProperties *properties)
{
    const char *word = getenv("FAULTY") ? strstr(getenv("FAULTY"), "driver=") : NULL;
    if (word)
        properties->driverVersion = (uint32_t)atoi(word + strlen("driver="));
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* OpFAdd and OpFSub change places: the module stays valid. */
static void spoil(uint32_t *words, size_t count)
{
    for (size_t i = 5; i < count && words[i] >> 16; i += words[i] >> 16) {
        uint32_t op = words[i] & 0xffff, length = words[i] & 0xffff0000;
        words[i] = length | (op == 129 ? 131 : op == 131 ? 129 : op);
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice d, const VkShaderModuleCreateInfo *info,
                                                    const VkAllocationCallbacks *a, VkShaderModule *out)
{
    enum fault fault = fault_of(info->pCode, info->codeSize);
    VkShaderModuleCreateInfo own = *info;
    uint32_t *words = malloc(info->codeSize);
    if (!words)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    memcpy(words, info->pCode, info->codeSize);
    if (fault == WRONG)
        spoil(words, info->codeSize / 4);
    own.pCode = words;
    VkResult result = next.vkCreateShaderModule(d, &own, a, out);
    free(words);
    if (result == VK_SUCCESS) {
        forget((uint64_t)*out); /* of an earlier module */
        if (fault != NONE)
            remember((uint64_t)*out, fault);
    }
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice d, VkPipelineCache cache, uint32_t count,
                                                       const VkComputePipelineCreateInfo *info,
                                                       const VkAllocationCallbacks *a, VkPipeline *out)
{
    enum fault fault = recall((uint64_t)info->stage.module);
    if (fault == KILL)
        raise(SIGKILL);
    if (fault == SLOW)
        sleep(1);
    if (fault == UNCOMPILABLE) {
        *out = VK_NULL_HANDLE;
        return VK_ERROR_UNKNOWN;
    }
    VkResult result = next.vkCreateComputePipelines(d, cache, count, info, a, out);
    if (result == VK_SUCCESS) {
        forget((uint64_t)*out);
        if (fault != NONE)
            remember((uint64_t)*out, fault);
    }
    return result;
}

static VKAPI_ATTR void VKAPI_CALL bind_pipeline(VkCommandBuffer commands, VkPipelineBindPoint point,
                                                VkPipeline pipeline)
{
    enum fault fault = recall((uint64_t)pipeline);
    if (fault == HANG || fault == LOSE)
        remember((uint64_t)(uintptr_t)commands, fault);
    drags = fault == DRAG;
    next.vkCmdBindPipeline(commands, point, pipeline);
}

static VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
    for (int i = 0; i < (drags ? DRAGGED : 1); i++)
        next.vkCmdDispatch(commands, x, y, z);
}

static VKAPI_ATTR VkResult VKAPI_CALL begin_commands(VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
    forget((uint64_t)(uintptr_t)commands);
    return next.vkBeginCommandBuffer(commands, info);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *info, VkFence fence)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < info[i].commandBufferCount; k++) {
            enum fault fault = recall((uint64_t)(uintptr_t)info[i].pCommandBuffers[k]);
            hung = hung || fault == HANG;
            lost = lost || fault == LOSE;
        }
    }
    return lost ? VK_ERROR_DEVICE_LOST : next.vkQueueSubmit(queue, count, info, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice d, const VkSemaphoreWaitInfo *info, uint64_t ns)
{
    VkResult result = next.vkWaitSemaphores(d, info, ns);
    if (hung && result == VK_SUCCESS) {
        struct timespec nap = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        nanosleep(&nap, NULL);
        return VK_TIMEOUT;
    }
    return result;
}

/* ---- the device -------------------------------------------------------------------------------------------------- */

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical, VkPhysicalDeviceProperties *out)
{
    next.vkGetPhysicalDeviceProperties(physical, out);
    set_driver(out);
}

static VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *out)
{
    next.vkGetPhysicalDeviceProperties2(physical, out);
    set_driver(&out->properties);
}

/* The next in the chain, which the loader hands down; it is moved on for whoever comes behind. */
static VkLayerInstanceCreateInfo *instance_link(const VkInstanceCreateInfo *info)
{
    VkLayerInstanceCreateInfo *link = (void *)(uintptr_t)info->pNext;
    while (link &&
           (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (void *)(uintptr_t)link->pNext;
    return link;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *a,
                                                      VkInstance *out)
{
    VkLayerInstanceCreateInfo *link = instance_link(info);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    VkResult result = ((PFN_vkCreateInstance)next_instance(NULL, "vkCreateInstance"))(info, a, out);
#define FETCH(name) next.name = result == VK_SUCCESS ? (PFN_##name)next_instance(*out, #name) : NULL;
    OF_INSTANCE(FETCH)
    instance = *out;
#undef FETCH
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *a, VkDevice *out)
{
    VkLayerDeviceCreateInfo *link = (void *)(uintptr_t)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO || link->function != VK_LAYER_LINK_INFO))
        link = (void *)(uintptr_t)link->pNext;
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    PFN_vkCreateDevice create = (PFN_vkCreateDevice)next_instance(instance, "vkCreateDevice");
    VkResult result = create(physical, info, a, out);
#define FETCH(name) next.name = result == VK_SUCCESS ? (PFN_##name)next_device(*out, #name) : NULL;
    OF_DEVICE(FETCH)
#undef FETCH
    hung = lost = false;
    return result;
}

/* ---- the loader's door ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    PFN_vkVoidFunction function;
} device_functions[] =
    {
        {"vkCreateShaderModule", (PFN_vkVoidFunction)create_module},
        {"vkCreateComputePipelines", (PFN_vkVoidFunction)create_pipelines},
        {"vkCmdBindPipeline", (PFN_vkVoidFunction)bind_pipeline},
        {"vkCmdDispatch", (PFN_vkVoidFunction)dispatch},
        {"vkBeginCommandBuffer", (PFN_vkVoidFunction)begin_commands},
        {"vkQueueSubmit", (PFN_vkVoidFunction)submit},
        {"vkWaitSemaphores", (PFN_vkVoidFunction)wait_semaphores},
},
  instance_functions[] = {
      {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
      {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
      {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)get_properties},
      {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties2},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice d, const char *name)
{
    if (strcmp(name, "vkGetDeviceProcAddr") == 0)
        return (PFN_vkVoidFunction)get_device_function;
    for (size_t i = 0; i < COUNT(device_functions); i++) {
        if (strcmp(name, device_functions[i].name) == 0)
            return device_functions[i].function;
    }
    return next_device ? next_device(d, name) : NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_function(VkInstance i, const char *name)
{
    if (strcmp(name, "vkGetInstanceProcAddr") == 0)
        return (PFN_vkVoidFunction)get_instance_function;
    if (strcmp(name, "vkGetDeviceProcAddr") == 0)
        return (PFN_vkVoidFunction)get_device_function;
    for (size_t k = 0; k < COUNT(instance_functions); k++) {
        if (strcmp(name, instance_functions[k].name) == 0)
            return instance_functions[k].function;
    }
    return next_instance ? next_instance(i, name) : NULL;
}

EXPORTED VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *door);
EXPORTED VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *door)
{
    door->loaderLayerInterfaceVersion = 2;
    door->pfnGetInstanceProcAddr = get_instance_function;
    door->pfnGetDeviceProcAddr = get_device_function;
    door->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
