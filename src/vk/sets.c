/* sets.c: the descriptor sets of a recording, each written once: storage buffers, and views of those that a kernel
 * reads as texels. */
#include "vk/vk_internal.h"

enum {
    SETS_FIRST = 64, /* descriptor sets in the first pool; each later pool doubles it */
    SETS_MOST = 1024,
};

/* Formats of texels: of floats, and of unsigned words. */
static const struct texel {
    VkFormat format;
    uint32_t size; /* bytes */
} texels[] = {{VK_FORMAT_R32G32B32A32_SFLOAT, 16}, {VK_FORMAT_R32G32_UINT, 8}};

/* NULL: the binding is a storage buffer. */
static const struct texel *texel_of(const struct vk_pipeline *pipeline, uint32_t binding)
{
    const struct vk_module *module = &pipeline->module;
    return module->texels >> binding & 1 ? &texels[module->words >> binding & 1] : NULL;
}

uint32_t vk_texel_size(const struct vk_pipeline *pipeline, uint32_t binding)
{
    const struct texel *texel = texel_of(pipeline, binding);
    return texel ? texel->size : 0;
}

/* A new pool, twice as large as the one before; a set has room for 6 storage buffers and 1 texel buffer on average, or
 * for those of one set at least. */
static enum mien_status add_set_pool(struct vk_device *device, struct vk_sets *sets)
{
    enum mien_status status = MIEN_OK;
    uint32_t count = sets->pool_count < 4 ? SETS_FIRST << sets->pool_count : SETS_MOST;
    const VkDescriptorPoolSize sizes[] = {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, count * 6},
                                          {VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, count}};
    static_assert((int)SETS_FIRST >= (int)VK_MAX_BUFFERS, "a pool has room for any set");
    const VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = count,
        .poolSizeCount = BASE_COUNT(sizes),
        .pPoolSizes = sizes,
    };
    TRY(base_grow(&sets->pools, &sets->pool_capacity, sets->pool_count + 1, sizeof *sets->pools));
    VK_TRY(device, device->fn.vkCreateDescriptorPool(device->handle, &info, NULL, &sets->pools[sets->pool_count]));
    sets->pool_count++;
    sets->left = count;
    sets->storage_left = sizes[0].descriptorCount;
    sets->texels_left = sizes[1].descriptorCount;
fail:
    return status;
}

static enum mien_status allocate_set(struct vk_device *device, struct vk_sets *sets, const struct vk_pipeline *pipeline,
                                     VkDescriptorSet *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t storage = pipeline->buffers, of_texels = 0;
    for (uint32_t i = 0; i < pipeline->buffers; i++)
        of_texels += texel_of(pipeline, i) != NULL;
    storage -= of_texels;
    if (!sets->left || sets->storage_left < storage || sets->texels_left < of_texels)
        TRY(add_set_pool(device, sets));
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = sets->pools[sets->pool_count - 1],
        .descriptorSetCount = 1,
        .pSetLayouts = &pipeline->set,
    };
    VK_TRY(device, device->fn.vkAllocateDescriptorSets(device->handle, &info, out));
    sets->left--;
    sets->storage_left -= storage;
    sets->texels_left -= of_texels;
fail:
    return status;
}

/* The recording's own view of a range: sets hold it as long as they live. */
static enum mien_status make_view(struct vk_device *device, struct vk_sets *sets, const struct texel *texel,
                                  const struct vk_range *range, VkBufferView *out)
{
    enum mien_status status = MIEN_OK;
    const VkBufferViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
        .buffer = range->block->buffer,
        .format = texel->format,
        .offset = range->offset,
        .range = range->size,
    };
    TRY(base_grow(&sets->views, &sets->view_capacity, sets->view_count + 1, sizeof *sets->views));
    VK_TRY(device, device->fn.vkCreateBufferView(device->handle, &info, NULL, out));
    sets->views[sets->view_count++] = *out;
fail:
    return status;
}

enum mien_status vk_sets_make(struct vk_device *device, struct vk_sets *sets, const struct vk_pipeline *pipeline,
                              const struct vk_range *ranges, VkDescriptorSet *out)
{
    enum mien_status status = MIEN_OK;
    VkDescriptorBufferInfo buffers[VK_MAX_BUFFERS];
    VkBufferView views[VK_MAX_BUFFERS];
    VkWriteDescriptorSet writes[VK_MAX_BUFFERS];
    TRY(allocate_set(device, sets, pipeline, out));
    for (uint32_t i = 0; i < pipeline->buffers; i++) {
        const struct texel *texel = texel_of(pipeline, i);
        if (texel)
            TRY(make_view(device, sets, texel, &ranges[i], &views[i]));
        buffers[i] = (VkDescriptorBufferInfo){ranges[i].block->buffer, ranges[i].offset, ranges[i].size};
        writes[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = *out,
            .dstBinding = i,
            .descriptorCount = 1,
            .descriptorType = texel ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = texel ? NULL : &buffers[i],
            .pTexelBufferView = texel ? &views[i] : NULL,
        };
    }
    if (pipeline->buffers)
        device->fn.vkUpdateDescriptorSets(device->handle, pipeline->buffers, writes, 0, NULL);
fail:
    return status;
}

void vk_sets_destroy(struct vk_device *device, struct vk_sets *sets)
{
    bool may = vk_device_may_destroy(device);
    for (size_t i = 0; may && i < sets->pool_count; i++)
        device->fn.vkDestroyDescriptorPool(device->handle, sets->pools[i], NULL);
    for (size_t i = 0; may && i < sets->view_count; i++)
        device->fn.vkDestroyBufferView(device->handle, sets->views[i], NULL);
    base_free(sets->pools);
    base_free(sets->views);
    *sets = (struct vk_sets){0};
}
