/* instance.c: the loader, the list of devices and the choice among them. */
#include "vk/vk_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* volk keeps what it finds in globals of the process: filled once, whatever the number of instances and threads. */
VkResult vk_loader_open(void)
{
    static _Atomic int state; /* 0 closed, 1 being opened by some thread, 2 open */
    int expected = 0;
    while (!atomic_compare_exchange_strong(&state, &expected, 1)) {
        if (expected == 2)
            return VK_SUCCESS;
        expected = 0;
        base_sleep_ms(1);
    }
    VkResult result = volkInitialize();
    if (result == VK_SUCCESS && !vkCreateInstance)
        result = VK_ERROR_INITIALIZATION_FAILED;
    atomic_store(&state, result == VK_SUCCESS ? 2 : 0);
    return result;
}

/* ---- creation -------------------------------------------------------------------------------------------------- */

#define NO_DRIVER_ADVICE                                                                                               \
    "install a driver (Debian: mesa-vulkan-drivers, which includes a software device) and check VK_ICD_FILENAMES"

const VkApplicationInfo vk_application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pApplicationName = "mien",
    .pEngineName = "mien",
    .apiVersion = VK_API_VERSION_1_3, /* the highest whose features are asked for; lower devices are fine */
};

static enum mien_status create_handle(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
    struct vk_validation validation;
    uint32_t version = volkGetInstanceVersion(); /* of the loader alone */
    const char *extensions[VK_VALIDATION_EXTENSIONS + 1];
    char problem[1200];
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &vk_application,
        .ppEnabledExtensionNames = extensions,
    };

    FAIL_IF(vk_driver_damaged(problem, sizeof(problem)), MIEN_ERR_NO_DEVICE,
            "no Vulkan driver can be used: %s; or " NO_DRIVER_ADVICE, problem);
    FAIL_IF(version < VK_API_VERSION_1_1, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader is version 1.0; Mien needs 1.1: update it (Debian: libvulkan1)");
    if (vk_instance_has_extension(NULL, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        extensions[info.enabledExtensionCount++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    if (instance->validating)
        vk_validation_enable(instance, &validation, &info, extensions);
    VkResult result = vkCreateInstance(&info, NULL, &instance->handle);
    FAIL_IF(result != VK_SUCCESS && vk_driver_problem(problem, sizeof(problem)), MIEN_ERR_NO_DEVICE,
            "no Vulkan driver can be used: %s; or " NO_DRIVER_ADVICE, problem);
    FAIL_IF(result == VK_ERROR_INCOMPATIBLE_DRIVER, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader found no driver; " NO_DRIVER_ADVICE);
    if (result == VK_SUCCESS)
        return MIEN_OK;
    status = vk_result_fail(NULL, result, "vkCreateInstance(", __FILE__, __LINE__);
fail:
    instance->handle = VK_NULL_HANDLE;
    return status;
}

enum mien_status vk_instance_load(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
#define LOAD(name)                                                                                                     \
    instance->fn.name = (PFN_##name)instance->get(instance->handle, #name);                                            \
    FAIL_IF(!instance->fn.name, MIEN_ERR_DRIVER, "the Vulkan loader has no %s; update it", #name);
    VK_INSTANCE_FUNCTIONS(LOAD)
    if (instance->validating) {
        VK_INSTANCE_DEBUG_FUNCTIONS(LOAD)
    }
#undef LOAD
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status list_devices(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
    VkPhysicalDevice handles[64];
    uint32_t count = BASE_COUNT(handles); /* devices beyond are left out (VK_INCOMPLETE) */
    VkResult result = instance->fn.vkEnumeratePhysicalDevices(instance->handle, &count, handles);
    FAIL_IF(result == VK_ERROR_INITIALIZATION_FAILED || (result >= VK_SUCCESS && count == 0), MIEN_ERR_NO_DEVICE,
            "no Vulkan device is present; " NO_DRIVER_ADVICE);
    if (result < VK_SUCCESS)
        return vk_result_fail(NULL, result, "vkEnumeratePhysicalDevices(", __FILE__, __LINE__);
    instance->devices = base_alloc(count, sizeof *instance->devices);
    FAIL_IF_NULL(instance->devices, "the list of devices");
    for (uint32_t i = 0; i < count; i++) { /* a device that cannot be queried is logged and left out */
        status = vk_physical_query(instance, handles[i], &instance->devices[instance->device_count]);
        if (status == MIEN_ERR_NOMEM)
            goto fail;
        instance->device_count += status == MIEN_OK;
        status = MIEN_OK;
    }
    FAIL_IF(instance->device_count == 0, MIEN_ERR_NO_DEVICE, "no Vulkan device answers; " NO_DRIVER_ADVICE);
fail:
    return status;
}

enum mien_status vk_instance_create(const struct mien_gpu_params *params, struct vk_instance **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = base_alloc(1, sizeof *instance);
    *out = NULL;
    FAIL_IF_NULL(instance, "a Vulkan instance");
    FAIL_IF(vk_loader_open() != VK_SUCCESS, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader (libvulkan.so.1) cannot be opened; install it (Debian: libvulkan1) and a driver "
            "(mesa-vulkan-drivers)");
    TRY(vk_validation_read(instance, params ? params->validation : MIEN_VALIDATION_DEFAULT));
    TRY(vk_known_read_switch(&instance->trusting));
    TRY(create_handle(instance));
    instance->get = vkGetInstanceProcAddr;
    TRY(vk_instance_load(instance));
    if (instance->validating) {
        VkDebugUtilsMessengerCreateInfoEXT info = vk_validation_messenger(instance);
        VK_MAKE(NULL, instance->messenger,
                instance->fn.vkCreateDebugUtilsMessengerEXT(instance->handle, &info, NULL, &instance->messenger));
    }
    TRY(list_devices(instance));
    *out = instance;
    return MIEN_OK;
fail:
    vk_instance_destroy(&instance);
    return status;
}

void vk_instance_destroy(struct vk_instance **out)
{
    struct vk_instance *instance = out ? *out : NULL;
    if (!instance)
        return;
    *out = NULL;
    if (instance->hung) /* a driver whose device did not finish still works on it: both are left to the process's end */
        return;
    if (instance->messenger)
        instance->fn.vkDestroyDebugUtilsMessengerEXT(instance->handle, instance->messenger, NULL);
    if (instance->handle && instance->fn.vkDestroyInstance && !instance->adopted.instance)
        instance->fn.vkDestroyInstance(instance->handle, NULL);
    base_free(instance->devices);
    base_free(instance);
}

uint32_t vk_instance_device_count(const struct vk_instance *instance)
{
    return instance->device_count;
}

const struct vk_caps *vk_instance_caps(const struct vk_instance *instance, uint32_t index)
{
    return index < instance->device_count ? &instance->devices[index].caps : NULL;
}

uint32_t vk_instance_validation_messages(const struct vk_instance *instance)
{
    return atomic_load(&instance->messages);
}

bool vk_instance_validating(const struct vk_instance *instance)
{
    return instance->validating;
}

/* ---- choice ---------------------------------------------------------------------------------------------------- */

/* Lower is better: devices below the floor come last, then by type. */
static uint32_t device_rank(const struct vk_caps *caps)
{
    static const uint32_t by_type[] = {
        [VK_TYPE_DISCRETE] = 0, [VK_TYPE_INTEGRATED] = 1, [VK_TYPE_VIRTUAL] = 2,
        [VK_TYPE_OTHER] = 2,    [VK_TYPE_SOFTWARE] = 3,
    };
    return by_type[caps->type] + (vk_caps_missing(caps, NULL, 0) ? 10 : 0);
}

bool vk_contains(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (!part[i])
            return true;
    }
    return false;
}

/* "0 llvmpipe (LLVM 15), 1 SwiftShader" for messages. */
static void list_names(const struct vk_instance *instance, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < instance->device_count && at < size; i++) {
        int n = snprintf(text + at, size - at, "%s%u %s", i ? ", " : "", i, instance->devices[i].caps.name);
        at += n > 0 ? (size_t)n : 0;
    }
}

enum mien_status vk_instance_choose(const struct vk_instance *instance, const char *choice, uint32_t *index)
{
    enum mien_status status = MIEN_OK;
    uint32_t best = UINT32_MAX;
    char names[1024], *end = NULL;
    *index = 0;
    if (!choice || !*choice)
        choice = base_env("MIEN_DEVICE");
    if (!choice)
        choice = "";
    list_names(instance, names, sizeof names);
    unsigned long number = strtoul(choice, &end, 10);
    if (isdigit((unsigned char)choice[0]) && *end == 0) {
        FAIL_IF(number >= instance->device_count, MIEN_ERR_NO_DEVICE, "there is no device %s; there are: %s", choice,
                names);
        *index = (uint32_t)number;
        return MIEN_OK;
    }
    for (uint32_t i = 0; i < instance->device_count; i++) {
        const struct vk_caps *caps = &instance->devices[i].caps;
        bool match = !*choice || vk_contains(caps->name, choice) || vk_contains(caps->driver, choice);
        if (match && device_rank(caps) < best) {
            best = device_rank(caps);
            *index = i;
        }
    }
    FAIL_IF(best == UINT32_MAX, MIEN_ERR_NO_DEVICE, "no device's name or driver contains \"%s\"; there are: %s", choice,
            names);
    return MIEN_OK;
fail:
    return status;
}
