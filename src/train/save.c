/* save.c: the model under training as a Hugging Face CLIP directory. */
#include "train/trainer.h"

#include <stdio.h>

static enum mien_status write_parts(const struct trainer *t, uint64_t steps, const char *dir)
{
    enum mien_status status = MIEN_OK;
    cJSON *extra = cJSON_CreateObject();
    char *weights = base_path_join(dir, "model.safetensors");
    FAIL_IF(!extra || !weights || !cJSON_AddNumberToObject(extra, "steps", (double)steps), MIEN_ERR_NOMEM,
            "out of host memory for saving %s", dir);
    TRY(io_clip_config_write(dir, &t->model->config, extra));
    TRY(nn_model_save_weights(t->model, weights));
    TRY(io_preprocess_write(dir, &t->preprocess));
    TRY(data_tokenizer_save(t->tokenizer, dir, t->model->config.text.context));
fail:
    cJSON_Delete(extra);
    base_free(weights);
    return status;
}

enum mien_status train_save_model(const struct trainer *t, uint64_t steps, const char *dir)
{
    enum mien_status status = MIEN_OK;
    char partial[1200];
    int length = snprintf(partial, sizeof(partial), "%s.partial", dir);
    FAIL_IF(length >= (int)sizeof(partial), MIEN_ERR_ARG, "%s: the path is too long", dir);
    TRY(base_dir_remove(partial));
    TRY(base_dir_create(partial));
    TRY(write_parts(t, steps, partial));
    TRY(base_rename(partial, dir));
fail:
    return status;
}
