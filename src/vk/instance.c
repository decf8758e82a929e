/* instance.c: the loader, validation layers, the list of devices and the choice among them. */
#include "vk/vk_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

/* volk keeps what it finds in globals of the process: filled once, whatever the number of instances and threads. */
static VkResult open_loader(void)
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

/* ---- validation ------------------------------------------------------------------------------------------------ */

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    struct vk_instance *instance = user;
    (void)types;
    atomic_fetch_add(&instance->messages, 1);
    base_log(severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? MIEN_LOG_ERROR : MIEN_LOG_WARN,
             "Vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

/* Only messages of validation count: the loader's own (a driver that does not load, say) come as "general". */
static VkDebugUtilsMessengerCreateInfoEXT messenger_info(struct vk_instance *instance)
{
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = instance,
    };
}

static bool has_extension(const char *layer, const char *name)
{
    uint32_t count = 0;
    bool found = false;
    if (vkEnumerateInstanceExtensionProperties(layer, &count, NULL) != VK_SUCCESS || count == 0)
        return false;
    VkExtensionProperties *list = base_alloc(count, sizeof *list);
    if (list && vkEnumerateInstanceExtensionProperties(layer, &count, list) >= VK_SUCCESS)
        for (uint32_t i = 0; i < count && !found; i++)
            found = strcmp(list[i].extensionName, name) == 0;
    base_free(list);
    return found;
}

static bool has_layer(const char *name)
{
    uint32_t count = 0;
    bool found = false;
    if (vkEnumerateInstanceLayerProperties(&count, NULL) != VK_SUCCESS || count == 0)
        return false;
    VkLayerProperties *list = base_alloc(count, sizeof *list);
    if (list && vkEnumerateInstanceLayerProperties(&count, list) >= VK_SUCCESS)
        for (uint32_t i = 0; i < count && !found; i++)
            found = strcmp(list[i].layerName, name) == 0;
    base_free(list);
    return found;
}

/* MIEN_VALIDATE: unset, "" or "0" = off; "1" = core and synchronisation; "gpu" = also GPU-assisted. */
static enum mien_status read_validation(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
    const char *value = getenv("MIEN_VALIDATE");
    if (!value || !*value || strcmp(value, "0") == 0)
        return MIEN_OK;
    instance->gpu_assisted = strcmp(value, "gpu") == 0;
    FAIL_IF(!instance->gpu_assisted && strcmp(value, "1") != 0, MIEN_ERR_ARG,
            "MIEN_VALIDATE is \"%s\"; it takes 0, 1 or gpu", value);
    FAIL_IF(!has_layer(VALIDATION_LAYER), MIEN_ERR_UNSUPPORTED,
            "MIEN_VALIDATE=%s needs " VALIDATION_LAYER ", which is not installed; "
            "install it (Debian: vulkan-validationlayers) or unset MIEN_VALIDATE",
            value);
    instance->validating = true;
    return MIEN_OK;
fail:
    return status;
}

/* ---- creation -------------------------------------------------------------------------------------------------- */

#define NO_DRIVER_ADVICE                                                                                               \
    "install a driver (Debian: mesa-vulkan-drivers, which includes a software device) and check VK_ICD_FILENAMES"

static enum mien_status create_handle(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
    uint32_t version = volkGetInstanceVersion();
    const char *layers[] = {VALIDATION_LAYER};
    const char *extensions[3];
    uint32_t extension_count = 0;
    VkInstanceCreateFlags flags = 0;
    const VkValidationFeatureEnableEXT enables[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
        VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT,
        VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT,
    };
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(instance);
    const VkValidationFeaturesEXT validation = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = instance->gpu_assisted ? 3 : 1,
        .pEnabledValidationFeatures = enables,
    };
    const VkApplicationInfo app = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "mien",
        .pEngineName = "mien",
        .apiVersion = VK_API_VERSION_1_3, /* the highest whose features are asked for; lower devices are fine */
    };

    FAIL_IF(version < VK_API_VERSION_1_1, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader is version 1.0; Mien needs 1.1: update it (Debian: libvulkan1)");
    if (has_extension(NULL, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        extensions[extension_count++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    if (instance->validating) {
        extensions[extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        extensions[extension_count++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
    }
    VkResult result = vkCreateInstance(
        &(VkInstanceCreateInfo){
            .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
            .pNext = instance->validating ? &validation : NULL,
            .flags = flags,
            .pApplicationInfo = &app,
            .enabledLayerCount = instance->validating ? 1 : 0,
            .ppEnabledLayerNames = layers,
            .enabledExtensionCount = extension_count,
            .ppEnabledExtensionNames = extensions,
        },
        NULL, &instance->handle);
    FAIL_IF(result == VK_ERROR_INCOMPATIBLE_DRIVER, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader found no driver; " NO_DRIVER_ADVICE);
    if (result != VK_SUCCESS) {
        status = vk_result_fail(NULL, result, "vkCreateInstance(", __FILE__, __LINE__);
        goto fail;
    }
    return MIEN_OK;
fail:
    instance->handle = VK_NULL_HANDLE;
    return status;
}

static enum mien_status load_functions(struct vk_instance *instance)
{
    enum mien_status status = MIEN_OK;
#define LOAD(name)                                                                                                     \
    instance->fn.name = (PFN_##name)vkGetInstanceProcAddr(instance->handle, #name);                                    \
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
    for (uint32_t i = 0; i < count; i++) /* a device that cannot be queried is logged and left out */
        if (vk_physical_query(instance, handles[i], &instance->devices[instance->device_count]) == MIEN_OK)
            instance->device_count++;
    FAIL_IF(instance->device_count == 0, MIEN_ERR_NO_DEVICE, "no Vulkan device answers; " NO_DRIVER_ADVICE);
fail:
    return status;
}

enum mien_status vk_instance_create(struct vk_instance **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_instance *instance = base_alloc(1, sizeof *instance);
    *out = NULL;
    FAIL_IF_NULL(instance, "a Vulkan instance");
    FAIL_IF(open_loader() != VK_SUCCESS, MIEN_ERR_NO_DEVICE,
            "the Vulkan loader (libvulkan.so.1) cannot be opened; install it (Debian: libvulkan1) and a driver "
            "(mesa-vulkan-drivers)");
    TRY(read_validation(instance));
    TRY(create_handle(instance));
    TRY(load_functions(instance));
    if (instance->validating) {
        VkDebugUtilsMessengerCreateInfoEXT info = messenger_info(instance);
        VK_TRY(NULL, instance->fn.vkCreateDebugUtilsMessengerEXT(instance->handle, &info, NULL, &instance->messenger));
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
    if (instance->handle && instance->fn.vkDestroyInstance)
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

static bool contains_nocase(const char *text, const char *part)
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
        choice = getenv("MIEN_DEVICE");
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
        bool match = !*choice || contains_nocase(caps->name, choice) || contains_nocase(caps->driver, choice);
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
