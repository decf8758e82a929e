/* record.c: command buffers, recorded once. A recording owns a command pool with one command buffer per piece,
 * descriptor sets, each written once, and pools of time stamps; submitting it changes none of them. */
#include "vk/vk_internal.h"

#include <string.h>

enum {
    STAMPS_PER_POOL = 256,
    STAMP_PATIENCE_MS = 1000,
};

struct vk_recording {
    struct vk_device *device;
    char label[VK_LABEL_SIZE];
    VkCommandPool pool;
    VkCommandBuffer *pieces; /* the last is being recorded until `ended` */
    bool *joined;            /* [pieces]: submitted together with the one before it */
    size_t piece_count, piece_capacity, joined_capacity;
    struct vk_sets sets;
    VkQueryPool *stamp_pools;
    size_t stamp_pool_count, stamp_pool_capacity;
    uint32_t stamps;
    VkPipeline bound;
    bool dirty; /* something was recorded since the last barrier */
    bool ended;
    struct vk_record_stats stats;
};

/* ---- barriers ---- */

static void cmd_memory_barrier(struct vk_device *device, VkCommandBuffer commands, VkPipelineStageFlags after,
                               VkAccessFlags access)
{
    const VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = access,
    };
    device->fn.vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                                    after, 0, 1, &barrier, 0, NULL, 0, NULL);
}

void vk_cmd_barrier(struct vk_device *device, VkCommandBuffer commands)
{
    cmd_memory_barrier(device, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                       VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                           VK_ACCESS_TRANSFER_WRITE_BIT);
}

void vk_cmd_host_barrier(struct vk_device *device, VkCommandBuffer commands)
{
    cmd_memory_barrier(device, commands, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

/* ---- pieces ---- */

static VkCommandBuffer current(const struct vk_recording *recording)
{
    return recording->pieces[recording->piece_count - 1];
}

static enum mien_status piece_begin(struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    const VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = recording->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                            .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT};
    TRY(base_grow(&recording->pieces, &recording->piece_capacity, recording->piece_count + 1, sizeof commands));
    TRY(base_grow(&recording->joined, &recording->joined_capacity, recording->piece_count + 1, sizeof(bool)));
    VK_TRY(device, device->fn.vkAllocateCommandBuffers(device->handle, &info, &commands));
    VK_TRY(device, device->fn.vkBeginCommandBuffer(commands, &begin));
    recording->joined[recording->piece_count] = false;
    recording->pieces[recording->piece_count++] = commands;
    recording->stats.pieces++;
    recording->bound = VK_NULL_HANDLE;
fail:
    return status;
}

struct vk_slice_limits vk_slice_limits(const struct vk_caps *caps)
{
    switch (caps->class_) {
    case VK_CLASS_SOFTWARE:
        return (struct vk_slice_limits){0};
    case VK_CLASS_MOBILE:
        return (struct vk_slice_limits){.flops = 5e8, .ms = 25}; /* the display waits behind a slice */
    case VK_CLASS_DESKTOP:
        break;
    }
    if (caps->type == VK_TYPE_DISCRETE)
        return (struct vk_slice_limits){.flops = 1e10, .ms = 100};
    return (struct vk_slice_limits){.flops = 2e9, .ms = 50};
}

uint32_t vk_recording_slice(struct vk_recording *recording, const double *cost, double most, double *longest)
{
    uint32_t slices = 0;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < recording->piece_count; i++) {
        bool joined = i > 0 && (most <= 0 || sum + cost[i] <= most);
        sum = joined ? sum + cost[i] : cost[i];
        slices += !joined;
        largest = BASE_MAX(largest, sum);
        recording->joined[i] = joined;
    }
    if (longest)
        *longest = largest;
    return slices;
}

static enum mien_status check_open(const struct vk_recording *recording)
{
    if (recording->device->lost)
        return MIEN_ERR_DEVICE_LOST;
    if (recording->ended)
        return base_fail(MIEN_ERR_ARG, "recording \"%s\" has ended; begin a new one", recording->label);
    return MIEN_OK;
}

