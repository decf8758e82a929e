/* parts.c: the files of a model directory. */
#include "use/parts.h"

#include <string.h>

struct data_preprocess use_preprocess(const struct io_preprocess *p)
{
    struct data_preprocess out = {.size = p->size, .crop = p->crop, .rgb_first = p->rgb_first};
    out.resize = p->torch_resize ? DATA_RESIZE_TORCH : DATA_RESIZE_PIL;
    memcpy(out.mean, p->mean, sizeof(out.mean));
    memcpy(out.std, p->std, sizeof(out.std));
    return out;
}

/* How many frames of a clip the model was trained with. */
static enum mien_status read_frames(const struct base_source *source, uint32_t *frames)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    cJSON *extra = NULL;
    *frames = 0;
    TRY(io_clip_config_read_from(source, &config, &extra));
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(extra, "frames");
    if (cJSON_IsObject(kept))
        TRY(base_json_u32(kept, "count", base_source_name(source), frames));
fail:
    cJSON_Delete(extra);
    return status;
}

enum mien_status use_parts_read(struct vk_device *device, const struct base_source *source,
                                const struct nn_extras *extras, struct use_parts *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct use_parts){0};
    TRY(nn_model_load_from(device, source, extras, &out->nn));
    uint32_t image = out->nn->config.vision.image;
    TRY(read_frames(source, &out->frames));
    TRY(io_preprocess_read_from(source, image, &out->preprocess));
    if (!data_tokenizer_there(source))
        return MIEN_OK;
    TRY(data_tokenizer_load_from(source, &out->tokenizer));
    TRY(use_tokenizer_check(out->tokenizer, &out->nn->config, base_source_name(source)));
    return MIEN_OK;
fail:
    use_parts_clear(out);
    return status;
}

enum mien_status use_parts_write(const struct use_parts *parts, const cJSON *extra, const char *dir)
{
    enum mien_status status = MIEN_OK;
    char *weights = base_path_join(dir, "model.safetensors");
    FAIL_IF_NULL(weights, dir);
    TRY(io_clip_config_write(dir, &parts->nn->config, extra));
    TRY(nn_model_save_weights(parts->nn, weights));
    TRY(io_preprocess_write(dir, &parts->preprocess));
    if (parts->tokenizer)
        TRY(data_tokenizer_save(parts->tokenizer, dir, parts->nn->config.text.context));
fail:
    base_free(weights);
    return status;
}

void use_parts_clear(struct use_parts *parts)
{
    data_tokenizer_destroy(&parts->tokenizer);
    nn_model_destroy(&parts->nn);
    *parts = (struct use_parts){0};
}
