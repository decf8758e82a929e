/* test_pipelines.c: many pipelines at once: by several threads, in the order of their kernels whatever comes first, the
 * first failure alone is told, nothing stays of what it took along. The driver's functions are watched. */
#include "base/clock.h"
#include "base/thread.h"
#include "vk/fixture.h"
#include "vk/vk_internal.h"

enum { MOST = 8 };

static struct vk_instance *instance;
static struct vk_device *device;
static struct vk_device_table driver;
static _Atomic int modules, pipelines; /* alive */
static _Atomic uint32_t calls, inside, most_inside;
static uint32_t await;           /* a compilation ends when so many have begun, or after a second */
static _Atomic uint32_t stuck;   /* kernels whose compilation does not end */
static _Atomic uint32_t strange; /* kernels that nobody asked for */
static char names[MOST][8];
static int failing[MOST]; /* the milliseconds after which a kernel fails, 0 = it does not */

static VKAPI_ATTR VkResult VKAPI_CALL make_module(VkDevice handle, const VkShaderModuleCreateInfo *info,
                                                  const VkAllocationCallbacks *callbacks, VkShaderModule *out)
{
    modules++;
    return driver.vkCreateShaderModule(handle, info, callbacks, out);
}

static VKAPI_ATTR void VKAPI_CALL end_module(VkDevice handle, VkShaderModule module,
                                             const VkAllocationCallbacks *callbacks)
{
    modules--;
    driver.vkDestroyShaderModule(handle, module, callbacks);
}

static VKAPI_ATTR void VKAPI_CALL end_pipeline(VkDevice handle, VkPipeline pipeline,
                                               const VkAllocationCallbacks *callbacks)
{
    pipelines--;
    driver.vkDestroyPipeline(handle, pipeline, callbacks);
}

/* Which kernel it is: the last of its constants. */
static uint32_t kernel_of(const VkComputePipelineCreateInfo *info)
{
    const VkSpecializationInfo *spec = info->stage.pSpecializationInfo;
    return ((const uint32_t *)spec->pData)[8] % 100;
}

static void pause_ms(int ms)
{
    for (uint64_t end = base_clock_ns() + (uint64_t)ms * 1000000; base_clock_ns() < end;)
        ;
}

static VKAPI_ATTR VkResult VKAPI_CALL make_pipeline(VkDevice handle, VkPipelineCache cache, uint32_t count,
                                                    const VkComputePipelineCreateInfo *infos,
                                                    const VkAllocationCallbacks *callbacks, VkPipeline *out)
{
    uint32_t kernel = kernel_of(infos);
    strange += kernel >= MOST;
    int fails = failing[kernel % MOST];
    uint32_t now = ++inside, most = most_inside;
    calls++;
    while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
        ;
    for (uint64_t end = base_clock_ns() + 1000000000; calls < await && base_clock_ns() < end;)
        ;
    for (uint64_t end = base_clock_ns() + 10000000000; stuck >> kernel % MOST & 1 && base_clock_ns() < end;)
        ;
    pause_ms(fails);
    if (fails)
        *out = (VkPipeline)(uintptr_t)0xdead; /* what is left behind is not used */
    VkResult result =
        fails ? VK_ERROR_UNKNOWN : driver.vkCreateComputePipelines(handle, cache, count, infos, callbacks, out);
    pipelines += result == VK_SUCCESS;
    inside--;
    return result;
}

/* MOST kernels that no test before has had. */
static void make_kernels(struct vk_kernel kernels[MOST])
{
    static uint32_t turn;
    turn++;
    for (uint32_t i = 0; i < MOST; i++) {
        snprintf(names[i], sizeof names[i], "k%u", i);
        kernels[i] = affine_kernel(64, turn * 100 + i);
        kernels[i].name = names[i];
    }
    calls = most_inside = 0;
    await = 0;
    memset(failing, 0, sizeof failing);
}

static void test_together(void)
{
    struct vk_kernel kernels[MOST];
    struct vk_pipeline *out[MOST], *again[MOST];
    make_kernels(kernels);
    kernels[5] = kernels[1];
    await = BASE_MIN(base_cpu_count(), 4u);
    CHECK_OK(vk_pipelines_get(device, kernels, MOST, 0, out));
    CHECK_EQ(calls, MOST - 1);
    CHECK(most_inside >= await && most_inside <= base_cpu_count());
    for (uint32_t i = 0; i < MOST; i++)
        CHECK(out[i] && out[i]->handle && strcmp(out[i]->name, kernels[i].name) == 0 &&
              out[i]->spec[8] == kernels[i].spec[8]);
    CHECK(out[5] == out[1]);
    CHECK_OK(vk_pipelines_get(device, kernels, MOST, 0, again));
    CHECK(memcmp(out, again, sizeof out) == 0);
    CHECK_EQ(calls, MOST - 1);
    CHECK_EQ(modules, 0);
}

