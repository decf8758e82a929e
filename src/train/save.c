/* save.c: the model under training as a Hugging Face CLIP directory; gradients as a file. */
#include "train/trainer.h"

#include "args/optim.h"
#include "io/safetensors.h"

enum mien_status train_write_model(const struct trainer *t, uint64_t steps, const char *dir)
{
    enum mien_status status = MIEN_OK;
    const struct use_parts parts = train_model_parts(t);
    cJSON *extra = cJSON_CreateObject();
    FAIL_IF(!extra || !cJSON_AddNumberToObject(extra, "steps", (double)steps), MIEN_ERR_NOMEM,
            "out of host memory for saving %s", dir);
    if (parts.frames)
        FAIL_IF(!cJSON_AddNumberToObject(cJSON_AddObjectToObject(extra, "frames"), "count", parts.frames),
                MIEN_ERR_NOMEM, "out of host memory for saving %s", dir);
    TRY(use_parts_write(&parts, extra, dir));
fail:
    cJSON_Delete(extra);
    return status;
}

enum mien_status train_save_model(const struct trainer *t, uint64_t steps, const char *dir)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    TRY(base_stage_open_own(dir, &stage));
    TRY(train_write_model(t, steps, base_stage_dir(stage)));
    TRY(base_stage_replace(&stage));
fail:
    base_stage_abandon(&stage);
    return status;
}

struct dump {
    const float **values; /* [tensors] */
    float scale;          /* of the loss: a power of two */
};

static enum mien_status unscaled(void *user, size_t index, uint64_t offset, void *buffer, size_t size)
{
    const struct dump *dump = user;
    float *out = buffer;
    for (size_t i = 0; i < size / sizeof(*out); i++)
        out[i] = dump->values[index][offset / sizeof(*out) + i] / dump->scale;
    return MIEN_OK;
}

enum mien_status train_save_grads(const struct trainer *t, const struct train_flight *flight, const char *path)
{
    enum mien_status status = MIEN_OK;
    const struct train_step *p = flight->program;
    uint64_t largest = 1;
    size_t count = 0;
    void *zeros = NULL;
    struct io_tensor_out *tensors = base_alloc(t->model->count, sizeof(*tensors));
    struct dump dump = {.values = base_alloc(t->model->count, sizeof(*dump.values)), .scale = 1};
    for (uint32_t i = 0; i < t->model->count; i++)
        largest = BASE_MAX(largest, tensor_shape_bytes(&t->model->params[i].value.shape));
    zeros = base_alloc(largest, 1);
    FAIL_IF(!tensors || !dump.values || !zeros, MIEN_ERR_NOMEM, "out of host memory for saving %s", path);
    for (uint32_t i = 0; i < t->model->count; i++) {
        const struct nn_param *param = &t->model->params[i];
        if (t->rules[i].frozen)
            continue;
        struct io_tensor_out *out = &tensors[count];
        *out = (struct io_tensor_out){.name = param->name, .dtype = IO_F32, .data = zeros};
        out->rank = param->is_scalar ? 0 : param->value.shape.rank;
        for (uint32_t d = 0; d < out->rank; d++)
            out->dims[d] = param->value.shape.dim[d];
        if (p->grads[param->stack] != OP_NONE) {
            out->data = NULL;
            dump.values[count] =
                (const float *)graph_program_output(p->program, flight->slot, p->grads[param->stack]) + param->first;
        }
        count++;
    }
    if (p->scaler != OP_NONE)
        dump.scale = ((const float *)graph_program_output(p->program, flight->slot, p->scaler))[SCALER_USED];
    TRY(io_safetensors_write(path, tensors, count, NULL, unscaled, &dump));
fail:
    base_free(dump.values);
    base_free(tensors);
    base_free(zeros);
    return status;
}
