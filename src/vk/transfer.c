/* transfer.c: blocking upload and download. Memory that the host sees is copied directly; other memory goes through
 * two staging buffers in turn, so that the host fills (or empties) one while the device copies the other. */
#include "vk/vk_internal.h"

#include <string.h>

/* A staging buffer with its command buffer, made when first needed, and free: its last copy is done. */
static enum mien_status staging_get(struct vk_device *device, enum vk_memory kind, uint32_t turn,
                                    struct vk_staging **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = &device->staging[kind][turn % VK_STAGING_TURNS];
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
        VK_MAKE(device, staging->pool, device->fn.vkCreateCommandPool(device->handle, &pool, NULL, &staging->pool));
    if (!staging->commands) {
        commands.commandPool = staging->pool;
        VK_MAKE(device, staging->commands,
                device->fn.vkAllocateCommandBuffers(device->handle, &commands, &staging->commands));
    }
    TRY(vk_wait(device, staging->ticket));
fail:
    return status;
}

uint64_t vk_staging_bytes(const struct vk_caps *caps, uint64_t size)
{
    uint64_t turns = BASE_MIN(base_div_up(size, VK_STAGING_SIZE), (uint64_t)VK_STAGING_TURNS);
    return caps->unified ? 0 : turns * VK_STAGING_SIZE;
}

void vk_staging_destroy(struct vk_device *device)
{
    for (int kind = 0; kind < VK_MEMORY_KINDS; kind++)
        for (int turn = 0; turn < VK_STAGING_TURNS; turn++) {
            struct vk_staging *staging = &device->staging[kind][turn];
            if (staging->pool && vk_device_may_destroy(device))
                device->fn.vkDestroyCommandPool(device->handle, staging->pool, NULL);
            vk_free(device, &staging->range);
            *staging = (struct vk_staging){0};
        }
}

/* Submits a copy between buffers; staging->ticket tells when it is done. */
static enum mien_status copy_start(struct vk_device *device, struct vk_staging *staging, VkBuffer from, VkBuffer to,
                                   const VkBufferCopy *region)
{
    enum mien_status status = MIEN_OK;
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VK_TRY(device, device->fn.vkResetCommandPool(device->handle, staging->pool, 0));
    VK_TRY(device, device->fn.vkBeginCommandBuffer(staging->commands, &begin));
    vk_cmd_barrier(device, staging->commands);
    device->fn.vkCmdCopyBuffer(staging->commands, from, to, 1, region);
    vk_cmd_host_barrier(device, staging->commands);
    VK_TRY(device, device->fn.vkEndCommandBuffer(staging->commands));
    TRY(vk_submit_commands(device, &staging->commands, NULL, 1, &staging->ticket));
fail:
    return status;
}

/* The end of a transfer, good or bad: none of its copies runs any more, so the caller may free the range. */
static enum mien_status settle(struct vk_device *device, enum mien_status status)
{
    enum mien_status waited = device->lost ? MIEN_ERR_DEVICE_LOST : vk_wait_idle(device);
    return status ? status : waited;
}

static enum mien_status check_part(const struct vk_range *range, uint64_t offset, uint64_t size, const char *verb)
{
    if (range->block && offset <= range->size && size <= range->size - offset)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s of %llu bytes at %llu does not lie inside a range of %llu bytes", verb,
                     (unsigned long long)size, (unsigned long long)offset, (unsigned long long)range->size);
}

/* Bytes of the part that begins at `at`. */
static uint64_t part_size(uint64_t size, uint64_t at)
{
    return BASE_MIN(size - at, (uint64_t)VK_STAGING_SIZE);
}

static enum mien_status upload_staged(struct vk_device *device, struct vk_range range, uint64_t offset,
                                      const unsigned char *data, uint64_t size)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = NULL;
    uint32_t turn = 0;
    for (uint64_t at = 0; at < size; at += VK_STAGING_SIZE, turn++) {
        uint64_t part = part_size(size, at);
        TRY(staging_get(device, VK_MEMORY_UPLOAD, turn, &staging));
        const VkBufferCopy region = {staging->range.offset, range.offset + offset + at, part};
        memcpy(vk_map(&staging->range), data + at, part);
        TRY(copy_start(device, staging, staging->range.block->buffer, range.block->buffer, &region));
    }
fail:
    return settle(device, status);
}

static enum mien_status download_start(struct vk_device *device, struct vk_range range, uint64_t offset, uint64_t size,
                                       uint32_t turn, struct vk_staging **staging)
{
    enum mien_status status = MIEN_OK;
    TRY(staging_get(device, VK_MEMORY_READBACK, turn, staging));
    const VkBufferCopy region = {range.offset + offset, (*staging)->range.offset, size};
    TRY(copy_start(device, *staging, range.block->buffer, (*staging)->range.block->buffer, &region));
fail:
    return status;
}

static enum mien_status download_staged(struct vk_device *device, struct vk_range range, uint64_t offset,
                                        unsigned char *data, uint64_t size)
{
    enum mien_status status = MIEN_OK;
    struct vk_staging *staging = NULL, *next = NULL;
    uint32_t turn = 0;
    if (size)
        TRY(download_start(device, range, offset, part_size(size, 0), 0, &next));
    for (uint64_t at = 0; at < size; at += VK_STAGING_SIZE) {
        uint64_t after = at + VK_STAGING_SIZE;
        staging = next;
        if (after < size)
            TRY(download_start(device, range, offset + after, part_size(size, after), ++turn, &next));
        TRY(vk_wait(device, staging->ticket));
        memcpy(data + at, vk_map(&staging->range), part_size(size, at));
    }
fail:
    return settle(device, status);
}

enum mien_status vk_upload(struct vk_device *device, struct vk_range range, uint64_t offset, const void *data,
                           uint64_t size)
{
    enum mien_status status = MIEN_OK;
    TRY(check_part(&range, offset, size, "upload"));
    TRY(vk_wait_idle(device));
    if (!vk_map(&range))
        return upload_staged(device, range, offset, data, size);
    memcpy((unsigned char *)vk_map(&range) + offset, data, size);
fail:
    return status;
}

enum mien_status vk_download(struct vk_device *device, struct vk_range range, uint64_t offset, void *data,
                             uint64_t size)
{
    enum mien_status status = MIEN_OK;
    TRY(check_part(&range, offset, size, "download"));
    TRY(vk_wait_idle(device));
    /* reading uncached memory is far slower than a copy by the device */
    if (!vk_map(&range) || (!range.block->cached && range.block->kind == VK_MEMORY_DEVICE))
        return download_staged(device, range, offset, data, size);
    memcpy(data, (unsigned char *)vk_map(&range) + offset, size);
fail:
    return status;
}
