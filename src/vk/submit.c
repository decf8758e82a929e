/* submit.c: submission on the device's timeline, and waiting that is finite and never spins. */
#include "vk/vk_internal.h"

static VkResult queue_submit(struct vk_device *device, const VkSubmitInfo *info)
{
    const struct mien_vulkan *shared = &device->instance->adopted;
    if (device->inject_loss)
        return VK_ERROR_DEVICE_LOST;
    if (shared->lock)
        shared->lock(shared->user);
    VkResult result = device->fn.vkQueueSubmit(device->queue, 1, info, VK_NULL_HANDLE);
    if (shared->unlock)
        shared->unlock(shared->user);
    return result;
}

enum mien_status vk_submit_commands(struct vk_device *device, const VkCommandBuffer *commands, const bool *joined,
                                    uint32_t count, uint64_t *ticket)
{
    enum mien_status status = MIEN_OK;
    const uint64_t value = device->submitted + 1;
    const VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &value,
    };
    *ticket = 0;
    TRY(vk_device_alive(device));
    for (uint32_t i = 0, together; i < count; i += together) {
        for (together = 1; joined && i + together < count && joined[i + together];)
            together++;
        bool last = i + together == count; /* its signal waits for all that was submitted before it */
        const VkSubmitInfo info = {
            .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
            .pNext = last ? &timeline : NULL,
            .commandBufferCount = together,
            .pCommandBuffers = &commands[i],
            .signalSemaphoreCount = last ? 1 : 0,
            .pSignalSemaphores = &device->timeline,
        };
        VkResult result = queue_submit(device, &info);
        if (result != VK_SUCCESS) {
            device->lost = true; /* some slices may run and others not: nothing sound is left to do */
            status = vk_result_fail(device, result, "vkQueueSubmit(", __FILE__, __LINE__);
            goto fail;
        }
    }
    device->submitted = value;
    *ticket = value;
fail:
    return status;
}

static VkResult wait_once(struct vk_device *device, uint64_t ticket, uint64_t timeout_ns)
{
    const VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &device->timeline,
        .pValues = &ticket,
    };
    return device->fn.vkWaitSemaphores(device->handle, &info, timeout_ns);
}

/* In pieces of a second at most: some drivers round a long time-out badly or do not notice a loss inside one wait. */
enum mien_status vk_wait(struct vk_device *device, uint64_t ticket)
{
    enum mien_status status = MIEN_OK;
    const uint64_t piece = 1000000000;
    const uint64_t start = base_clock_ns();
    VkResult result = VK_TIMEOUT;
    TRY(vk_device_alive(device));
    FAIL_IF(ticket > device->submitted, MIEN_ERR_ARG, "ticket %llu was never given out; the last one is %llu",
            (unsigned long long)ticket, (unsigned long long)device->submitted);
    while (result == VK_TIMEOUT) {
        uint64_t waited = base_clock_ns() - start;
        if (waited >= device->wait_ns) {
            device->lost = device->hung = device->instance->hung = true;
            return base_fail(MIEN_ERR_TIMEOUT,
                             "%s did not finish within %.1f s; its driver hangs or the work is too large for it: "
                             "use a smaller batch, or raise MIEN_WAIT_SECONDS",
                             device->caps.name, (double)device->wait_ns * 1e-9);
        }
        result = wait_once(device, ticket, BASE_MIN(piece, device->wait_ns - waited));
    }
    if (result != VK_SUCCESS)
        return vk_result_fail(device, result, "vkWaitSemaphores(", __FILE__, __LINE__);
fail:
    return status;
}

enum mien_status vk_wait_idle(struct vk_device *device)
{
    return vk_wait(device, device->submitted);
}

bool vk_done(struct vk_device *device, uint64_t ticket)
{
    uint64_t value = 0;
    if (device->lost)
        return false;
    VkResult result = device->fn.vkGetSemaphoreCounterValue(device->handle, device->timeline, &value);
    if (result != VK_SUCCESS)
        (void)vk_result_fail(device, result, "vkGetSemaphoreCounterValue(", __FILE__, __LINE__);
    return result == VK_SUCCESS && value >= ticket;
}