enum mien_status vk_record_begin(struct vk_device *device, const char *label, struct vk_recording **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_recording *recording = NULL;
    const VkCommandPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .queueFamilyIndex = device->physical->family,
    };
    *out = NULL;
    TRY(vk_device_alive(device));
    recording = base_alloc(1, sizeof *recording);
    FAIL_IF_NULL(recording, "a recording");
    recording->device = device;
    device->recordings++;
    snprintf(recording->label, sizeof recording->label, "%s", label ? label : "");
    VK_MAKE(device, recording->pool, device->fn.vkCreateCommandPool(device->handle, &info, NULL, &recording->pool));
    TRY(piece_begin(recording));
    vk_cmd_barrier(device, current(recording)); /* after all that was submitted earlier */
    *out = recording;
    return MIEN_OK;
fail:
    vk_recording_destroy(&recording);
    return status;
}

enum mien_status vk_record_piece(struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    TRY(check_open(recording));
    VK_TRY(device, device->fn.vkEndCommandBuffer(current(recording)));
    TRY(piece_begin(recording));
fail:
    return status;
}

enum mien_status vk_record_end(struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    TRY(check_open(recording));
    vk_cmd_host_barrier(device, current(recording));
    VK_TRY(device, device->fn.vkEndCommandBuffer(current(recording)));
    recording->ended = true;
fail:
    return status;
}

void vk_recording_destroy(struct vk_recording **out)
{
    struct vk_recording *recording = out ? *out : NULL;
    if (!recording)
        return;
    struct vk_device *device = recording->device;
    *out = NULL;
    if (vk_device_may_destroy(device)) {
        if (recording->pool)
            device->fn.vkDestroyCommandPool(device->handle, recording->pool, NULL);
        for (size_t i = 0; i < recording->stamp_pool_count; i++)
            device->fn.vkDestroyQueryPool(device->handle, recording->stamp_pools[i], NULL);
    }
    vk_sets_destroy(device, &recording->sets);
    device->recordings--;
    base_free(recording->pieces);
    base_free(recording->joined);
    base_free(recording->stamp_pools);
    base_free(recording);
}

/* ---- dispatches ---- */

static enum mien_status check_texels(const struct vk_recording *recording, const struct vk_pipeline *pipeline,
                                     uint32_t binding, uint64_t size)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &recording->device->caps;
    const uint32_t texel = vk_texel_size(pipeline, binding);
    FAIL_IF(size % texel, MIEN_ERR_ARG, "%s: kernel %s: texel buffer %u has %llu bytes, no multiple of %u",
            recording->label, pipeline->name, binding, (unsigned long long)size, texel);
    FAIL_IF(size / texel > caps->max_texels, MIEN_ERR_UNSUPPORTED,
            "%s: kernel %s: texel buffer %u has %llu texels; %s has %u at most", recording->label, pipeline->name,
            binding, (unsigned long long)(size / texel), caps->name, caps->max_texels);
fail:
    return status;
}

static enum mien_status check_dispatch(const struct vk_recording *recording, const struct vk_pipeline *pipeline,
                                       const struct vk_range *ranges, uint32_t range_count, uint32_t push_size,
                                       const uint32_t groups[3])
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &recording->device->caps;
    FAIL_IF(range_count != pipeline->buffers || push_size != pipeline->push_size, MIEN_ERR_ARG,
            "%s: kernel %s takes %u buffers and %u pushed bytes, not %u and %u", recording->label, pipeline->name,
            pipeline->buffers, pipeline->push_size, range_count, push_size);
    for (uint32_t i = 0; i < range_count; i++) {
        FAIL_IF(!ranges[i].block || ranges[i].size == 0, MIEN_ERR_ARG, "%s: kernel %s: buffer %u is empty",
                recording->label, pipeline->name, i);
        FAIL_IF(ranges[i].block->device != recording->device, MIEN_ERR_ARG,
                "%s: kernel %s: buffer %u belongs to another device", recording->label, pipeline->name, i);
        FAIL_IF(ranges[i].size > caps->max_range, MIEN_ERR_UNSUPPORTED,
                "%s: kernel %s: buffer %u has %llu bytes; %s binds %llu at most: split it by rows", recording->label,
                pipeline->name, i, (unsigned long long)ranges[i].size, caps->name, (unsigned long long)caps->max_range);
        if (vk_texel_size(pipeline, i))
            TRY(check_texels(recording, pipeline, i, ranges[i].size));
        assert(ranges[i].offset % VK_ALIGN == 0 && ranges[i].offset + ranges[i].size <= ranges[i].block->size);
    }
    for (int axis = 0; axis < 3; axis++)
        FAIL_IF(groups[axis] == 0 || groups[axis] > caps->max_groups[axis], MIEN_ERR_UNSUPPORTED,
                "%s: kernel %s: %u workgroups on axis %d; %s has 1 to %u", recording->label, pipeline->name,
                groups[axis], axis, caps->name, caps->max_groups[axis]);
