/* params.c: the parameters of a CLIP configuration, from io's list of its tensors. */
#include "nn/internal.h"

#include "io/clip_tensors.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct nn_param *)a)->name, ((const struct nn_param *)b)->name);
}

/* Whether the parameter is stored in the model's precision. */
static bool is_stored_short(const struct nn_param *param)
{
    static const char *const added[] = {"position_embedding", "temporal.cls_token", "temporal.pos_embedding"};
    for (size_t i = 0; i < BASE_COUNT(added); i++) {
        if (strstr(param->name, added[i]))
            return false;
    }
    /* q, k and v of clips are views of one matrix (temporal.c); where they could not begin so, they are cut out as f32
     */
    uint64_t third = tensor_shape_count(&param->value.shape) / 3 * 2;
    return param->value.shape.rank >= 2 && (!strstr(param->name, "to_qkv") || third % 256 == 0);
}

static enum mien_status make_param(struct nn_model *model, const struct io_clip_tensor *tensor, struct nn_param *out)
{
    struct tensor_shape *shape = &out->value.shape;
    *out = (struct nn_param){.init = tensor->init, .spread = tensor->spread, .is_scalar = tensor->rank == 0};
    *shape = SHAPE_F32(1);
    for (uint32_t d = 0; d < tensor->rank; d++)
        shape->dim[d] = (uint32_t)tensor->dims[d];
    shape->rank = BASE_MAX(tensor->rank, 1u);
    out->name = base_arena_strdup(&model->arena, tensor->name);
    if (!out->name)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for the name of parameter %s", tensor->name);
    if (is_stored_short(out))
        shape->dtype = model->precision;
    return MIEN_OK;
}

enum mien_status nn_params_list(struct nn_model *model)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_tensors list;
    TRY(io_clip_tensors_list(&model->config, &list));
    model->params = base_alloc(list.count, sizeof(*model->params));
    FAIL_IF_NULL(model->params, "parameters");
    model->elements = list.elements;
    for (; model->count < list.count; model->count++)
        TRY(make_param(model, &list.items[model->count], &model->params[model->count]));
fail:
    io_clip_tensors_clear(&list);
    return status;
}

uint32_t nn_param_find(const struct nn_model *model, const char *name)
{
    struct nn_param key = {.name = name};
    const struct nn_param *found = bsearch(&key, model->params, model->count, sizeof(key), by_name);
    return found ? (uint32_t)(found - model->params) : UINT32_MAX;
}
