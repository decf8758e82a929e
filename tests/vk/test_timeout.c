/* test_timeout.c: a wait is finite; a device that does not finish counts as lost and is abandoned safely. */
#include "vk/fixture.h"

static const uint32_t spin_spirv[] = {
#include "spin.inc"
};

/* What the hung device owned is left to its driver on purpose. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    struct vk_instance *instance = NULL;
    struct vk_device *device = NULL;
    struct vk_recording *recording = NULL;
    struct vk_pipeline *pipeline = NULL;
    struct vk_range y;
    const struct vk_kernel kernel = {
        .name = "spin", .spirv = spin_spirv, .spirv_size = sizeof spin_spirv, .buffers = 1, .push_size = 4};
    uint32_t index = 0, steps = 60000; /* lavapipe ends all loops of an invocation at 65,535 */
    uint64_t ticket = 0;
    unsetenv("MIEN_VALIDATE"); /* GPU-assisted validation waits without end inside vkQueueSubmit */
    setenv("MIEN_WAIT_SECONDS", "0.05", 1);
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    if (vk_instance_caps(instance, index)->type != VK_TYPE_SOFTWARE)
        CHECK_SKIP("meant for software devices: a GPU may be reset for the whole desktop");
    CHECK_OK(vk_device_create(instance, index, NULL, &device));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 4, "y", &y));
    CHECK_OK(vk_pipeline_get(device, &kernel, &pipeline));
    CHECK_OK(vk_record_begin(device, "long work", &recording));
    CHECK_OK(vk_record_dispatch(recording, pipeline, &y, 1, &steps, 4, (const uint32_t[]){20000, 1, 1}));
    CHECK_OK(vk_record_end(recording));
    uint64_t start = base_clock_ns();
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK(!vk_done(device, ticket));
    CHECK(vk_wait(device, ticket) == MIEN_ERR_TIMEOUT);
    CHECK(base_clock_ns() - start >= 50000000);
    CHECK_LOGGED("did not finish within 0.1 s"); /* 0.05, rounded */
    CHECK_LOGGED("MIEN_WAIT_SECONDS");
    CHECK(vk_device_lost(device));
    CHECK(vk_wait(device, ticket) == MIEN_ERR_DEVICE_LOST);
    vk_free(device, &y); /* memory in use by the device stays where it is */
    vk_recording_destroy(&recording);
    vk_device_destroy(&device);
    CHECK(device == NULL);
    vk_instance_destroy(&instance);
    base_sleep_ms(3000); /* the driver's threads end their work before the process ends */
    return check_result();
}
