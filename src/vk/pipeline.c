/* pipeline.c: compute pipelines, made once per device and kept in a hash table. */
#include "vk/vk_internal.h"

#include <string.h>

/* ---- what a kernel may be ---- */

/* What the kernel says of itself; made before its module is looked at. */
static enum mien_status check_kernel(const struct vk_kernel *kernel)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(!kernel->spirv || kernel->spirv_size < 20 || kernel->spirv_size % 4, MIEN_ERR_ARG,
            "kernel %s: %zu bytes are no SPIR-V module", kernel->name, kernel->spirv_size);
    FAIL_IF(kernel->buffers > VK_MAX_BUFFERS || kernel->spec_count > VK_MAX_SPEC || kernel->push_size % 4, MIEN_ERR_ARG,
            "kernel %s: %u buffers, %u specialisation constants, %u bytes pushed; most are %d, %d, a multiple of 4",
            kernel->name, kernel->buffers, kernel->spec_count, kernel->push_size, VK_MAX_BUFFERS, VK_MAX_SPEC);
fail:
    return status;
}

static enum mien_status check_local(const struct vk_caps *caps, const struct vk_kernel *kernel,
                                    const struct vk_module *module)
{
    enum mien_status status = MIEN_OK;
    const uint32_t *local = module->local;
    uint64_t invocations = 1;
    for (uint32_t axis = 0; axis < 3; axis++) {
        invocations *= local[axis];
        FAIL_IF(local[axis] == 0 || local[axis] > caps->max_local[axis], MIEN_ERR_UNSUPPORTED,
                "kernel %s: local size %u on axis %u; %s has 1 to %u", kernel->name, local[axis], axis, caps->name,
                caps->max_local[axis]);
    }
    FAIL_IF(invocations > caps->max_invocations, MIEN_ERR_UNSUPPORTED,
            "kernel %s: %llu invocations per workgroup; %s has %u", kernel->name, (unsigned long long)invocations,
            caps->name, caps->max_invocations);
    FAIL_IF(module->barrier && invocations < caps->least_barrier, MIEN_ERR_UNSUPPORTED,
            "kernel %s: %llu invocations per workgroup; barriers work on %s from %u on", kernel->name,
            (unsigned long long)invocations, caps->name, caps->least_barrier);
fail:
    return status;
}

/* Kernel and module against the mask. */
static enum mien_status check_limits(const struct vk_caps *caps, const struct vk_kernel *kernel,
                                     const struct vk_module *module)
{
    enum mien_status status = MIEN_OK;
    const char *missing = vk_spirv_missing(module->features, caps->features);
    FAIL_IF(missing, MIEN_ERR_UNSUPPORTED, "kernel %s needs SPIR-V capability %s, which %s lacks or has masked",
            kernel->name, missing, caps->name);
    FAIL_IF(module->buffers > kernel->buffers, MIEN_ERR_ARG, "kernel %s uses binding %u, but has %u buffers",
            kernel->name, module->buffers - 1, kernel->buffers);
    FAIL_IF(kernel->buffers > caps->max_buffers, MIEN_ERR_UNSUPPORTED, "kernel %s binds %u storage buffers; %s has %u",
            kernel->name, kernel->buffers, caps->name, caps->max_buffers);
    FAIL_IF(kernel->push_size > caps->max_push, MIEN_ERR_UNSUPPORTED, "kernel %s pushes %u bytes; %s has %u",
            kernel->name, kernel->push_size, caps->name, caps->max_push);
    FAIL_IF(module->shared > caps->max_shared, MIEN_ERR_UNSUPPORTED,
            "kernel %s uses %llu bytes of shared memory; %s has %u", kernel->name, (unsigned long long)module->shared,
            caps->name, caps->max_shared);
    TRY(check_local(caps, kernel, module));
fail:
    return status;
}

/* The subgroup size that the pipeline must require, 0 = the driver's choice: what the kernel asks for, else, for a
 * kernel with subgroup operations on a device whose size varies, the size that the caps promise. */
static uint32_t required_subgroup(const struct vk_caps *caps, const struct vk_kernel *kernel, uint32_t features)
{
    if (!kernel->subgroup_size && (features & VK_CAP_SUBGROUP) && caps->subgroup_min != caps->subgroup_max)
        return caps->subgroup_size;
    return kernel->subgroup_size;
}

