/* plan.c: mien_model_plan: memory and work of a model in use, from its config.json alone. */
#include "use/use.h"

#include <string.h>

enum { LARGEST_RUN = 32 }; /* the encoder's, and of a block of pictures */

enum mien_status mien_model_plan(const char *dir, struct mien_gpu *gpu, uint32_t images, uint32_t texts,
                                 struct mien_model_plan *out)
{
    return mien_model_plan_with(dir, gpu, NULL, images, texts, out);
}

enum mien_status mien_model_plan_with(const char *dir, struct mien_gpu *gpu, const struct mien_model_params *params,
                                      uint32_t images, uint32_t texts, struct mien_model_plan *out)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config c;
    struct nn_memory memory;
    struct vk_caps caps;
    FAIL_IF(!dir || !out, MIEN_ERR_ARG, "mien_model_plan: a directory and a place for the result are needed");
    *out = (struct mien_model_plan){.images = BASE_MIN(images, (uint32_t)LARGEST_RUN),
                                    .texts = BASE_MIN(texts, (uint32_t)LARGEST_RUN)};
    TRY(io_clip_config_read(dir, &c, NULL));
    if (gpu)
        caps = *vk_device_caps(vk_gpu_device(gpu));
    else
        vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    TRY(nn_encoder_plan(&c, params ? params->precision : MIEN_F32, &caps, out->images, out->texts, c.text.context,
                        &memory));
    memcpy(out->device, caps.name, sizeof(out->device));
    out->weights = memory.parameters;
    out->image_run = memory.images;
    out->text_run = memory.texts;
    out->device_peak = memory.device;
    out->host_peak = memory.host;
    out->pixels = (uint64_t)out->images * 2 * 3 * c.vision.image * c.vision.image * sizeof(float);
    out->image_flops = out->images ? memory.image_flops / out->images : 0;
    out->text_flops = out->texts ? memory.text_flops / out->texts : 0;
    return MIEN_OK;
fail:
    if (out)
        *out = (struct mien_model_plan){0};
    return status;
}
