/* adopt.c: an application with a Vulkan device of its own, through a volk of its own, runs a model on it and goes on
 * using the queue meanwhile. Validated by the layers, where they are installed; any message fails.
 * adopt MODEL_DIR PICTURE */
#include <mien/mien.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define VOLK_IMPLEMENTATION
#include <volk.h>

#include "check.h"
#include "vk/vk_matrix.h"

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int locked, unlocked, messages;
static char logged[1024]; /* Mien's last message */

static void keep_log(void *user, enum mien_log_level level, const char *message)
{
    (void)user, (void)level;
    snprintf(logged, sizeof logged, "%s", message);
}

static VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                      VkDebugUtilsMessageTypeFlagsEXT type,
                                      const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)severity, (void)type, (void)user;
    fprintf(stderr, "validation: %s\n", data->pMessage);
    atomic_fetch_add(&messages, 1);
    return VK_FALSE;
}

static void lock(void *user)
{
    pthread_mutex_lock(user);
    atomic_fetch_add(&locked, 1);
}

static void unlock(void *user)
{
    atomic_fetch_add(&unlocked, 1);
    pthread_mutex_unlock(user);
}

/* ---- the application's Vulkan ---- */

struct app {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice physical;
    VkDevice device;
    VkQueue queue;
    uint32_t version, family, validated;
    VkDeviceCreateInfo info; /* what the device was made with */
};

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

static bool make_instance(struct app *app, uint32_t version)
{
    static const char *const layer = "VK_LAYER_KHRONOS_validation";
    static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
                                             VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
    static const VkValidationFeatureEnableEXT sync = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    const VkValidationFeaturesEXT features = {.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                              .enabledValidationFeatureCount = 1,
                                              .pEnabledValidationFeatures = &sync};
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity =
            VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message};
    const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = version};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    app->validated = has_validation();
    if (app->validated) {
        info.pNext = &features;
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &layer;
        info.enabledExtensionCount = 2;
        info.ppEnabledExtensionNames = extensions;
    }
    app->version = version;
    if (vkCreateInstance(&info, NULL, &app->instance) != VK_SUCCESS)
        return false;
    volkLoadInstance(app->instance);
    return !app->validated ||
           vkCreateDebugUtilsMessengerEXT(app->instance, &messenger, NULL, &app->messenger) == VK_SUCCESS;
}

/* A device of the given name with the features of `chain`. */
static bool make_device(struct app *app, const char *name, const void *chain, const char *const *extensions,
                        uint32_t extension_count)
{
    VkPhysicalDevice devices[16];
    VkPhysicalDeviceProperties properties;
    VkQueueFamilyProperties families[16];
    uint32_t count = 16, family_count = 16;
    const float priority = 1;
    vkEnumeratePhysicalDevices(app->instance, &count, devices);
    for (uint32_t i = 0; i < count; i++) {
        vkGetPhysicalDeviceProperties(devices[i], &properties);
        if (strcmp(properties.deviceName, name) == 0)
            app->physical = devices[i];
    }
    if (!app->physical)
        return false;
    vkGetPhysicalDeviceQueueFamilyProperties(app->physical, &family_count, families);
    while (app->family < family_count && !(families[app->family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        app->family++;
    const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                           .queueFamilyIndex = app->family,
                                           .queueCount = 1,
                                           .pQueuePriorities = &priority};
    app->info = (VkDeviceCreateInfo){.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .pNext = chain,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queue,
                                     .enabledExtensionCount = extension_count,
                                     .ppEnabledExtensionNames = extensions};
    if (vkCreateDevice(app->physical, &app->info, NULL, &app->device) != VK_SUCCESS)
        return false;
    vkGetDeviceQueue(app->device, app->family, 0, &app->queue);
    return true;
}

/* What the device has of matrix units, which no version of Vulkan includes. */
struct matrices {
    struct vk_matrix_features f16;
    struct vk_bfloat16_features bf16;
    const char *extensions[2];
    uint32_t count;
};

static bool has_extension(VkPhysicalDevice device, const char *name)
{
    static VkExtensionProperties list[512];
    uint32_t count = 512;
    vkEnumerateDeviceExtensionProperties(device, NULL, &count, list);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].extensionName, name) == 0)
            return true;
    return false;
}