fail:
    return status;
}

enum mien_status vk_record_dispatch(struct vk_recording *recording, struct vk_pipeline *pipeline,
                                    const struct vk_range *ranges, uint32_t range_count, const void *push,
                                    uint32_t push_size, const uint32_t groups[3])
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    VkDescriptorSet set = VK_NULL_HANDLE;
    TRY(check_open(recording));
    TRY(check_dispatch(recording, pipeline, ranges, range_count, push_size, groups));
    TRY(vk_sets_make(device, &recording->sets, pipeline, ranges, &set));
    if (recording->bound != pipeline->handle)
        device->fn.vkCmdBindPipeline(current(recording), VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
    recording->bound = pipeline->handle;
    device->fn.vkCmdBindDescriptorSets(current(recording), VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1, &set,
                                       0, NULL);
    if (push_size)
        device->fn.vkCmdPushConstants(current(recording), pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size,
                                      push);
    device->fn.vkCmdDispatch(current(recording), groups[0], groups[1], groups[2]);
    recording->stats.dispatches++;
    recording->dirty = true;
fail:
    return status;
}

/* ---- the rest ---- */

enum mien_status vk_record_barrier(struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    TRY(check_open(recording));
    if (recording->dirty) {
        vk_cmd_barrier(recording->device, current(recording));
        recording->stats.barriers++;
        recording->dirty = false;
    }
fail:
    return status;
}

enum mien_status vk_record_copy(struct vk_recording *recording, struct vk_range from, struct vk_range to)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    const VkBufferCopy region = {from.offset, to.offset, from.size};
    TRY(check_open(recording));
    FAIL_IF(!from.block || !to.block || from.size != to.size || from.size == 0, MIEN_ERR_ARG,
            "%s: copy of %llu bytes into %llu", recording->label, (unsigned long long)from.size,
            (unsigned long long)to.size);
    FAIL_IF(from.block == to.block && from.offset < to.offset + to.size && to.offset < from.offset + from.size,
            MIEN_ERR_ARG, "%s: copy between ranges that overlap", recording->label);
    device->fn.vkCmdCopyBuffer(current(recording), from.block->buffer, to.block->buffer, 1, &region);
    recording->stats.copies++;
    recording->dirty = true;
fail:
    return status;
}

enum mien_status vk_record_fill(struct vk_recording *recording, struct vk_range range, uint32_t word)
{
    enum mien_status status = MIEN_OK;
    TRY(check_open(recording));
    FAIL_IF(!range.block || range.size == 0 || range.size % 4, MIEN_ERR_ARG,
            "%s: fill of %llu bytes; it takes a multiple of 4", recording->label, (unsigned long long)range.size);
    recording->device->fn.vkCmdFillBuffer(current(recording), range.block->buffer, range.offset, range.size, word);
    recording->stats.copies++;
    recording->dirty = true;
fail:
    return status;
}

void vk_recording_stats(const struct vk_recording *recording, struct vk_record_stats *out)
{
    *out = recording->stats;
}

enum mien_status vk_submit(struct vk_device *device, struct vk_recording *recording, uint64_t *ticket)
{
    *ticket = 0;
    if (!recording->ended || recording->device != device)
        return base_fail(MIEN_ERR_ARG, "recording \"%s\" %s", recording->label,
                         recording->ended ? "belongs to another device" : "was submitted before it was ended");
    return vk_submit_commands(device, recording->pieces, recording->joined, (uint32_t)recording->piece_count, ticket);
}

