/* statistics.c: what the driver's compiler says of a pipeline. */
#include "vk/vk_internal.h"

#include <string.h>

enum mien_status vk_device_keep_statistics(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(!device->physical->has_statistics, MIEN_ERR_UNSUPPORTED,
            "%s (%s) gives no statistics of pipelines (VK_KHR_pipeline_executable_properties)", device->caps.name,
            device->caps.driver);
    device->statistics = true;
fail:
    return status;
}

enum mien_status vk_device_keep_text(struct vk_device *device)
{
    enum mien_status status = vk_device_keep_statistics(device);
    device->text = status == MIEN_OK;
    return status;
}

static double value_of(const VkPipelineExecutableStatisticKHR *s)
{
    switch (s->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
        return s->value.b32;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
        return (double)s->value.i64;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
        return (double)s->value.u64;
    default:
        return s->value.f64;
    }
}

/* A compute pipeline is one executable; where a driver makes more, the first is the kernel itself. */
static enum mien_status read_properties(struct vk_device *device, const struct vk_pipeline *pipeline,
                                        VkPipelineExecutablePropertiesKHR *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t count = 1;
    const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline->handle};
    *out = (VkPipelineExecutablePropertiesKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
    VkResult result = device->fn.vkGetPipelineExecutablePropertiesKHR(device->handle, &info, &count, out);
    FAIL_IF(result >= VK_SUCCESS && count == 0, MIEN_ERR_UNSUPPORTED, "%s says nothing of kernel %s", device->caps.name,
            pipeline->name);
    if (result < VK_SUCCESS) /* VK_INCOMPLETE: there are more */
        return vk_result_fail(device, result, "vkGetPipelineExecutablePropertiesKHR(", __FILE__, __LINE__);
fail:
    return status;
}

enum mien_status vk_pipeline_statistics(struct vk_device *device, const struct vk_pipeline *pipeline,
                                        struct vk_statistic *out, uint32_t capacity, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    VkPipelineExecutablePropertiesKHR properties;
    VkPipelineExecutableStatisticKHR *list = NULL;
    uint32_t found = 0;
    const VkPipelineExecutableInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                              .pipeline = pipeline->handle};
    *count = 0;
    FAIL_IF(!pipeline->statistics, MIEN_ERR_UNSUPPORTED, "kernel %s was made without statistics", pipeline->name);
    TRY(read_properties(device, pipeline, &properties));
    VK_TRY(device, device->fn.vkGetPipelineExecutableStatisticsKHR(device->handle, &info, &found, NULL));
    list = base_alloc(found + 1, sizeof *list);
    FAIL_IF_NULL(list, "a pipeline's statistics");
    for (uint32_t i = 0; i < found; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    VK_TRY(device, device->fn.vkGetPipelineExecutableStatisticsKHR(device->handle, &info, &found, list));
    if (capacity)
        out[0] = (struct vk_statistic){"Subgroup size", properties.subgroupSize};
    for (uint32_t i = 0; i < found && i + 1 < capacity; i++) {
        snprintf(out[i + 1].name, sizeof out->name, "%.63s", list[i].name);
        out[i + 1].value = value_of(&list[i]);
    }
    *count = found + 1;
fail:
    base_free(list);
    return status;
}

/* Registers that went to memory, under the names that drivers give it: RADV "Spilled VGPRs", "Scratch size"; ANV "Spill
 * Count", "Scratch Memory Size"; NVK "Spills to memory"; Honeykrisp "Spills", "Scratch"; Turnip "STP Count", "LDP
 * Count" (stores and loads of private memory). Spills to other registers (NVK "to reg", RADV's of SGPRs, which go to
 * lanes of a VGPR) cost an instruction each and are no failure. */
bool vk_statistic_is_spill(const struct vk_statistic *s)
{
    if (s->value <= 0 || vk_contains(s->name, "to reg") || vk_contains(s->name, "from reg") ||
        vk_contains(s->name, "sgpr"))
        return false;
    return vk_contains(s->name, "spill") || vk_contains(s->name, "fill") || vk_contains(s->name, "scratch") ||
           vk_contains(s->name, "stp count") || vk_contains(s->name, "ldp count");
}

/* The texts' names and sizes, then the texts of those that have memory. */
static enum mien_status read_texts(struct vk_device *device, const struct vk_pipeline *pipeline, uint32_t *count,
                                   VkPipelineExecutableInternalRepresentationKHR *list)
{
    enum mien_status status = MIEN_OK;
    const VkPipelineExecutableInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                              .pipeline = pipeline->handle};
    VK_TRY(device, device->fn.vkGetPipelineExecutableInternalRepresentationsKHR(device->handle, &info, count, list));
fail:
    return status;
}

enum mien_status vk_pipeline_text(struct vk_device *device, const struct vk_pipeline *pipeline, const char *part,
                                  char **out)
{
    enum mien_status status = MIEN_OK;
    VkPipelineExecutableInternalRepresentationKHR *list = NULL;
    uint32_t count = 0, found;
    char *text = NULL;
    *out = NULL;
    FAIL_IF(!pipeline->text, MIEN_ERR_UNSUPPORTED, "kernel %s was made without its compiler's text", pipeline->name);
    TRY(read_texts(device, pipeline, &count, NULL));
    list = base_alloc(count + 1, sizeof *list);
    FAIL_IF_NULL(list, "a pipeline's texts");
    for (uint32_t i = 0; i < count; i++)
        list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
    TRY(read_texts(device, pipeline, &count, list));
    for (found = count; found > 0 && !(list[found - 1].isText && strstr(list[found - 1].name, part)); found--)
        ;
    if (found == 0)
        goto fail;
    text = base_alloc(list[found - 1].dataSize + 1, 1); /* all 0: it ends, whatever the driver says */
    FAIL_IF_NULL(text, "a pipeline's text");
    list[found - 1].pData = text;
    TRY(read_texts(device, pipeline, &count, list));
    *out = text;
    text = NULL;
fail:
    base_free(text);
    base_free(list);
    return status;
}
