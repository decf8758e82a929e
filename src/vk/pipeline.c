/* pipeline.c: compute pipelines, made once per device and kept in a hash table. */
#include "vk/vk_internal.h"

#include <string.h>

/* ---- what a kernel may be ---------------------------------------------------------------------------------------- */

/* SPIR-V capabilities (the numbers of its specification) and the feature that each needs. Mien enables no other
 * feature of a device, so a module that declares anything else would be invalid. */
static const struct {
    uint32_t capability, feature;
    const char *name;
} spirv_capabilities[] = {
    {0, 0, "Matrix"},
    {1, 0, "Shader"},
    {9, VK_CAP_F16, "Float16"},
    {61, VK_CAP_SUBGROUP, "GroupNonUniform"},
    {63, VK_CAP_SUBGROUP_ARITH, "GroupNonUniformArithmetic"},
    {64, VK_CAP_SUBGROUP_SHUFFLE, "GroupNonUniformBallot"},
    {65, VK_CAP_SUBGROUP_SHUFFLE, "GroupNonUniformShuffle"},
    {4433, VK_CAP_STORAGE16, "StorageBuffer16BitAccess"},
};

/* The features that a module's OpCapability instructions need. They come first, after a head of 5 words. */
static enum mien_status spirv_features(const struct vk_kernel *kernel, uint32_t *features)
{
    const uint32_t op_capability = 17;
    size_t words = kernel->spirv_size / 4;
    *features = 0;
    for (size_t at = 5; at + 1 < words && (kernel->spirv[at] & 0xffff) == op_capability; at += 2) {
        size_t i = 0;
        while (i < BASE_COUNT(spirv_capabilities) && spirv_capabilities[i].capability != kernel->spirv[at + 1])
            i++;
        if (i == BASE_COUNT(spirv_capabilities))
            return base_fail(MIEN_ERR_UNSUPPORTED, "kernel %s: SPIR-V capability %u is not among those that Mien uses",
                             kernel->name, kernel->spirv[at + 1]);
        *features |= spirv_capabilities[i].feature;
    }
    return MIEN_OK;
}

static enum mien_status check_features(const struct vk_caps *caps, const struct vk_kernel *kernel, uint32_t needs)
{
    for (size_t i = 0; i < BASE_COUNT(spirv_capabilities); i++)
        if (spirv_capabilities[i].feature & needs & ~caps->features)
            return base_fail(MIEN_ERR_UNSUPPORTED, "kernel %s needs SPIR-V capability %s, which %s lacks or has masked",
                             kernel->name, spirv_capabilities[i].name, caps->name);
    return MIEN_OK;
}

static uint32_t local_size(const struct vk_kernel *kernel, uint32_t axis)
{
    return axis < kernel->spec_count ? kernel->spec[axis] : 1;
}

static enum mien_status check_limits(const struct vk_caps *caps, const struct vk_kernel *kernel)
{
    enum mien_status status = MIEN_OK;
    uint64_t invocations = 1;
    FAIL_IF(!kernel->spirv || kernel->spirv_size < 20 || kernel->spirv_size % 4, MIEN_ERR_ARG,
            "kernel %s: %zu bytes are no SPIR-V module", kernel->name, kernel->spirv_size);
    FAIL_IF(kernel->buffers > VK_MAX_BUFFERS || kernel->spec_count > VK_MAX_SPEC || kernel->push_size % 4, MIEN_ERR_ARG,
            "kernel %s: %u buffers, %u specialisation constants, %u bytes pushed; most are %d, %d, a multiple of 4",
            kernel->name, kernel->buffers, kernel->spec_count, kernel->push_size, VK_MAX_BUFFERS, VK_MAX_SPEC);
    FAIL_IF(kernel->buffers > caps->max_buffers, MIEN_ERR_UNSUPPORTED, "kernel %s binds %u storage buffers; %s has %u",
            kernel->name, kernel->buffers, caps->name, caps->max_buffers);
    FAIL_IF(kernel->push_size > caps->max_push, MIEN_ERR_UNSUPPORTED, "kernel %s pushes %u bytes; %s has %u",
            kernel->name, kernel->push_size, caps->name, caps->max_push);
    for (uint32_t axis = 0; axis < 3; axis++) {
        uint32_t n = local_size(kernel, axis);
        invocations *= n;
        FAIL_IF(n == 0 || n > caps->max_local[axis], MIEN_ERR_UNSUPPORTED,
                "kernel %s: local size %u on axis %u; %s has 1 to %u", kernel->name, n, axis, caps->name,
                caps->max_local[axis]);
    }
    FAIL_IF(invocations > caps->max_invocations, MIEN_ERR_UNSUPPORTED,
            "kernel %s: %llu invocations per workgroup; %s has %u", kernel->name, (unsigned long long)invocations,
            caps->name, caps->max_invocations);
fail:
    return status;
}

