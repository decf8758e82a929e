/* replay.c: builds every pipeline of a Fossilize database by plain Vulkan, on device 0, from the file alone, as
 * fossilize-replay does. Validated by the layers, where they are installed; any message fails.
 * replay FILE.foz */
#include "base/base.h"

#define VOLK_IMPLEMENTATION
#include <volk.h>

#include "check.h"
#include "check/foz.h"

enum { MOST = 32 };

struct player {
    struct foz foz;
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkDevice device;
    uint64_t *handles; /* of each record */
    size_t pipelines;
};

static VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                      VkDebugUtilsMessageTypeFlagsEXT type,
                                      const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)severity, (void)type, (void)user;
    fprintf(stderr, "validation: %s\n", data->pMessage);
    CHECK(!"a message");
    return VK_FALSE;
}

static bool has_validation(void)
{
    VkLayerProperties layers[64];
    uint32_t count = 64;
    vkEnumerateInstanceLayerProperties(&count, layers);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(layers[i].layerName, "VK_LAYER_KHRONOS_validation") == 0)
            return true;
    return false;
}

/* As the database's application info says. */
static bool make_instance(struct player *p)
{
    static const char *const layer = "VK_LAYER_KHRONOS_validation", *const extension =
                                                                        VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    const cJSON *info = cJSON_GetObjectItem(p->foz.records[0].json, "applicationInfo");
    const uint32_t validated = has_validation();
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message};
    const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                           .pApplicationName = foz_text(info, "applicationName"),
                                           .pEngineName = foz_text(info, "engineName"),
                                           .apiVersion = (uint32_t)foz_number(info, "apiVersion")};
    const VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                         .pNext = validated ? &messenger : NULL,
                                         .pApplicationInfo = &application,
                                         .enabledLayerCount = validated,
                                         .ppEnabledLayerNames = &layer,
                                         .enabledExtensionCount = validated,
                                         .ppEnabledExtensionNames = &extension};
    if (vkCreateInstance(&create, NULL, &p->instance) != VK_SUCCESS)
        return false;
    volkLoadInstance(p->instance);
    if (validated)
        CHECK(vkCreateDebugUtilsMessengerEXT(p->instance, &messenger, NULL, &p->messenger) == VK_SUCCESS);
    return true;
}

/* With every feature that it has of those that Mien's modules may need. */
static bool make_device(struct player *p)
{
    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    uint32_t count = 1;
    const float priority = 1;
    VkPhysicalDeviceSubgroupSizeControlFeatures size = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceShaderFloat16Int8Features half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES, .pNext = &size};
    VkPhysicalDevice16BitStorageFeatures storage = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
                                                    .pNext = &half};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &storage};
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    const VkDeviceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                       .pNext = &features,
                                       .queueCreateInfoCount = 1,
                                       .pQueueCreateInfos = &queue};
    if (vkEnumeratePhysicalDevices(p->instance, &count, &physical) < VK_SUCCESS || count == 0)
        return false;
    vkGetPhysicalDeviceProperties(physical, &properties);
    if (properties.apiVersion < VK_API_VERSION_1_3) /* the structs above would be extensions' */
        return false;
    vkGetPhysicalDeviceFeatures2(physical, &features);
    features.features.robustBufferAccess = VK_FALSE;
    return vkCreateDevice(physical, &create, NULL, &p->device) == VK_SUCCESS;
}

static uint64_t handle_of(const struct player *p, unsigned kind, const char *hash)
{
    return p->handles[foz_find(&p->foz, kind, foz_hex(hash)) - p->foz.records];
}

static uint32_t u32(const cJSON *object, const char *key)
{
    return (uint32_t)foz_number(object, key);
}

static void make_set(struct player *p, const cJSON *info, VkDescriptorSetLayout *out)
{
    VkDescriptorSetLayoutBinding bindings[MOST] = {0};
    VkDescriptorSetLayoutCreateInfo create = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                              .flags = u32(info, "flags"),
                                              .pBindings = bindings};
    const cJSON *b;
    cJSON_ArrayForEach(b, cJSON_GetObjectItem(info, "bindings"))
    {
        if (create.bindingCount < MOST)
            bindings[create.bindingCount++] =
                (VkDescriptorSetLayoutBinding){.binding = u32(b, "binding"),
                                               .descriptorType = (VkDescriptorType)u32(b, "descriptorType"),
                                               .descriptorCount = u32(b, "descriptorCount"),
                                               .stageFlags = u32(b, "stageFlags")};
    }
    CHECK(vkCreateDescriptorSetLayout(p->device, &create, NULL, out) == VK_SUCCESS);
}

static void make_layout(struct player *p, const cJSON *info, VkPipelineLayout *out)
{
    const cJSON *sets = cJSON_GetObjectItem(info, "setLayouts"), *range;
    VkDescriptorSetLayout set =
        (VkDescriptorSetLayout)handle_of(p, FOZ_SET, cJSON_GetStringValue(cJSON_GetArrayItem(sets, 0)));
    VkPushConstantRange ranges[MOST];
    VkPipelineLayoutCreateInfo create = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                         .flags = u32(info, "flags"),
                                         .setLayoutCount = 1,
                                         .pSetLayouts = &set,
                                         .pPushConstantRanges = ranges};
    CHECK_EQ(cJSON_GetArraySize(sets), 1);
    cJSON_ArrayForEach(range, cJSON_GetObjectItem(info, "pushConstantRanges"))
    {
        if (create.pushConstantRangeCount < MOST)
            ranges[create.pushConstantRangeCount++] =
                (VkPushConstantRange){u32(range, "stageFlags"), u32(range, "offset"), u32(range, "size")};
    }
    CHECK(vkCreatePipelineLayout(p->device, &create, NULL, out) == VK_SUCCESS);
}