static enum mien_status check_subgroup(const struct vk_device *device, const struct vk_kernel *kernel,
                                       const struct vk_module *module, uint32_t size)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &device->caps;
    uint64_t invocations = (uint64_t)module->local[0] * module->local[1] * module->local[2];
    if (!size)
        return MIEN_OK;
    FAIL_IF(!(caps->features & VK_CAP_SUBGROUP_FULL) || size < caps->subgroup_min || size > caps->subgroup_max ||
                (size & (size - 1)),
            MIEN_ERR_UNSUPPORTED, "kernel %s requires subgroups of %u; %s offers %s%u to %u", kernel->name, size,
            caps->name, caps->features & VK_CAP_SUBGROUP_FULL ? "" : "no choice, ", caps->subgroup_min,
            caps->subgroup_max);
    FAIL_IF(kernel->subgroup_size && module->local[0] % size, MIEN_ERR_ARG,
            "kernel %s: local size %u is no multiple of the subgroup size %u that it requires", kernel->name,
            module->local[0], size);
    FAIL_IF(invocations > (uint64_t)size * device->physical->max_subgroups, MIEN_ERR_UNSUPPORTED,
            "kernel %s: %llu invocations are more than %u subgroups of %u, the most on %s", kernel->name,
            (unsigned long long)invocations, device->physical->max_subgroups, size, caps->name);
fail:
    return status;
}

static struct vk_pipeline_form form_of(const struct vk_caps *caps, const struct vk_module *module, uint32_t subgroup)
{
    return (struct vk_pipeline_form){
        .features = module->features,
        .texels = module->texels,
        .local = {module->local[0], module->local[1], module->local[2]},
        .subgroup_size = subgroup,
        .full_subgroups = subgroup && module->local[0] % subgroup == 0,
        .settled = !caps->specialises,
    };
}

enum mien_status vk_pipeline_form(const struct vk_device *device, const struct vk_kernel *kernel,
                                  struct vk_pipeline_form *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_module module;
    uint32_t subgroup;
    *out = (struct vk_pipeline_form){0};
    TRY(check_kernel(kernel));
    TRY(vk_spirv_read(kernel, &module));
    subgroup = required_subgroup(&device->caps, kernel, module.features);
    TRY(check_limits(&device->caps, kernel, &module));
    TRY(check_subgroup(device, kernel, &module, subgroup));
    *out = form_of(&device->caps, &module, subgroup);
fail:
    return status;
}

/* ---- layouts ---- */

static void describe_layout(const struct vk_kernel *kernel, uint32_t texels, struct vk_pipeline_infos *out)
{
    for (uint32_t i = 0; i < kernel->buffers; i++)
        out->bindings[i] = (VkDescriptorSetLayoutBinding){
            .binding = i,
            .descriptorType =
                texels >> i & 1 ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        };
    out->set = (VkDescriptorSetLayoutCreateInfo){
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = kernel->buffers,
        .pBindings = out->bindings,
    };
    out->push = (VkPushConstantRange){VK_SHADER_STAGE_COMPUTE_BIT, 0, kernel->push_size};
    out->layout = (VkPipelineLayoutCreateInfo){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pushConstantRangeCount = kernel->push_size ? 1 : 0,
        .pPushConstantRanges = &out->push,
    };
}

enum mien_status vk_pipeline_describe(const struct vk_kernel *kernel, const struct vk_pipeline_form *form,
                                      struct vk_pipeline_infos *out)
{
    enum mien_status status = MIEN_OK;
    out->settled = NULL;
    describe_layout(kernel, form->texels, out);
    out->code = (VkShaderModuleCreateInfo){
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = kernel->spirv_size,
        .pCode = kernel->spirv,
    };
    if (form->settled) {
        TRY(vk_kernel_settle(kernel, &out->settled, &out->code.codeSize));
        out->code.pCode = out->settled;
    }
    for (uint32_t i = 0; i < kernel->spec_count; i++)
        out->entries[i] = (VkSpecializationMapEntry){i, i * 4, 4};
    out->spec = (VkSpecializationInfo){kernel->spec_count, out->entries, kernel->spec_count * 4, kernel->spec};
    out->required = (VkPipelineShaderStageRequiredSubgroupSizeCreateInfo){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = form->subgroup_size,
    };
    out->pipeline = (VkComputePipelineCreateInfo){
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = form->subgroup_size ? &out->required : NULL,
                .flags = form->full_subgroups ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .pName = "main",
                .pSpecializationInfo = kernel->spec_count && !form->settled ? &out->spec : NULL,
            },
    };
