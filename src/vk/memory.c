/* memory.c: few large blocks, cut into ranges. A block is one vkAllocateMemory under one VkBuffer, so that a range is
 * an offset and nothing else; its holes are a list sorted by offset, merged when ranges come back. */
#include "vk/vk_internal.h"

#include <string.h>

static const char *const kind_names[VK_MEMORY_KINDS] = {
    [VK_MEMORY_DEVICE] = "device",
    [VK_MEMORY_UPLOAD] = "upload",
    [VK_MEMORY_READBACK] = "readback",
};

static double mib(uint64_t bytes)
{
    return (double)bytes / (double)VK_MIB;
}

/* ---- holes ------------------------------------------------------------------------------------------------------ */

static uint64_t largest_hole(const struct vk_block *block)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < block->hole_count; i++)
        largest = BASE_MAX(largest, block->holes[i].size);
    return largest;
}

/* The smallest hole that holds `size` bytes, SIZE_MAX = none. Ranges are taken from its start. */
static size_t best_hole(const struct vk_block *block, uint64_t size)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < block->hole_count; i++)
        if (block->holes[i].size >= size && (best == SIZE_MAX || block->holes[i].size < block->holes[best].size))
            best = i;
    return best;
}

static void cut_hole(struct vk_block *block, size_t index, uint64_t size)
{
    struct vk_hole *hole = &block->holes[index];
    hole->offset += size;
    hole->size -= size;
    if (hole->size)
        return;
    block->hole_count--;
    memmove(hole, hole + 1, (block->hole_count - index) * sizeof *hole);
}

/* Gives [offset, offset + size) back. Room for the hole was made when the range was handed out. */
static void return_hole(struct vk_block *block, uint64_t offset, uint64_t size)
{
    size_t i = 0;
    while (i < block->hole_count && block->holes[i].offset < offset)
        i++;
    struct vk_hole *before = i ? &block->holes[i - 1] : NULL;
    struct vk_hole *after = i < block->hole_count ? &block->holes[i] : NULL;
    bool joins_before = before && before->offset + before->size == offset;
    bool joins_after = after && offset + size == after->offset;
    assert(!before || before->offset + before->size <= offset);
    assert(!after || offset + size <= after->offset);
    if (joins_before && joins_after) {
        before->size += size + after->size;
        block->hole_count--;
        memmove(after, after + 1, (block->hole_count - i) * sizeof *after);
    } else if (joins_before) {
        before->size += size;
    } else if (joins_after) {
        after->offset = offset;
        after->size += size;
    } else {
        assert(block->hole_count < block->hole_capacity);
        memmove(&block->holes[i + 1], &block->holes[i], (block->hole_count - i) * sizeof *block->holes);
        block->holes[i] = (struct vk_hole){offset, size};
        block->hole_count++;
    }
}

/* ---- memory types ----------------------------------------------------------------------------------------------- */

enum {
    LOCAL = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
    VISIBLE = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
    COHERENT = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
    CACHED = VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
};

/* How well a type of memory serves a kind; 0 = not at all.
 * DEVICE on a discrete device: local, and rather not host-visible (that window is small, and slow when it is full);
 * elsewhere host-visible too where it can be, which spares the staging copy. Types that are not local come last: the
 * device reads them over its bus. */
static uint32_t type_score(const struct vk_caps *caps, enum vk_memory kind, VkMemoryPropertyFlags flags)
{
    const VkMemoryPropertyFlags known = LOCAL | VISIBLE | COHERENT | CACHED;
    bool discrete = caps->type == VK_TYPE_DISCRETE;
    if (flags & ~known) /* lazily allocated, protected, vendors' uncached types */
        return 0;
    if (kind == VK_MEMORY_DEVICE) {
        bool mappable = (flags & VISIBLE) && (flags & COHERENT);
        if (discrete)
            return flags & LOCAL ? (flags & VISIBLE ? 2 : 3) : (mappable ? 1 : 0);
        return 1 + (flags & LOCAL ? 4 : 0) + (mappable ? 2 : 0) + (mappable && (flags & CACHED) ? 1 : 0);
    }
    if (!(flags & VISIBLE) || !(flags & COHERENT))
        return 0;
    if (kind == VK_MEMORY_UPLOAD)
        return 1 + (flags & LOCAL ? 0 : 2) + (flags & CACHED ? 0 : 1);
    return 1 + (flags & CACHED ? 2 : 0) + (flags & LOCAL ? 0 : 1);
}

