/* plan.c: mien_model_plan: memory and work of a model in use, from its config.json alone. */
#include "use/use.h"

#include <string.h>

enum { LARGEST_RUN = 32 }; /* the encoder's, and of a block of pictures */

enum mien_status mien_model_plan(const char *dir, struct mien_gpu *gpu, const struct mien_model_params *given,
                                 uint32_t images, uint32_t texts, struct mien_model_plan *out)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config c;
    struct nn_memory memory;
    struct vk_caps caps;
    struct mien_model_params params;
    struct base_source source;
    struct mien_model_plan plan = {.size = sizeof(plan),
                                   .images = BASE_MIN(images, (uint32_t)LARGEST_RUN),
                                   .texts = BASE_MIN(texts, (uint32_t)LARGEST_RUN)};
    NEED(out);
    TRY(SIZED_CLEAR(out));
    TRY(SIZED_READ(&params, given));
    TRY(base_source_make(dir, params.files, params.file_count, &source));
    TRY(io_clip_config_read_from(&source, &c, NULL));
    if (gpu)
        caps = *vk_device_caps(vk_gpu_device(gpu));
    else
        vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    TRY(nn_encoder_plan(&c, params.precision, &caps, plan.images, plan.texts, c.text.context, &memory));
    memcpy(plan.device, caps.name, sizeof(plan.device));
    plan.weights = memory.parameters;
    plan.image_run = memory.images;
    plan.text_run = memory.texts;
    plan.device_peak = memory.device;
    plan.host_peak = memory.host;
    plan.pixels = (uint64_t)plan.images * 2 * 3 * c.vision.image * c.vision.image * sizeof(float);
    plan.image_flops = plan.images ? memory.image_flops / plan.images : 0;
    plan.text_flops = plan.texts ? memory.text_flops / plan.texts : 0;
    TRY(SIZED_WRITE(out, &plan));
fail:
    return vk_gpu_ended(gpu, status);
}