/* The subgroup size that the pipeline must require, 0 = the driver's choice: what the kernel asks for, else, for a
 * kernel with subgroup operations on a device whose size varies, the size that the caps promise. */
static enum mien_status required_subgroup(const struct vk_device *device, const struct vk_kernel *kernel,
                                          uint32_t features, uint32_t *size)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &device->caps;
    uint64_t invocations = (uint64_t)local_size(kernel, 0) * local_size(kernel, 1) * local_size(kernel, 2);
    *size = kernel->subgroup_size;
    if (!*size && (features & VK_CAP_SUBGROUP) && caps->subgroup_min != caps->subgroup_max)
        *size = caps->subgroup_size;
    if (!*size)
        return MIEN_OK;
    FAIL_IF(!(caps->features & VK_CAP_SUBGROUP_FULL) || *size < caps->subgroup_min || *size > caps->subgroup_max ||
                (*size & (*size - 1)),
            MIEN_ERR_UNSUPPORTED, "kernel %s requires subgroups of %u; %s offers %s%u to %u", kernel->name, *size,
            caps->name, caps->features & VK_CAP_SUBGROUP_FULL ? "" : "no choice, ", caps->subgroup_min,
            caps->subgroup_max);
    FAIL_IF(kernel->subgroup_size && local_size(kernel, 0) % *size, MIEN_ERR_ARG,
            "kernel %s: local size %u is no multiple of the subgroup size %u that it requires", kernel->name,
            local_size(kernel, 0), *size);
    FAIL_IF(invocations > (uint64_t)*size * device->physical->max_subgroups, MIEN_ERR_UNSUPPORTED,
            "kernel %s: %llu invocations are more than %u subgroups of %u, the most on %s", kernel->name,
            (unsigned long long)invocations, device->physical->max_subgroups, *size, caps->name);
fail:
    return status;
}

/* ---- layouts ------------------------------------------------------------------------------------------------------
 */

/* Set 0 with `buffers` storage buffers at bindings 0..buffers-1. */
static enum mien_status set_layout_get(struct vk_device *device, uint32_t buffers, VkDescriptorSetLayout *out)
{
    enum mien_status status = MIEN_OK;
    VkDescriptorSetLayoutBinding bindings[VK_MAX_BUFFERS];
    VkDescriptorSetLayout *layout = &device->set_layouts[buffers];
    for (uint32_t i = 0; i < buffers; i++)
        bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    const VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = buffers,
        .pBindings = bindings,
    };
    if (!*layout)
        VK_TRY(device, device->fn.vkCreateDescriptorSetLayout(device->handle, &info, NULL, layout));
    *out = *layout;
fail:
    return status;
}

static enum mien_status create_layout(struct vk_device *device, struct vk_pipeline *pipeline)
{
    enum mien_status status = MIEN_OK;
    VkDescriptorSetLayout set = VK_NULL_HANDLE;
    const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, pipeline->push_size};
    TRY(set_layout_get(device, pipeline->buffers, &set));
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &set,
        .pushConstantRangeCount = pipeline->push_size ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    VK_TRY(device, device->fn.vkCreatePipelineLayout(device->handle, &info, NULL, &pipeline->layout));
fail:
    return status;
}

/* ---- pipelines ----------------------------------------------------------------------------------------------------
 */

static enum mien_status create_handle(struct vk_device *device, const struct vk_kernel *kernel, uint32_t subgroup,
                                      struct vk_pipeline *pipeline)
{
    enum mien_status status = MIEN_OK;
    VkShaderModule module = VK_NULL_HANDLE;
    VkSpecializationMapEntry entries[VK_MAX_SPEC];
    for (uint32_t i = 0; i < kernel->spec_count; i++)
        entries[i] = (VkSpecializationMapEntry){i, i * 4, 4};
    const VkSpecializationInfo spec = {kernel->spec_count, entries, kernel->spec_count * 4, kernel->spec};
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = subgroup,
    };
    const VkShaderModuleCreateInfo code = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = kernel->spirv_size,
        .pCode = kernel->spirv,
    };
    VK_TRY(device, device->fn.vkCreateShaderModule(device->handle, &code, NULL, &module));
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = subgroup ? &required : NULL,
                .flags = subgroup && local_size(kernel, 0) % subgroup == 0
                             ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT
                             : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = kernel->spec_count ? &spec : NULL,
            },
        .layout = pipeline->layout,
    };
    VkResult result =
        device->fn.vkCreateComputePipelines(device->handle, device->cache, 1, &info, NULL, &pipeline->handle);
    if (result != VK_SUCCESS) {
        pipeline->handle = VK_NULL_HANDLE;
        LOG_ERROR("kernel %s does not compile on %s", kernel->name, device->caps.name);
        status = vk_result_fail(device, result, "vkCreateComputePipelines(", __FILE__, __LINE__);
    }