static bool type_is_local(const struct vk_device *device, uint32_t type)
{
    return (device->physical->memory.memoryTypes[type].propertyFlags & LOCAL) != 0;
}

/* The best type among `bits` that scores below `below`, UINT32_MAX = none. */
static uint32_t best_type(const struct vk_device *device, enum vk_memory kind, uint32_t bits, uint32_t below,
                          uint32_t *score)
{
    const VkPhysicalDeviceMemoryProperties *memory = &device->physical->memory;
    uint32_t best = UINT32_MAX;
    *score = 0;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        uint32_t s = type_score(&device->caps, kind, memory->memoryTypes[i].propertyFlags);
        if ((bits >> i & 1) && s > *score && s < below) {
            *score = s;
            best = i;
        }
    }
    return best;
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static void block_destroy(struct vk_device *device, struct vk_block *block)
{
    if (vk_device_may_destroy(device)) {
        if (block->buffer)
            device->fn.vkDestroyBuffer(device->handle, block->buffer, NULL);
        if (block->memory)
            device->fn.vkFreeMemory(device->handle, block->memory, NULL); /* unmaps */
    }
    if (block->memory) {
        device->stats.reserved[block->kind] -= block->size;
        if (block->local)
            device->local_reserved -= block->size;
        else if (block->kind == VK_MEMORY_DEVICE)
            device->stats.host_backed -= block->size;
    }
    base_free(block->holes);
    base_free(block);
}

/* Running out: another type, or a smaller block, may do. Some drivers name the host's memory when their own is full. */
static bool is_full(VkResult result)
{
    return result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
           result == VK_ERROR_TOO_MANY_OBJECTS;
}

/* vkAllocateMemory under the mask's limit ("memory=") and the tests' injected failures. */
static VkResult allocate(struct vk_device *device, uint64_t size, uint32_t type, VkDeviceMemory *out)
{
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = size,
        .memoryTypeIndex = type,
    };
    uint64_t limit = device->caps.device_memory;
    bool limited = limit < device->physical->caps.device_memory;
    if (device->inject_oom) {
        device->inject_oom--;
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    if (size > device->physical->caps.max_allocation) /* what a driver adds counts; some crash beyond their limit */
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (limited && type_is_local(device, type) && size > limit - BASE_MIN(limit, device->local_reserved))
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return device->fn.vkAllocateMemory(device->handle, &info, NULL, out);
}

/* Allocates from the best type of memory that has room; `local`: from none but the device's own. */
static VkResult block_allocate(struct vk_device *device, struct vk_block *block, bool local)
{
    VkMemoryRequirements needs;
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    uint32_t score = UINT32_MAX, type;
    device->fn.vkGetBufferMemoryRequirements(device->handle, block->buffer, &needs);
    while ((type = best_type(device, block->kind, needs.memoryTypeBits, score, &score)) != UINT32_MAX) {
        if (local && !type_is_local(device, type))
            continue;
        result = allocate(device, needs.size, type, &block->memory);
        if (!is_full(result))
            break;
    }
    if (result != VK_SUCCESS) {
        block->memory = VK_NULL_HANDLE;
        return result;
    }
    block->type = type;
    block->local = type_is_local(device, type);
    device->stats.reserved[block->kind] += block->size;
    device->stats.blocks++;
    if (block->local)
        device->local_reserved += block->size;
    else if (block->kind == VK_MEMORY_DEVICE)
        device->stats.host_backed += block->size;
    return VK_SUCCESS;
}

