/* moments.c: the optimiser's memory on the device. */
#include "train/moments.h"

#include <stdio.h>

static enum mien_status zero_tensor(struct vk_device *device, const struct nn_param *param, const char *kind,
                                    const void *zeros, struct tensor *out)
{
    char name[192];
    snprintf(name, sizeof(name), "%s.%s", kind, param->name);
    enum mien_status status = tensor_create(device, &param->value.shape, name, out);
    return status == MIEN_OK ? tensor_upload(device, out, zeros) : status;
}

enum mien_status train_moments_create(const struct nn_model *model, const struct train_param *rules,
                                      const struct train_optimizer *optimizer, struct train_moments *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t largest = 1;
    void *zeros = NULL;
    *out = (struct train_moments){.device = model->device, .count = model->count};
    for (uint32_t i = 0; i < model->count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&model->params[i].value.shape));
    zeros = base_alloc(largest, 1);
    out->first = base_alloc(model->count, sizeof(*out->first));
    out->second = base_alloc(model->count, sizeof(*out->second));
    FAIL_IF(!zeros || !out->first || !out->second, MIEN_ERR_NOMEM, "out of host memory for the optimiser");
    for (uint32_t i = 0; i < model->count; i++) {
        if (rules[i].frozen)
            continue;
        TRY(zero_tensor(model->device, &model->params[i], "first", zeros, &out->first[i]));
        if (optimizer->moments > 1)
            TRY(zero_tensor(model->device, &model->params[i], "second", zeros, &out->second[i]));
    }
    base_free(zeros);
    return MIEN_OK;
fail:
    base_free(zeros);
    train_moments_destroy(out);
    return status;
}

void train_moments_destroy(struct train_moments *moments)
{
    for (uint32_t i = 0; moments->first && i < moments->count; i++)
        tensor_destroy(moments->device, &moments->first[i]);
    for (uint32_t i = 0; moments->second && i < moments->count; i++)
        tensor_destroy(moments->device, &moments->second[i]);
    base_free(moments->first);
    base_free(moments->second);
    *moments = (struct train_moments){0};
}
