/* test_loss.c: a lost device stays lost, says so at once, and can be replaced. */
#include "vk/fixture.h"

static struct vk_instance *instance;

int main(void)
{
    struct vk_device *device = NULL, *next = NULL;
    struct vk_recording *recording = NULL, *other = NULL;
    struct vk_range x, y, range;
    struct vk_pipeline *pipeline;
    struct vk_kernel kernel = affine_kernel(64, 5);
    uint64_t ticket = 0, lost = 0;
    uint32_t index = 0;
    float value = 1;
    double ns;
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &device) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 4, "x", &x));
    CHECK_OK(vk_alloc(device, VK_MEMORY_DEVICE, 4, "y", &y));
    CHECK_OK(vk_record_begin(device, "work", &recording));
    CHECK_OK(record_affine(device, recording, x, y, 1, 1, 1));
    CHECK_OK(vk_record_end(recording));
    CHECK_OK(vk_submit(device, recording, &ticket));
    CHECK_OK(vk_wait(device, ticket));
    CHECK(!vk_device_lost(device));

    vk_device_inject_loss(device);
    CHECK(vk_submit(device, recording, &lost) == MIEN_ERR_DEVICE_LOST);
    CHECK(lost == 0 && logged_count == 1);
    CHECK_LOGGED("vkQueueSubmit returned VK_ERROR_DEVICE_LOST");
    CHECK_LOGGED("last checkpoint");
    CHECK(vk_device_lost(device));
    clear_log();
    CHECK(vk_submit(device, recording, &lost) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_wait(device, ticket) == MIEN_ERR_DEVICE_LOST);
    CHECK(!vk_done(device, ticket));
    CHECK(vk_alloc(device, VK_MEMORY_DEVICE, 4, "z", &range) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_upload(device, x, 0, &value, 4) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_download(device, x, 0, &value, 4) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_pipeline_get(device, &kernel, &pipeline) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_record_begin(device, "more", &other) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_record_barrier(recording) == MIEN_ERR_DEVICE_LOST);
    CHECK(vk_recording_times(recording, &ns, 0) == MIEN_ERR_DEVICE_LOST);
    CHECK(logged_count == 0); /* said once, where it happened */

    CHECK_OK(vk_device_create(instance, index, NULL, &next)); /* a new one works beside it */
    CHECK(!vk_device_lost(next));
    vk_recording_destroy(&recording);
    vk_free(device, &x);
    vk_free(device, &y);
    vk_device_destroy(&device);
    vk_device_destroy(&next);
    CHECK(vk_instance_validation_messages(instance) == 0);
    vk_instance_destroy(&instance);
    return check_result();
}
