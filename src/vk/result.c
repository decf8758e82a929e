/* result.c: Vulkan's results as Mien's statuses. */
#include "vk/vk_internal.h"

#include <string.h>

const char *vk_result_name(VkResult result)
{
    switch (result) {
#define NAME(code)                                                                                                     \
    case code:                                                                                                         \
        return #code;
        NAME(VK_SUCCESS)
        NAME(VK_NOT_READY)
        NAME(VK_TIMEOUT)
        NAME(VK_INCOMPLETE)
        NAME(VK_ERROR_OUT_OF_HOST_MEMORY)
        NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY)
        NAME(VK_ERROR_INITIALIZATION_FAILED)
        NAME(VK_ERROR_DEVICE_LOST)
        NAME(VK_ERROR_MEMORY_MAP_FAILED)
        NAME(VK_ERROR_LAYER_NOT_PRESENT)
        NAME(VK_ERROR_EXTENSION_NOT_PRESENT)
        NAME(VK_ERROR_FEATURE_NOT_PRESENT)
        NAME(VK_ERROR_INCOMPATIBLE_DRIVER)
        NAME(VK_ERROR_TOO_MANY_OBJECTS)
        NAME(VK_ERROR_FORMAT_NOT_SUPPORTED)
        NAME(VK_ERROR_FRAGMENTED_POOL)
        NAME(VK_ERROR_UNKNOWN)
        NAME(VK_ERROR_OUT_OF_POOL_MEMORY)
        NAME(VK_ERROR_FRAGMENTATION)
        NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE)
        NAME(VK_ERROR_INVALID_SHADER_NV)
        NAME(VK_ERROR_VALIDATION_FAILED_EXT)
        NAME(VK_PIPELINE_COMPILE_REQUIRED)
#undef NAME
    default:
        return "VkResult";
    }
}

static enum mien_status result_status(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return MIEN_ERR_NOMEM;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_TOO_MANY_OBJECTS:
        return MIEN_ERR_DEVICE_MEMORY;
    case VK_ERROR_DEVICE_LOST:
        return MIEN_ERR_DEVICE_LOST;
    case VK_ERROR_INCOMPATIBLE_DRIVER:
        return MIEN_ERR_NO_DEVICE;
    case VK_ERROR_LAYER_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
        return MIEN_ERR_UNSUPPORTED;
    case VK_TIMEOUT:
        return MIEN_ERR_TIMEOUT;
    default:
        return MIEN_ERR_DRIVER;
    }
}

/* What the reader can do about it. */
static const char *result_advice(enum mien_status status)
{
    switch (status) {
    case MIEN_ERR_NOMEM:
        return "free host memory";
    case MIEN_ERR_DEVICE_MEMORY:
        return "use a smaller batch or model, or another device";
    case MIEN_ERR_DEVICE_LOST:
        return "the driver reset the device (a dispatch that ran too long, or a driver fault): "
               "go on from the last checkpoint";
    case MIEN_ERR_UNSUPPORTED:
        return "choose another device or update its driver";
    default:
        return "update the driver, or choose another device with MIEN_DEVICE";
    }
}

enum mien_status vk_result_fail(struct vk_device *device, VkResult result, const char *command, const char *file,
                                int line)
{
    enum mien_status status = result_status(result);
    const char *name = strstr(command, "vk"); /* "device->fn.vkCreateBuffer(...": from the last "vk" before "(" */
    const char *end = strchr(command, '(');
    for (const char *next = name; next && end && next < end; next = strstr(next + 1, "vk"))
        name = next;
    const char *base = strrchr(file, '/');
    if (device && status == MIEN_ERR_DEVICE_LOST)
        device->lost = true;
    return base_fail(status, "%.*s returned %s (%d) on %s at %s:%d: %s", name && end > name ? (int)(end - name) : 0,
                     name ? name : "", vk_result_name(result), (int)result, device ? device->caps.name : "the loader",
                     base ? base + 1 : file, line, result_advice(status));
}

enum mien_status vk_device_alive(const struct vk_device *device)
{
    return device->lost ? MIEN_ERR_DEVICE_LOST : MIEN_OK;
}

bool vk_device_may_destroy(const struct vk_device *device)
{
    return device->handle && !device->hung;
}