/* Their features go to the end of a chain. */
static void chain_matrices(VkPhysicalDevice device, struct matrices *m, void **end)
{
    *m = (struct matrices){.f16 = {.sType = (VkStructureType)VK_MATRIX_FEATURES_TYPE},
                           .bf16 = {.sType = (VkStructureType)VK_BFLOAT16_FEATURES_TYPE}};
    if (has_extension(device, VK_MATRIX_EXTENSION)) {
        m->extensions[m->count++] = VK_MATRIX_EXTENSION;
        *end = &m->f16;
        end = &m->f16.pNext;
    }
    if (has_extension(device, VK_BFLOAT16_EXTENSION)) {
        m->extensions[m->count++] = VK_BFLOAT16_EXTENSION;
        *end = &m->bf16;
    }
}

static void end(struct app *app)
{
    if (app->device)
        vkDestroyDevice(app->device, NULL);
    if (app->messenger)
        vkDestroyDebugUtilsMessengerEXT(app->instance, app->messenger, NULL);
    if (app->instance)
        vkDestroyInstance(app->instance, NULL);
}

/* Work of the application's own on its queue: an empty submission that must end. */
static bool use_queue(const struct app *app)
{
    const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence fence = VK_NULL_HANDLE;
    bool done = vkCreateFence(app->device, &info, NULL, &fence) == VK_SUCCESS;
    lock(&queue_lock);
    done = done && vkQueueSubmit(app->queue, 0, NULL, fence) == VK_SUCCESS;
    unlock(&queue_lock);
    done = done && vkWaitForFences(app->device, 1, &fence, VK_TRUE, 60000000000u) == VK_SUCCESS;
    vkDestroyFence(app->device, fence, NULL);
    return done;
}

struct other {
    const struct app *app;
    atomic_bool stop;
    atomic_int uses, failures;
};

static void *use_queue_always(void *user)
{
    struct other *other = user;
    while (!atomic_load(&other->stop)) {
        atomic_fetch_add(&other->failures, !use_queue(other->app));
        atomic_fetch_add(&other->uses, 1);
    }
    return NULL;
}

static struct mien_vulkan given(const struct app *app)
{
    return (struct mien_vulkan){.size = sizeof(struct mien_vulkan),
                                .instance = app->instance,
                                .physical_device = app->physical,
                                .device = app->device,
                                .queue = app->queue,
                                .queue_family = app->family,
                                .api_version = app->version,
                                .extensions = app->info.ppEnabledExtensionNames,
                                .extension_count = app->info.enabledExtensionCount,
                                .features = app->info.pNext,
                                .lock = lock,
                                .unlock = unlock,
                                .user = &queue_lock};
}

/* ---- a model on it ---- */

enum { MOST = 4096 };
struct embeds {
    uint32_t width;
    float image[MOST], text[MOST];
};
static const char *model_dir, *picture;

static enum mien_status embed(struct mien_gpu *gpu, struct embeds *out)
{
    struct mien_model *model = NULL;
    const struct mien_input input = {.path = picture};
    struct mien_model_info info = {sizeof info};
    enum mien_status status = mien_model_open(gpu, model_dir, NULL, &model);
    if (status == MIEN_OK)
        mien_model_describe(model, &info);
    out->width = info.embed;
    if (status == MIEN_OK)
        status = info.embed > MOST ? MIEN_ERR_ARG : mien_model_embed(model, &input, 1, NULL, out->image);
    if (status == MIEN_OK)
        status = mien_model_embed_texts(model, (const char *const[]){"a happy face"}, 1, 0, out->text);
    mien_model_destroy(&model);
    return status;
}