static void make_module(struct player *p, const struct foz_record *r, VkShaderModule *out)
{
    const VkShaderModuleCreateInfo create = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                             .flags = u32(r->info, "flags"),
                                             .codeSize = r->count * sizeof *r->words,
                                             .pCode = r->words};
    CHECK(vkCreateShaderModule(p->device, &create, NULL, out) == VK_SUCCESS);
}

static void read_spec(const cJSON *info, VkSpecializationMapEntry entries[MOST], unsigned char data[4 * MOST],
                      VkSpecializationInfo *out)
{
    const cJSON *entry;
    *out = (VkSpecializationInfo){.pMapEntries = entries, .dataSize = u32(info, "dataSize"), .pData = data};
    CHECK_EQ(foz_base64(foz_text(info, "data"), data, 4 * MOST), out->dataSize);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(info, "mapEntries"))
    {
        if (out->mapEntryCount < MOST)
            entries[out->mapEntryCount++] =
                (VkSpecializationMapEntry){u32(entry, "constantID"), u32(entry, "offset"), u32(entry, "size")};
    }
}

static void make_pipeline(struct player *p, const cJSON *info, VkPipeline *out)
{
    const cJSON *stage = cJSON_GetObjectItem(info, "stage");
    const cJSON *spec = cJSON_GetObjectItem(stage, "specializationInfo");
    const cJSON *next = cJSON_GetArrayItem(cJSON_GetObjectItem(stage, "pNext"), 0);
    VkSpecializationMapEntry entries[MOST];
    VkSpecializationInfo special;
    unsigned char data[4 * MOST];
    if (spec)
        read_spec(spec, entries, data, &special);
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required = {
        .sType = next ? (VkStructureType)u32(next, "sType") : VK_STRUCTURE_TYPE_MAX_ENUM,
        .requiredSubgroupSize = next ? u32(next, "requiredSubgroupSize") : 0};
    const VkComputePipelineCreateInfo create = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = u32(info, "flags"),
        .layout = (VkPipelineLayout)handle_of(p, FOZ_LAYOUT, foz_text(info, "layout")),
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = next ? &required : NULL,
                  .flags = u32(stage, "flags"),
                  .stage = (VkShaderStageFlagBits)u32(stage, "stage"),
                  .module = (VkShaderModule)handle_of(p, FOZ_MODULE, foz_text(stage, "module")),
                  .pName = foz_text(stage, "name"),
                  .pSpecializationInfo = spec ? &special : NULL}};
    CHECK(vkCreateComputePipelines(p->device, VK_NULL_HANDLE, 1, &create, NULL, out) == VK_SUCCESS);
    p->pipelines += *out != VK_NULL_HANDLE;
}

/* One record, whose references have been made. */
static void make(struct player *p, size_t i)
{
    const struct foz_record *r = &p->foz.records[i];
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    VkShaderModule module = VK_NULL_HANDLE;
    VkPipeline pipeline = VK_NULL_HANDLE;
    if (r->kind == FOZ_SET)
        make_set(p, r->info, &set);
    if (r->kind == FOZ_LAYOUT)
        make_layout(p, r->info, &layout);
    if (r->kind == FOZ_MODULE)
        make_module(p, r, &module);
    if (r->kind == FOZ_PIPELINE)
        make_pipeline(p, r->info, &pipeline);
    p->handles[i] = (uint64_t)set + (uint64_t)layout + (uint64_t)module + (uint64_t)pipeline; /* all but one are 0 */
}

static void destroy(struct player *p)
{
    for (size_t i = 0; i < p->foz.count; i++) {
        const unsigned kind = p->foz.records[i].kind;
        if (kind == FOZ_SET)
            vkDestroyDescriptorSetLayout(p->device, (VkDescriptorSetLayout)p->handles[i], NULL);
        if (kind == FOZ_LAYOUT)
            vkDestroyPipelineLayout(p->device, (VkPipelineLayout)p->handles[i], NULL);
        if (kind == FOZ_MODULE)
            vkDestroyShaderModule(p->device, (VkShaderModule)p->handles[i], NULL);
        if (kind == FOZ_PIPELINE)
            vkDestroyPipeline(p->device, (VkPipeline)p->handles[i], NULL);
    }
    vkDestroyDevice(p->device, NULL);
    if (p->messenger)
        vkDestroyDebugUtilsMessengerEXT(p->instance, p->messenger, NULL);
    vkDestroyInstance(p->instance, NULL);
}

int main(int argc, char **argv)
{
    struct player p = {0};
    char *data = NULL;
    size_t size = 0;
    if (argc != 2 || base_file_read(argv[1], 0, &data, &size) != MIEN_OK)
        return 2;
    const char *wrong = foz_read(data, size, &p.foz);
    CHECK_STR(wrong ? wrong : "", "");
    if (wrong)
        return check_result();
    p.handles = base_alloc(p.foz.count, sizeof *p.handles);
    if (!p.handles || volkInitialize() != VK_SUCCESS || !make_instance(&p) || !make_device(&p))
        CHECK_SKIP("no device 0 of Vulkan 1.3");
    volkLoadDevice(p.device);
    for (size_t i = 0; i < p.foz.count; i++)
        make(&p, i);
    CHECK_EQ(p.pipelines, p.foz.of_kind[FOZ_PIPELINE]);
    printf("%zu pipelines made\n", p.pipelines);
    destroy(&p);
    foz_clear(&p.foz);
    base_free(p.handles);
    base_free(data);
    return check_result();
}