/* ---- time stamps ---- */

static enum mien_status add_stamp_pool(struct vk_recording *recording)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = STAMPS_PER_POOL,
    };
    TRY(base_grow(&recording->stamp_pools, &recording->stamp_pool_capacity, recording->stamp_pool_count + 1,
                  sizeof *recording->stamp_pools));
    VK_TRY(device, device->fn.vkCreateQueryPool(device->handle, &info, NULL,
                                                &recording->stamp_pools[recording->stamp_pool_count]));
    recording->stamp_pool_count++;
fail:
    return status;
}

enum mien_status vk_record_timestamp(struct vk_recording *recording, uint32_t *index)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = recording->device;
    *index = 0;
    TRY(check_open(recording));
    FAIL_IF(device->caps.timestamp_ns == 0, MIEN_ERR_UNSUPPORTED, "%s: %s has no time stamps", recording->label,
            device->caps.name);
    if (recording->stamps == recording->stamp_pool_count * STAMPS_PER_POOL)
        TRY(add_stamp_pool(recording));
    VkQueryPool pool = recording->stamp_pools[recording->stamp_pool_count - 1];
    uint32_t query = recording->stamps % STAMPS_PER_POOL;
    device->fn.vkCmdResetQueryPool(current(recording), pool, query, 1);
    device->fn.vkCmdWriteTimestamp(current(recording), VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, query);
    *index = recording->stamps++;
fail:
    return status;
}

/* One by one, so that callers need no memory for them. */
static enum mien_status read_stamp(struct vk_recording *recording, uint32_t index, uint64_t *ticks)
{
    struct vk_device *device = recording->device;
    uint64_t value = 0;
    VkResult result = VK_NOT_READY;
    /* the work has been waited for, but some mobile drivers need longer, and the WAIT flag is broken on them */
    for (uint32_t waited = 0; result == VK_NOT_READY && waited < STAMP_PATIENCE_MS; waited++) {
        if (waited)
            base_sleep_ms(1);
        result = device->fn.vkGetQueryPoolResults(device->handle, recording->stamp_pools[index / STAMPS_PER_POOL],
                                                  index % STAMPS_PER_POOL, 1, sizeof value, &value, sizeof value,
                                                  VK_QUERY_RESULT_64_BIT);
    }
    if (result != VK_SUCCESS)
        return vk_result_fail(device, result, "vkGetQueryPoolResults(", __FILE__, __LINE__);
    *ticks = value & device->physical->timestamp_mask;
    return MIEN_OK;
}

static enum mien_status check_stamps(const struct vk_recording *recording, uint32_t count)
{
    enum mien_status status = MIEN_OK;
    TRY(vk_device_alive(recording->device));
    FAIL_IF(count > recording->stamps, MIEN_ERR_ARG, "recording \"%s\" has %u time stamps, not %u", recording->label,
            recording->stamps, count);
fail:
    return status;
}

enum mien_status vk_recording_times(struct vk_recording *recording, double *ns, uint32_t count)
{
    enum mien_status status = MIEN_OK;
    const struct vk_device *device = recording->device;
    uint64_t first = 0, ticks = 0;
    TRY(check_stamps(recording, count));
    for (uint32_t i = 0; i < count; i++) {
        TRY(read_stamp(recording, i, &ticks));
        if (i == 0)
            first = ticks;
        ns[i] = (double)((ticks - first) & device->physical->timestamp_mask) * (double)device->caps.timestamp_ns;
    }
fail:
    return status;
}

enum mien_status vk_recording_host_times(struct vk_recording *recording, double *ns, uint32_t count)
{
    enum mien_status status = MIEN_OK;
    uint64_t ticks = 0;
    TRY(check_stamps(recording, count));
    for (uint32_t i = 0; i < count; i++) {
        TRY(read_stamp(recording, i, &ticks));
        ns[i] = vk_trace_host_ns(recording->device, ticks);
    }
fail:
    return status;
}

enum mien_status vk_recording_tick(struct vk_recording *recording, uint64_t *ticks)
{
    enum mien_status status = check_stamps(recording, 1);
    return status == MIEN_OK ? read_stamp(recording, 0, ticks) : status;
}