static void check_same(const struct embeds *a, const struct embeds *b)
{
    CHECK(a->width > 0);
    CHECK_EQ(a->width, b->width);
    CHECK(memcmp(a->image, b->image, a->width * sizeof(float)) == 0);
    CHECK(memcmp(a->text, b->text, a->width * sizeof(float)) == 0);
}

/* On a device that Mien makes, with the same features. */
static void embed_alone(const char *name, const char *caps, struct embeds *out)
{
    struct mien_gpu *gpu = NULL;
    CHECK_EQ(mien_gpu_create(
                 &(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .device = name, .caps = caps}, &gpu),
             MIEN_OK);
    CHECK_EQ(embed(gpu, out), MIEN_OK);
    mien_gpu_destroy(&gpu);
}

/* All features that Mien knows; another thread uses the queue all the time. Returns whether the device has 16-bit
 * storage. */
static bool test_whole(const char *name)
{
    static struct embeds alone, adopted;
    VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
    VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                            .pNext = &v13};
    VkPhysicalDeviceVulkan11Features v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                                            .pNext = &v12};
    VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
    struct app app = {0};
    struct matrices matrices;
    struct mien_gpu *gpu = NULL;
    struct mien_gpu_info info = {sizeof info};
    struct mien_gpu_info first = {sizeof first};
    pthread_t thread;
    CHECK(make_instance(&app, VK_API_VERSION_1_3) && make_device(&app, name, NULL, NULL, 0));
    chain_matrices(app.physical, &matrices, &v13.pNext);
    vkGetPhysicalDeviceFeatures2(app.physical, &all); /* what there is ... */
    vkDestroyDevice(app.device, NULL);
    all.features = (VkPhysicalDeviceFeatures){0};
    matrices.f16.robust = VK_FALSE;                                            /* that of buffers is off, too */
    CHECK(make_device(&app, name, &all, matrices.extensions, matrices.count)); /* ... all of it */
    struct other other = {.app = &app};
    struct mien_vulkan vulkan = given(&app);
    CHECK_EQ(mien_gpu_adopt(&vulkan, NULL, &gpu), MIEN_OK);
    pthread_create(&thread, NULL, use_queue_always, &other);
    CHECK_EQ(embed(gpu, &adopted), MIEN_OK);
    atomic_store(&other.stop, true);
    pthread_join(thread, NULL);
    CHECK(other.uses > 0 && other.failures == 0);
    mien_gpu_describe(gpu, &info);
    mien_gpu_destroy(&gpu);
    CHECK(use_queue(&app)); /* nothing of the application's is gone */
    CHECK(locked > 0 && locked == unlocked);
    end(&app);
    embed_alone(name, NULL, &alone);
    check_same(&alone, &adopted);
    CHECK_EQ(mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .device = name}, &gpu),
             MIEN_OK);
    mien_gpu_describe(gpu, &first);
    mien_gpu_destroy(&gpu);
    CHECK_STR(info.features, first.features);
    printf("%d submissions of the application's beside Mien's; features in use: %s\n", other.uses, info.features);
    return v11.storageBuffer16BitAccess;
}

/* A device of Vulkan 1.1 with one extension and no feature more than is needed. `storage16`: it would have that, so
 * that its absence is the application's choice (SwiftShader has none). */