static VkResult block_map(struct vk_device *device, struct vk_block *block)
{
    VkMemoryPropertyFlags flags = device->physical->memory.memoryTypes[block->type].propertyFlags;
    void *map = NULL;
    if (!(flags & VISIBLE) || !(flags & COHERENT) || (block->kind == VK_MEMORY_DEVICE && !device->caps.unified))
        return VK_SUCCESS;
    VkResult result = device->fn.vkMapMemory(device->handle, block->memory, 0, VK_WHOLE_SIZE, 0, &map);
    block->map = map;
    block->cached = (flags & CACHED) != 0;
    return result;
}

/* A new block of `size` bytes, rounded up inside, into *out; `local` as for block_allocate. Running out of device
 * memory is not logged: the caller may try a smaller one. */
static enum mien_status block_create(struct vk_device *device, enum vk_memory kind, uint64_t size, bool local,
                                     struct vk_block **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_block *block = base_alloc(1, sizeof *block);
    /* all of a block may be handed out; under GPU-assisted validation a range ends where its buffer does */
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = device->instance->gpu_assisted ? size : base_round_up(size, VK_ALIGN),
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    *out = NULL;
    FAIL_IF_NULL(block, "a memory block");
    *block = (struct vk_block){.device = device, .kind = kind, .size = base_round_up(size, VK_ALIGN)};
    TRY(base_grow(&block->holes, &block->hole_capacity, 8, sizeof *block->holes));
    VK_MAKE(device, block->buffer, device->fn.vkCreateBuffer(device->handle, &info, NULL, &block->buffer));
    VkResult result = block_allocate(device, block, local);
    if (is_full(result)) {
        status = MIEN_ERR_DEVICE_MEMORY;
        goto fail;
    }
    if (result != VK_SUCCESS) {
        status = vk_result_fail(device, result, "vkAllocateMemory(", __FILE__, __LINE__);
        goto fail;
    }
    VK_TRY(device, device->fn.vkBindBufferMemory(device->handle, block->buffer, block->memory, 0));
    VK_TRY(device, block_map(device, block));
    block->holes[0] = (struct vk_hole){0, block->size};
    block->hole_count = 1;
    *out = block;
    return MIEN_OK;
fail:
    if (block)
        block_destroy(device, block);
    return status;
}

static bool block_is_empty(const struct vk_block *block)
{
    return block->hole_count == 1 && block->holes[0].size == block->size;
}

/* Gives blocks without ranges back to Vulkan, all but `keep` of them. */
static void release_empty(struct vk_device *device, enum vk_memory kind, uint32_t keep)
{
    for (struct vk_block **at = &device->blocks[kind]; *at;) {
        struct vk_block *block = *at;
        if (!block_is_empty(block) || keep) {
            keep -= block_is_empty(block) ? 1 : 0;
            at = &block->next;
            continue;
        }
        *at = block->next;
        block_destroy(device, block);
    }
}

/* ---- how much there is ------------------------------------------------------------------------------------------ */

/* Of the largest device-local heap, by the driver's own count; UINT64_MAX where it gives none. */
static uint64_t driver_left(const struct vk_device *device)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
                                                .pNext = &budget};
    uint32_t heap = device->physical->heap;
    if (!device->physical->has_budget)
        return UINT64_MAX;
    device->instance->fn.vkGetPhysicalDeviceMemoryProperties2(device->physical->handle, &memory);
    return budget.heapBudget[heap] - BASE_MIN(budget.heapBudget[heap], budget.heapUsage[heap]);
}

uint64_t vk_memory_left(const struct vk_device *device)
{
    uint64_t left = driver_left(device), limit = device->caps.device_memory;
    if (limit < device->physical->caps.device_memory)
        left = BASE_MIN(left, limit - BASE_MIN(limit, device->local_reserved));
    return left;
}