fail:
    if (module)
        device->fn.vkDestroyShaderModule(device->handle, module, NULL);
    return status;
}

static void pipeline_destroy(struct vk_device *device, struct vk_pipeline *pipeline)
{
    if (vk_device_may_destroy(device)) {
        if (pipeline->handle)
            device->fn.vkDestroyPipeline(device->handle, pipeline->handle, NULL);
        if (pipeline->layout)
            device->fn.vkDestroyPipelineLayout(device->handle, pipeline->layout, NULL);
    }
    base_free(pipeline->name);
    base_free(pipeline);
}

static enum mien_status pipeline_create(struct vk_device *device, const struct vk_kernel *kernel, uint32_t subgroup,
                                        struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_pipeline *pipeline = base_alloc(1, sizeof *pipeline);
    *out = NULL;
    FAIL_IF_NULL(pipeline, "a pipeline");
    pipeline->name = base_alloc(strlen(kernel->name) + 1, 1);
    FAIL_IF_NULL(pipeline->name, "a pipeline");
    memcpy(pipeline->name, kernel->name, strlen(kernel->name) + 1);
    pipeline->spirv = kernel->spirv;
    pipeline->buffers = kernel->buffers;
    pipeline->push_size = kernel->push_size;
    pipeline->spec_count = kernel->spec_count;
    pipeline->subgroup_size = subgroup;
    memcpy(pipeline->spec, kernel->spec, kernel->spec_count * sizeof *kernel->spec);
    TRY(create_layout(device, pipeline));
    TRY(create_handle(device, kernel, subgroup, pipeline));
    *out = pipeline;
    return MIEN_OK;
fail:
    if (pipeline)
        pipeline_destroy(device, pipeline);
    return status;
}

/* ---- the table ----------------------------------------------------------------------------------------------------
 */

/* FNV-1a over the name and the constants. */
static uint32_t kernel_hash(const struct vk_kernel *kernel)
{
    uint32_t hash = 2166136261u;
    for (const char *c = kernel->name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    for (uint32_t i = 0; i < kernel->spec_count; i++)
        hash = (hash ^ kernel->spec[i]) * 16777619u;
    return (hash ^ hash >> 16) % VK_PIPELINE_BUCKETS;
}

static bool is_same(const struct vk_pipeline *pipeline, const struct vk_kernel *kernel, uint32_t subgroup)
{
    return pipeline->spec_count == kernel->spec_count && pipeline->buffers == kernel->buffers &&
           pipeline->push_size == kernel->push_size && pipeline->subgroup_size == subgroup &&
           pipeline->spirv == kernel->spirv &&
           memcmp(pipeline->spec, kernel->spec, kernel->spec_count * sizeof *kernel->spec) == 0 &&
           strcmp(pipeline->name, kernel->name) == 0;
}

enum mien_status vk_pipeline_get(struct vk_device *device, const struct vk_kernel *kernel, struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    uint32_t subgroup = 0, features = 0;
    struct vk_pipeline *pipeline = NULL, **bucket = &device->pipelines[kernel_hash(kernel)];
    *out = NULL;
    TRY(vk_device_alive(device));
    TRY(check_limits(&device->caps, kernel)); /* each time: the mask may have changed since it was made */
    TRY(spirv_features(kernel, &features));
    TRY(check_features(&device->caps, kernel, features));
    TRY(required_subgroup(device, kernel, features, &subgroup));
    for (pipeline = *bucket; pipeline; pipeline = pipeline->next)
        if (is_same(pipeline, kernel, subgroup)) {
            *out = pipeline;
            return MIEN_OK;
        }
    TRY(pipeline_create(device, kernel, subgroup, &pipeline));
    pipeline->next = *bucket;
    *bucket = pipeline;
    *out = pipeline;
fail:
    return status;
}

void vk_pipelines_destroy(struct vk_device *device)
{
    for (uint32_t i = 0; i < VK_PIPELINE_BUCKETS; i++)
        while (device->pipelines[i]) {
            struct vk_pipeline *pipeline = device->pipelines[i];
            device->pipelines[i] = pipeline->next;
            pipeline_destroy(device, pipeline);
        }
    if (!vk_device_may_destroy(device))
        return;
    for (uint32_t i = 0; i <= VK_MAX_BUFFERS; i++)
        if (device->set_layouts[i])
            device->fn.vkDestroyDescriptorSetLayout(device->handle, device->set_layouts[i], NULL);
}
