/* params.c: the parameters of a CLIP configuration, from io's list of its tensors. */
#include "nn/internal.h"

#include "io/clip_tensors.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct nn_param *)a)->name, ((const struct nn_param *)b)->name);
}

/* Whether the parameter is stored in the model's precision. is_third: it is one of q, k and v. */
static bool is_stored_short(const struct nn_param *param, bool is_third)
{
    static const char *const added[] = {"position_embedding", "temporal.cls_token", "temporal.pos_embedding"};
    for (size_t i = 0; i < BASE_COUNT(added); i++) {
        if (strstr(param->name, added[i]))
            return false;
    }
    /* k and v begin where q and k end: half a word has no address */
    return param->value.shape.rank >= 2 && (!is_third || tensor_shape_count(&param->value.shape) % 2 == 0);
}

static enum mien_status make_param(struct nn_model *model, const struct io_clip_tensor *tensor, struct nn_param *out)
{
    struct tensor_shape *shape = &out->value.shape;
    bool is_third = tensor->form == IO_CLIP_Q || tensor->form == IO_CLIP_K || tensor->form == IO_CLIP_V;
    *out = (struct nn_param){.init = tensor->init, .spread = tensor->spread, .is_scalar = tensor->rank == 0};
    *shape = SHAPE_F32(1);
    for (uint32_t d = 0; d < tensor->rank; d++)
        shape->dim[d] = (uint32_t)tensor->dims[d];
    shape->rank = BASE_MAX(tensor->rank, 1u);
    out->name = base_arena_strdup(&model->arena, tensor->name);
    if (!out->name)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for the name of parameter %s", tensor->name);
    if (is_stored_short(out, is_third))
        shape->dtype = model->precision;
    return MIEN_OK;
}

/* ---- stacks ---- */

static void put_on_stack(struct nn_model *model, uint32_t index)
{
    struct nn_stack *stack = &model->stacks[model->stack_count];
    struct nn_param *param = &model->params[index];
    param->stack = model->stack_count;
    param->first = tensor_shape_count(&stack->value.shape);
    if (stack->count++)
        stack->value.shape.dim[0] += param->value.shape.dim[0];
    else
        stack->value.shape = param->value.shape;
    model->order[stack->begin + stack->count - 1] = index;
}

/* The name of q, k and v together, from q's. */
static enum mien_status join_name(struct nn_model *model, const char *name, const char **out)
{
    const char *q = strstr(name, "q_proj");
    *out = q ? base_arena_printf(&model->arena, "%.*sqkv%s", (int)(q - name), name, q + 1) : name;
    return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for the name of parameter %s", name);
}

/* Parameters stand alone, but for q, k and v that OpenAI's models have as thirds of one tensor. */
static enum mien_status make_stacks(struct nn_model *model, const struct io_clip_tensors *list)
{
    enum mien_status status = MIEN_OK;
    uint32_t placed = 0;
    model->stacks = base_alloc(model->count, sizeof(*model->stacks));
    model->order = base_alloc(model->count, sizeof(*model->order));
    FAIL_IF(!model->stacks || !model->order, MIEN_ERR_NOMEM, "out of host memory for parameters");
    for (uint32_t i = 0; i < model->count; i++) {
        const struct io_clip_tensor *tensor = &list->items[i];
        struct nn_stack *stack = &model->stacks[model->stack_count];
        if (tensor->form == IO_CLIP_K || tensor->form == IO_CLIP_V)
            continue;
        *stack = (struct nn_stack){.name = model->params[i].name, .begin = placed};
        put_on_stack(model, i);
        for (enum io_clip_form form = IO_CLIP_K; tensor->form == IO_CLIP_Q && form <= IO_CLIP_V; form++) {
            for (uint32_t j = 0; j < model->count; j++) {
                if (list->items[j].form == form && strcmp(list->items[j].openai, tensor->openai) == 0)
                    put_on_stack(model, j);
            }
        }
        if (stack->count > 1)
            TRY(join_name(model, model->params[i].name, &stack->name));
        placed += stack->count;
        model->stack_count++;
    }
fail:
    return status;
}

struct tensor nn_param_of(const struct nn_param *param, const struct tensor *stack)
{
    struct tensor part = {.shape = param->value.shape, .range = stack->range};
    part.range.offset += param->first * mien_dtype_size(part.shape.dtype);
    part.range.size = tensor_shape_bytes(&part.shape);
    return part;
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
    TRY(make_stacks(model, &list));
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
