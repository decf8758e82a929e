/* validation.c: the Khronos validation layer: core and synchronisation checks, their messages counted. */
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    struct vk_instance *instance = user;
    (void)types;
    atomic_fetch_add(&instance->messages, 1);
    base_log(severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? MIEN_LOG_ERROR : MIEN_LOG_WARN,
             "Vulkan validation: %s: %s", data->pMessageIdName ? data->pMessageIdName : "message", data->pMessage);
    return VK_FALSE;
}

/* Only messages of validation count: the loader's own (a driver that does not load, say) come as "general". */
VkDebugUtilsMessengerCreateInfoEXT vk_validation_messenger(struct vk_instance *instance)
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

bool vk_instance_has_extension(const char *layer, const char *name)
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

/* What MIEN_VALIDATE says: unset, "" or "0" = off; "1" = core and synchronisation; "gpu" = also GPU-assisted. */
static enum mien_status read_environment(enum mien_validation *choice)
{
    const char *value = base_env("MIEN_VALIDATE");
    *choice = MIEN_VALIDATION_OFF;
    if (!value || !*value || strcmp(value, "0") == 0)
        return MIEN_OK;
    *choice = strcmp(value, "gpu") == 0 ? MIEN_VALIDATION_GPU : MIEN_VALIDATION_CORE;
    if (*choice == MIEN_VALIDATION_GPU || strcmp(value, "1") == 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "MIEN_VALIDATE is \"%s\"; it takes 0, 1 or gpu", value);
}

enum mien_status vk_validation_read(struct vk_instance *instance, enum mien_validation choice)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF((unsigned)choice > MIEN_VALIDATION_GPU, MIEN_ERR_ARG, "validation is %d; see enum mien_validation", choice);
    if (choice == MIEN_VALIDATION_DEFAULT)
        TRY(read_environment(&choice));
    if (choice == MIEN_VALIDATION_OFF)
        return MIEN_OK;
    FAIL_IF(!has_layer(VALIDATION_LAYER), MIEN_ERR_UNSUPPORTED,
            "validation needs " VALIDATION_LAYER ", which is not installed; install it (Debian: "
            "vulkan-validationlayers) or unset MIEN_VALIDATE");
    instance->gpu_assisted = choice == MIEN_VALIDATION_GPU;
    instance->validating = true;
    return MIEN_OK;
fail:
    return status;
}

/* Layers since 1.3.275 look at the accesses of shaders only when this setting is on; older ones always do. */
static void enable_shader_accesses(struct vk_validation *v)
{
    v->on = VK_TRUE;
    v->setting = (struct vk_layer_setting){VALIDATION_LAYER, "syncval_shader_accesses_heuristic", 0, 1, &v->on};
    v->settings = (struct vk_layer_settings){
        .type = 1000496000, /* VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT */
        .next = &v->features,
        .count = 1,
        .settings = &v->setting,
    };
}

void vk_validation_enable(struct vk_instance *instance, struct vk_validation *v, VkInstanceCreateInfo *info,
                          const char **extensions)
{
    static const char *const layers[] = {VALIDATION_LAYER};
    static const VkValidationFeatureEnableEXT enables[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
        VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT,
        VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT,
    };
    v->messenger = vk_validation_messenger(instance);
    v->features = (VkValidationFeaturesEXT){
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &v->messenger,
        .enabledValidationFeatureCount = instance->gpu_assisted ? 3 : 1,
        .pEnabledValidationFeatures = enables,
    };
    info->pNext = &v->features;
    info->enabledLayerCount = 1;
    info->ppEnabledLayerNames = layers;
    extensions[info->enabledExtensionCount++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    extensions[info->enabledExtensionCount++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
    if (vk_instance_has_extension(VALIDATION_LAYER, "VK_EXT_layer_settings")) {
        enable_shader_accesses(v);
        info->pNext = &v->settings;
        extensions[info->enabledExtensionCount++] = "VK_EXT_layer_settings";
    }
}
