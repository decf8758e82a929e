/* moments.c: the optimiser's memory on the device. */
#include "train/moments.h"

#include "args/optim.h"

/* Memory for one tensor of each trained parameter, laid out as the stacks with such parameters are. */
static enum mien_status make(const struct nn_model *model, const struct train_param *rules, const char *name,
                             struct tensor *tensors, struct tensor_pack *pack)
{
    enum mien_status status = MIEN_OK;
    uint32_t count = 0;
    struct tensor *stacks = base_alloc(model->stack_count, sizeof(*stacks));
    struct tensor **trained = base_alloc(model->stack_count, sizeof(*trained));
    FAIL_IF(!stacks || !trained, MIEN_ERR_NOMEM, "out of host memory for the optimiser");
    for (uint32_t i = 0; i < model->stack_count; i++) {
        stacks[i].shape = model->stacks[i].value.shape;
        if (train_stack_trained(model, rules, i))
            trained[count++] = &stacks[i];
    }
    TRY(tensor_pack_create(model->device, name, trained, count, pack));
    for (uint32_t i = 0; i < model->count; i++) {
        if (!rules[i].frozen)
            tensors[i] = nn_param_of(&model->params[i], &stacks[model->params[i].stack]);
    }
fail:
    base_free(stacks);
    base_free(trained);
    return status;
}

static enum mien_status zero(const struct train_moments *moments, const struct tensor *tensors)
{
    enum mien_status status = MIEN_OK;
    uint64_t largest = 1;
    for (uint32_t i = 0; i < moments->count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&tensors[i].shape));
    void *zeros = base_alloc(largest, 1);
    FAIL_IF_NULL(zeros, "the optimiser");
    for (uint32_t i = 0; i < moments->count; i++) {
        if (tensors[i].range.block)
            TRY(tensor_upload(moments->device, &tensors[i], zeros));
    }
fail:
    base_free(zeros);
    return status;
}

enum mien_status train_moments_create(const struct nn_model *model, const struct train_param *rules,
                                      const struct train_optimizer *optimizer, struct train_moments *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct train_moments){.device = model->device, .count = model->count};
    out->first = base_alloc(model->count, sizeof(*out->first));
    out->second = base_alloc(model->count, sizeof(*out->second));
    FAIL_IF(!out->first || !out->second, MIEN_ERR_NOMEM, "out of host memory for the optimiser");
    TRY(make(model, rules, "first moments", out->first, &out->pack[0]));
    TRY(zero(out, out->first));
    if (optimizer->moments > 1) {
        TRY(make(model, rules, "second moments", out->second, &out->pack[1]));
        TRY(zero(out, out->second));
    }
    return MIEN_OK;
fail:
    train_moments_destroy(out);
    return status;
}

enum mien_status train_scaler_create(struct train_moments *moments)
{
    const struct tensor_shape shape = SHAPE_F32(SCALER_COUNT);
    const float first[SCALER_COUNT] = {[SCALER_SCALE] = (float)SCALER_FIRST, [SCALER_USED] = (float)SCALER_FIRST};
    enum mien_status status = tensor_create(moments->device, &shape, "loss scale", &moments->scaler);
    return status == MIEN_OK ? tensor_upload(moments->device, &moments->scaler, first) : status;
}

void train_moments_destroy(struct train_moments *moments)
{
    if (moments->scaler.range.block)
        tensor_destroy(moments->device, &moments->scaler);
    for (uint32_t k = 0; k < TRAIN_MOMENTS_MAX; k++)
        tensor_pack_destroy(&moments->pack[k]);
    base_free(moments->first);
    base_free(moments->second);
    *moments = (struct train_moments){0};
}
