/* transfer.c: blocking upload and download. Memory that the host sees is copied directly; other memory goes through a
 * staging buffer that the device keeps. */
#include "vk/vk_internal.h"

#include <string.h>

/* The staging buffer and command buffer of one direction, made when first needed. */
static enum mien_status staging_get(struct vk_device *device, enum vk_memory kind, struct vk_staging **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = &device->staging[kind];
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
        .queueFamilyIndex = device->physical->family,
    };
    VkCommandBufferAllocateInfo commands = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    *out = staging;
    if (!staging->range.block)
        TRY(vk_alloc(device, kind, VK_STAGING_SIZE, "staging", &staging->range));
    if (!staging->pool)
        VK_TRY(device, device->fn.vkCreateCommandPool(device->handle, &pool, NULL, &staging->pool));
    if (!staging->commands) {
        commands.commandPool = staging->pool;
        VK_TRY(device, device->fn.vkAllocateCommandBuffers(device->handle, &commands, &staging->commands));
    }
fail:
    return status;
}

void vk_staging_destroy(struct vk_device *device)
{
    for (int kind = 0; kind < VK_MEMORY_KINDS; kind++) {
        struct vk_staging *staging = &device->staging[kind];
        if (staging->pool && vk_device_may_destroy(device))
            device->fn.vkDestroyCommandPool(device->handle, staging->pool, NULL);
        vk_free(device, &staging->range);
        *staging = (struct vk_staging){0};
    }
}

/* Copies `size` bytes between buffers and waits. */
static enum mien_status copy_now(struct vk_device *device, struct vk_staging *staging, VkBuffer from, VkBuffer to,
                                 const VkBufferCopy *region)
{
    enum mien_status status = MIEN_OK;
    uint64_t ticket = 0;
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VK_TRY(device, device->fn.vkResetCommandPool(device->handle, staging->pool, 0));
    VK_TRY(device, device->fn.vkBeginCommandBuffer(staging->commands, &begin));
    vk_cmd_barrier(device, staging->commands);
    device->fn.vkCmdCopyBuffer(staging->commands, from, to, 1, region);
    vk_cmd_host_barrier(device, staging->commands);
    VK_TRY(device, device->fn.vkEndCommandBuffer(staging->commands));
    TRY(vk_submit_commands(device, &staging->commands, 1, &ticket));
    TRY(vk_wait(device, ticket));
fail:
    return status;
}

static enum mien_status check_part(const struct vk_range *range, uint64_t offset, uint64_t size, const char *verb)
{
    if (range->block && offset <= range->size && size <= range->size - offset)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s of %llu bytes at %llu does not lie inside a range of %llu bytes", verb,
                     (unsigned long long)size, (unsigned long long)offset, (unsigned long long)range->size);
}

enum mien_status vk_upload(struct vk_device *device, struct vk_range range, uint64_t offset, const void *data,
                           uint64_t size)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = NULL;
    TRY(check_part(&range, offset, size, "upload"));
    TRY(vk_wait_idle(device));
    if (vk_map(&range)) {
        memcpy((unsigned char *)vk_map(&range) + offset, data, size);
        return MIEN_OK;
    }
    TRY(staging_get(device, VK_MEMORY_UPLOAD, &staging));
    for (uint64_t at = 0; at < size; at += VK_STAGING_SIZE) {
        uint64_t part = BASE_MIN(size - at, (uint64_t)VK_STAGING_SIZE);
        const VkBufferCopy region = {staging->range.offset, range.offset + offset + at, part};
        memcpy(vk_map(&staging->range), (const unsigned char *)data + at, part);
        TRY(copy_now(device, staging, staging->range.block->buffer, range.block->buffer, &region));
    }
fail:
    return status;
}

enum mien_status vk_download(struct vk_device *device, struct vk_range range, uint64_t offset, void *data,
                             uint64_t size)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = NULL;
    TRY(check_part(&range, offset, size, "download"));
    TRY(vk_wait_idle(device));
    /* reading uncached memory is far slower than a copy by the device */
    if (vk_map(&range) && (range.block->cached || range.block->kind != VK_MEMORY_DEVICE)) {
        memcpy(data, (unsigned char *)vk_map(&range) + offset, size);
        return MIEN_OK;
    }
    TRY(staging_get(device, VK_MEMORY_READBACK, &staging));
    for (uint64_t at = 0; at < size; at += VK_STAGING_SIZE) {
        uint64_t part = BASE_MIN(size - at, (uint64_t)VK_STAGING_SIZE);
        const VkBufferCopy region = {range.offset + offset + at, staging->range.offset, part};
        TRY(copy_now(device, staging, range.block->buffer, staging->range.block->buffer, &region));
        memcpy((unsigned char *)data + at, vk_map(&staging->range), part);
    }
fail:
    return status;
}