static void test_least(const char *name, bool storage16)
{
    static struct embeds alone, adopted;
    static const char *const extension = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, .timelineSemaphore = VK_TRUE};
    struct app app = {0};
    struct mien_gpu *gpu = NULL;
    struct mien_gpu_info info = {sizeof info};
    CHECK(make_instance(&app, VK_API_VERSION_1_1) && make_device(&app, name, &timeline, &extension, 1));
    struct mien_vulkan vulkan = given(&app);
    vulkan.get_instance_proc_addr = (mien_vulkan_function)vkGetInstanceProcAddr;
    CHECK_EQ(
        mien_gpu_adopt(&vulkan, &(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .caps = ""}, &gpu),
        MIEN_OK);
    mien_gpu_describe(gpu, &info);
    CHECK_EQ(strstr(info.disabled, "storage16: the application's device was made without") != NULL, storage16);
    CHECK(strstr(info.features, "storage16") == NULL && strstr(info.features, "subgroup_full") == NULL);
    CHECK(strncmp(info.api, "1.1", 3) == 0);
    CHECK_EQ(embed(gpu, &adopted), MIEN_OK);
    mien_gpu_destroy(&gpu);
    vulkan.extension_count = 0; /* what is not said to be enabled is not used */
    CHECK_EQ(mien_gpu_adopt(&vulkan, NULL, &gpu), MIEN_ERR_UNSUPPORTED);
    CHECK(strstr(logged, "VK_KHR_timeline_semaphore") != NULL);
    end(&app);
    embed_alone(name, "-storage16,-f16,-subgroup_full", &alone);
    check_same(&alone, &adopted);
}

static void refuse(const struct mien_vulkan *vulkan, enum mien_status wanted, const char *said)
{
    struct mien_gpu *gpu = (struct mien_gpu *)&logged; /* must be cleared */
    CHECK_EQ(mien_gpu_adopt(vulkan, NULL, &gpu), wanted);
    CHECK(gpu == NULL);
    CHECK(strstr(logged, said) != NULL);
}

static void test_refused(const char *name)
{
    struct app app = {0};
    CHECK(make_instance(&app, VK_API_VERSION_1_2) && make_device(&app, name, NULL, NULL, 0));
    const struct mien_vulkan right = given(&app);
    struct mien_vulkan v = right;
    refuse(&right, MIEN_ERR_UNSUPPORTED, "timelineSemaphore");
    refuse(NULL, MIEN_ERR_ARG, "mien_gpu_adopt: an argument is missing");
    refuse(&(struct mien_vulkan){0}, MIEN_ERR_ARG, "size is 0");
    refuse(&(struct mien_vulkan){sizeof(struct mien_vulkan)}, MIEN_ERR_ARG,
           "instance, physical_device, device and queue");
    v.physical_device = app.queue;
    refuse(&v, MIEN_ERR_ARG, "physical_device is none of");
    v = right;
    v.queue_family = 99;
    refuse(&v, MIEN_ERR_ARG, "queue_family is 99");
    v = right;
    v.unlock = NULL;
    refuse(&v, MIEN_ERR_ARG, "lock and unlock");
    v = right;
    v.api_version = 0;
    refuse(&v, MIEN_ERR_UNSUPPORTED, "Vulkan 0.0");
    v = right;
    v.extension_count = 1;
    v.extensions = NULL;
    refuse(&v, MIEN_ERR_ARG, "without their names");
    v.extensions = (const char *const[]){NULL};
    refuse(&v, MIEN_ERR_ARG, "extension 0 is NULL");
    end(&app);
}

int main(int argc, char **argv)
{
    struct mien_gpu *gpu = NULL;
    struct mien_gpu_info info = {sizeof info};
    if (argc != 3 || setenv("MIEN_VALIDATE", "", 1) != 0)
        return 2;
    model_dir = argv[1];
    picture = argv[2];
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (volkInitialize() != VK_SUCCESS || mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    mien_gpu_describe(gpu, &info);
    mien_gpu_destroy(&gpu);
    if (strcmp(info.api, "1.3") < 0)
        CHECK_SKIP("%s has Vulkan %s; this test makes a device of 1.3", info.name, info.api);
    test_least(info.name, test_whole(info.name));
    test_refused(info.name);
    CHECK_EQ(messages, 0);
    if (!has_validation())
        printf("skipped: validation of it (VK_LAYER_KHRONOS_validation is not installed)\n");
    return check_result();
}