fail:
    return status;
}

void vk_pipeline_infos_clear(struct vk_pipeline_infos *infos)
{
    base_free(infos->settled);
    infos->settled = NULL;
}

/* Set 0 with its buffers: one layout for each number and kind of them. */
static enum mien_status find_set_layout(struct vk_device *device, const struct vk_pipeline_infos *infos,
                                        uint32_t buffers, uint32_t texels, VkDescriptorSetLayout *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_set_layout *set = device->set_layouts, *end = set + device->set_layout_count;
    while (set < end && (set->buffers != buffers || set->texels != texels))
        set++;
    if (set == end) {
        TRY(base_grow(&device->set_layouts, &device->set_layout_capacity, device->set_layout_count + 1, sizeof *set));
        set = &device->set_layouts[device->set_layout_count];
        *set = (struct vk_set_layout){.buffers = buffers, .texels = texels};
        VK_TRY(device, device->fn.vkCreateDescriptorSetLayout(device->handle, &infos->set, NULL, &set->handle));
        device->set_layout_count++;
    }
    *out = set->handle;
fail:
    return status;
}

static enum mien_status create_layout(struct vk_device *device, struct vk_pipeline_infos *infos,
                                      struct vk_pipeline *pipeline)
{
    enum mien_status status = MIEN_OK;
    TRY(find_set_layout(device, infos, pipeline->buffers, pipeline->module.texels, &pipeline->set));
    infos->layout.pSetLayouts = &pipeline->set;
    VK_MAKE(device, pipeline->layout,
            device->fn.vkCreatePipelineLayout(device->handle, &infos->layout, NULL, &pipeline->layout));
fail:
    return status;
}

/* ---- pipelines ---- */

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

/* Without layout and handle. */
static enum mien_status pipeline_create(const struct vk_device *device, const struct vk_kernel *kernel,
                                        const struct vk_module *module, uint32_t subgroup, struct vk_pipeline **out)
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
    pipeline->module = *module;
    pipeline->statistics = device->statistics;
    pipeline->text = device->text;
    memcpy(pipeline->spec, kernel->spec, kernel->spec_count * sizeof *kernel->spec);
    *out = pipeline;
    return MIEN_OK;
fail:
    base_free(pipeline);
    return status;
}

/* ---- the table ---- */

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

/* The one in the table, NULL when there is none; *module and *subgroup are what it is made with. */
static enum mien_status find(struct vk_device *device, const struct vk_kernel *kernel, struct vk_module *module,
                             uint32_t *subgroup, struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    uint32_t features = 0;
    struct vk_pipeline *pipeline;
    TRY(check_kernel(kernel));
    TRY(vk_spirv_features(kernel, &features));
    *subgroup = required_subgroup(&device->caps, kernel, features);
    for (pipeline = device->pipelines[kernel_hash(kernel)]; pipeline && !is_same(pipeline, kernel, *subgroup);)
        pipeline = pipeline->next;
    if (pipeline)
        *module = pipeline->module;
    else
        TRY(vk_spirv_read(kernel, module));
    TRY(check_limits(&device->caps, kernel, module)); /* each time: the mask may have changed since it was made */
    TRY(check_subgroup(device, kernel, module, *subgroup));
    *out = pipeline;
fail:
    return status;
}

/* ---- making them ---- */

void vk_pipeline_drop(struct vk_device *device, struct vk_pipeline *pipeline)
{
    struct vk_pipeline **at = &device->pipelines[pipeline->bucket];
    while (*at != pipeline)
        at = &(*at)->next;
    *at = pipeline->next;
    pipeline_destroy(device, pipeline);
}