/* ---- making blocks ----------------------------------------------------------------------------------------------- */

/* Usual size of the next block: it doubles with what is reserved, so that a large model needs few. */
static uint64_t usual_block_size(const struct vk_device *device, enum vk_memory kind)
{
    uint64_t least = (kind == VK_MEMORY_DEVICE ? 64 : 16) * VK_MIB;
    uint64_t most = BASE_MIN(1024 * VK_MIB, device->caps.device_memory / 8);
    uint64_t size = BASE_MAX(least, BASE_MIN(device->stats.reserved[kind], most));
    return BASE_MIN(size, device->caps.max_allocation);
}

/* Once per device: its speed is what the reader will wonder about. */
static void warn_host_backed(struct vk_device *device, const char *what, uint64_t size)
{
    if (!device->warned_host_backed)
        LOG_WARN(
            "the memory of %s is full: %s (%.1f MiB) and what follows lie in host memory, which is much slower for "
            "it; a smaller batch may fit",
            device->caps.name, what, mib(size));
    device->warned_host_backed = true;
}

/* A new block for `size` bytes. In this order: of the usual size, which the driver's count must allow (a hint, so it
 * decides about nothing else); of exactly this one, in place of blocks without use; the same in host memory. */
static enum mien_status make_block(struct vk_device *device, enum vk_memory kind, uint64_t size, const char *what,
                                   struct vk_block **out)
{
    enum mien_status status = MIEN_ERR_DEVICE_MEMORY;
    uint64_t usual = usual_block_size(device, kind);
    bool is_device = kind == VK_MEMORY_DEVICE, roomy = usual > size && !device->instance->gpu_assisted;
    *out = NULL;
    if (roomy && (!is_device || usual <= vk_memory_left(device)))
        status = block_create(device, kind, usual, is_device, out);
    if (status == MIEN_ERR_DEVICE_MEMORY) {
        for (int k = 0; k < VK_MEMORY_KINDS; k++)
            release_empty(device, (enum vk_memory)k, 0);
        status = block_create(device, kind, size, is_device, out);
    }
    if (status == MIEN_ERR_DEVICE_MEMORY && is_device && roomy)
        status = block_create(device, kind, usual, false, out);
    if (status == MIEN_ERR_DEVICE_MEMORY && is_device)
        status = block_create(device, kind, size, false, out);
    if (status != MIEN_OK)
        return status;
    if (is_device && !(*out)->local)
        warn_host_backed(device, what, size);
    (*out)->next = device->blocks[kind];
    device->blocks[kind] = *out;
    return MIEN_OK;
}

/* A block with room for `size` bytes. Under GPU-assisted validation every range has a block of its own: the layers
 * check accesses against the size of the buffer, not of the range that is bound. */
static enum mien_status find_block(struct vk_device *device, enum vk_memory kind, uint64_t size, const char *what,
                                   struct vk_block **out)
{
    struct vk_block *block = device->instance->gpu_assisted ? NULL : device->blocks[kind];
    *out = NULL;
    if (size > device->caps.max_allocation)
        return MIEN_ERR_DEVICE_MEMORY;
    while (block && largest_hole(block) < base_round_up(size, VK_ALIGN))
        block = block->next;
    *out = block;
    return block ? MIEN_OK : make_block(device, kind, size, what, out);
}

/* ---- ranges ----------------------------------------------------------------------------------------------------- */