/* A later kernel fails sooner. */
static void test_first_failure(void)
{
    struct vk_kernel kernels[MOST];
    struct vk_pipeline *out[MOST], *one;
    int before = pipelines;
    make_kernels(kernels);
    await = 2;
    failing[2] = 30;
    failing[3] = failing[6] = 1;
    clear_log();
    CHECK_EQ(vk_pipelines_get(device, kernels, MOST, 0, out), MIEN_ERR_DRIVER);
    CHECK_LOGGED("kernel k2 does not compile on ");
    CHECK(!strstr(logged, "kernel k3") && !strstr(logged, "kernel k6"));
    CHECK_EQ(logged_count, 2);
    for (uint32_t i = 0; i < MOST; i++)
        CHECK(!out[i]);
    CHECK_EQ(modules, 0);
    CHECK_EQ(pipelines, before + 2); /* k0 and k1 stay */
    calls = await = 0;
    CHECK_OK(vk_pipelines_get(device, kernels, 2, 0, out));
    CHECK_EQ(calls, 0);
    memset(failing, 0, sizeof failing);
    CHECK_OK(vk_pipeline_get(device, &kernels[2], &one)); /* no failure is kept */
    CHECK_OK(vk_pipelines_get(device, kernels, MOST, 0, out));
    CHECK_EQ(calls, MOST - 2);
    CHECK(out[2] == one);
}

/* What is refused before anything is compiled. */
static void test_refused(void)
{
    struct vk_kernel kernels[MOST];
    struct vk_pipeline *out[MOST];
    int before = pipelines;
    make_kernels(kernels);
    kernels[4].spec[0] = 1 << 20;
    clear_log();
    CHECK_EQ(vk_pipelines_get(device, kernels, MOST, 0, out), MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("kernel k4: local size 1048576");
    CHECK(!out[0] && !out[7]);
    CHECK_EQ(calls, 0);
    CHECK_EQ(modules, 0);
    kernels[4].spec[0] = 64;
    CHECK_OK(vk_pipelines_get(device, kernels, MOST, 0, out));
    CHECK_EQ(calls, MOST);
    CHECK_EQ(pipelines, before + MOST);
    CHECK_OK(vk_pipelines_get(device, NULL, 0, 0, NULL));
}

/* What comes later is made by others while the caller has what he waits for, and found by a later call. */
static void test_later(void)
{
    struct vk_kernel kernels[MOST], kept[MOST];
    struct vk_pipeline *out[MOST];
    int before = pipelines;
    make_kernels(kernels);
    failing[6] = 1;
    if (base_cpu_count() < 2)
        return;
    stuck = 1 << 3 | 1 << 4;
    CHECK_OK(vk_pipelines_get(device, kernels, 2, 6, out));
    CHECK(out[0]->handle && out[1]->handle && device->ahead);
    memcpy(kept, kernels, sizeof kept);
    memset(kernels, 0x7f, sizeof kernels); /* they may be gone by then */
    stuck = 0;
    vk_batch_settle(device, true);
    CHECK(!device->ahead && strange == 0);
    memcpy(kernels, kept, sizeof kept);
    CHECK_OK(vk_pipelines_get(device, kernels, 2, 0, out)); /* nobody waits */
    CHECK_OK(vk_pipelines_get(device, kernels + 2, 4, 0, out + 2));
    CHECK(out[2]->handle && out[5]->handle);
    CHECK_EQ(pipelines, before + 6);
    CHECK_EQ(modules, 0);
    clear_log();
    CHECK_EQ(vk_pipelines_get(device, kernels + 6, 2, 0, out), MIEN_ERR_DRIVER);
    CHECK_LOGGED("kernel k6 does not compile on ");
    failing[6] = 0;
    CHECK_OK(vk_pipelines_get(device, kernels, MOST, 0, out));
    CHECK_EQ(pipelines, before + MOST);
    make_kernels(kernels); /* left to the device's end */
    CHECK_OK(vk_pipelines_get(device, kernels, 1, 7, out));
}

int main(void)
{
    uint32_t index = 0;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    if (!device->caps.specialises)
        CHECK_SKIP("%s gets its constants in the module", device->caps.name);
    driver = device->fn;
    device->fn.vkCreateShaderModule = make_module;
    device->fn.vkDestroyShaderModule = end_module;
    device->fn.vkCreateComputePipelines = make_pipeline;
    device->fn.vkDestroyPipeline = end_pipeline;
    test_together();
    test_first_failure();
    test_refused();
    test_later();
    vk_device_destroy(&device);
    CHECK_EQ(pipelines, 0);
    vk_instance_destroy(&instance);
    return check_result();
}