/* All but the driver's compilation; the first one makes the batch. */
static enum mien_status add(struct vk_device *device, struct vk_batch **batch, const struct vk_kernel *kernel,
                            const struct vk_module *module, uint32_t subgroup, struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    const struct vk_pipeline_form form = form_of(&device->caps, module, subgroup);
    struct vk_making *making;
    struct vk_pipeline *pipeline;
    if (!*batch)
        TRY(vk_batch_create(device, batch));
    TRY(base_grow(&(*batch)->making, &(*batch)->capacity, (*batch)->count + 1, sizeof *making));
    TRY(pipeline_create(device, kernel, module, subgroup, &pipeline));
    making = &(*batch)->making[(*batch)->count++];
    *making = (struct vk_making){.pipeline = pipeline};
    pipeline->batch = *batch;
    pipeline->bucket = kernel_hash(kernel);
    pipeline->next = device->pipelines[pipeline->bucket];
    device->pipelines[pipeline->bucket] = pipeline;
    making->infos = base_alloc(1, sizeof *making->infos);
    FAIL_IF_NULL(making->infos, "a pipeline");
    TRY(vk_pipeline_describe(kernel, &form, making->infos));
    making->infos->spec.pData = pipeline->spec; /* the kernel may be gone by then */
    TRY(create_layout(device, making->infos, pipeline));
    VK_MAKE(device, making->module,
            device->fn.vkCreateShaderModule(device->handle, &making->infos->code, NULL, &making->module));
    making->infos->pipeline.flags = (pipeline->statistics ? VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR : 0) |
                                    (pipeline->text ? VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR : 0);
    making->infos->pipeline.stage.module = making->module;
    making->infos->pipeline.layout = pipeline->layout;
    *out = pipeline;
fail:
    return status;
}

/* Those of the table; what is new goes into the batch. One that is still being made since an earlier call is waited
 * for: where that fails it is no longer there, and is made anew, so that its failure is told. */
static enum mien_status find_all(struct vk_device *device, struct vk_batch **batch, const struct vk_kernel *kernels,
                                 uint32_t count, struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t subgroup = 0;
        struct vk_module module;
        struct vk_pipeline *found = NULL;
        TRY(find(device, &kernels[i], &module, &subgroup, &found));
        if (found && found->batch && found->batch == device->ahead) {
            vk_batch_settle(device, true);
            TRY(find(device, &kernels[i], &module, &subgroup, &found));
        }
        if (!found)
            TRY(add(device, batch, &kernels[i], &module, subgroup, &found));
        if (out)
            out[i] = found;
    }
fail:
    return status;
}

enum mien_status vk_pipelines_get(struct vk_device *device, const struct vk_kernel *kernels, uint32_t count,
                                  uint32_t later, struct vk_pipeline **out)
{
    enum mien_status status = MIEN_OK;
    struct vk_batch *batch = NULL;
    for (uint32_t i = 0; i < count; i++)
        out[i] = NULL;
    TRY(vk_device_alive(device));
    TRY(find_all(device, &batch, kernels, count, out));
    if (batch)
        batch->own = (uint32_t)batch->count;
    if (later && base_cpu_count() > 1)
        TRY(find_all(device, &batch, kernels + count, later, NULL));
    if (batch)
        TRY(vk_batch_run(&batch));
fail:
    if (batch)
        vk_batch_end(&batch);
    for (uint32_t i = 0; i < count && status != MIEN_OK; i++)
        out[i] = NULL;
    return status;
}

enum mien_status vk_pipeline_get(struct vk_device *device, const struct vk_kernel *kernel, struct vk_pipeline **out)
{
    return vk_pipelines_get(device, kernel, 1, 0, out);
}

void vk_pipelines_destroy(struct vk_device *device)
{
    for (uint32_t i = 0; i < VK_PIPELINE_BUCKETS; i++)
        while (device->pipelines[i]) {
            struct vk_pipeline *pipeline = device->pipelines[i];
            device->pipelines[i] = pipeline->next;
            pipeline_destroy(device, pipeline);
        }
    for (size_t i = 0; i < device->set_layout_count && vk_device_may_destroy(device); i++)
        device->fn.vkDestroyDescriptorSetLayout(device->handle, device->set_layouts[i].handle, NULL);
    base_free(device->set_layouts);
    device->set_layouts = NULL;
    device->set_layout_count = device->set_layout_capacity = 0;
}