static enum mien_status out_of_memory(const struct vk_device *device, enum vk_memory kind, uint64_t size,
                                      const char *what)
{
    const struct vk_memory_stats *stats = &device->stats;
    uint64_t reserved = 0, left = vk_memory_left(device);
    char hint[64] = "";
    for (int k = 0; k < VK_MEMORY_KINDS; k++)
        reserved += stats->reserved[k];
    if (left != UINT64_MAX)
        snprintf(hint, sizeof hint, ", %.1f MiB free by its own count", mib(left));
    return base_fail(
        MIEN_ERR_DEVICE_MEMORY,
        "out of %s memory for %s on %s: %.1f MiB wanted, %.1f MiB in use (%.1f MiB reserved in all, %.1f "
        "MiB of it in host memory), %.1f MiB on the device, %.1f MiB at most in one piece%s; use a smaller "
        "batch or model, or another device",
        kind_names[kind], what, device->caps.name, mib(size), mib(stats->in_use[kind]), mib(reserved),
        mib(reserved - device->local_reserved), mib(device->caps.device_memory), mib(device->caps.max_allocation),
        hint);
}

static void note_peaks(struct vk_memory_stats *stats, enum vk_memory kind)
{
    uint64_t host = stats->in_use[VK_MEMORY_UPLOAD] + stats->in_use[VK_MEMORY_READBACK];
    stats->peak[kind] = BASE_MAX(stats->peak[kind], stats->in_use[kind]);
    stats->host_peak = BASE_MAX(stats->host_peak, host);
}

enum mien_status vk_alloc(struct vk_device *device, enum vk_memory kind, uint64_t size, const char *what,
                          struct vk_range *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_block *block = NULL;
    uint64_t taken = 0;
    *out = (struct vk_range){0};
    TRY(vk_device_alive(device));
    FAIL_IF(size == 0, MIEN_ERR_ARG, "%s: a range of 0 bytes was asked for", what);
    device->stats.allocations++;
    FAIL_IF(size > UINT64_MAX - VK_ALIGN, MIEN_ERR_DEVICE_MEMORY, "%s: %llu bytes is no size", what,
            (unsigned long long)size);
    taken = base_round_up(size, VK_ALIGN);
    status = find_block(device, kind, size, what, &block);
    if (status == MIEN_ERR_DEVICE_MEMORY)
        return out_of_memory(device, kind, size, what);
    TRY(status);
    /* ranges alive are separated by at most one hole more than there are ranges: room for all, so vk_free cannot fail
     */
    TRY(base_grow(&block->holes, &block->hole_capacity, block->ranges + 2, sizeof *block->holes));
    size_t hole = best_hole(block, taken);
    *out = (struct vk_range){block, block->holes[hole].offset, size};
    cut_hole(block, hole, taken);
    block->ranges++;
    device->stats.in_use[kind] += taken;
    note_peaks(&device->stats, kind);
fail:
    return status;
}

void vk_free(struct vk_device *device, struct vk_range *range)
{
    struct vk_block *block = range ? range->block : NULL;
    if (!block)
        return;
    assert(block->device == device);
    uint64_t taken = base_round_up(range->size, VK_ALIGN);
    return_hole(block, range->offset, taken);
    block->ranges--;
    device->stats.in_use[block->kind] -= taken;
    *range = (struct vk_range){0};
    if (block_is_empty(block))
        release_empty(device, block->kind, 1);
}

void *vk_map(const struct vk_range *range)
{
    return range->block && range->block->map ? range->block->map + range->offset : NULL;
}

struct vk_range vk_subrange(struct vk_range range, uint64_t offset, uint64_t size)
{
    assert(offset % VK_ALIGN == 0 && offset <= range.size && size <= range.size - offset);
    return (struct vk_range){range.block, range.offset + offset, size};
}

void vk_memory_stats(const struct vk_device *device, struct vk_memory_stats *out)
{
    *out = device->stats;
}

void vk_memory_destroy(struct vk_device *device)
{
    for (int kind = 0; kind < VK_MEMORY_KINDS; kind++)
        while (device->blocks[kind]) {
            struct vk_block *block = device->blocks[kind];
            device->blocks[kind] = block->next;
            block_destroy(device, block);
        }
}
