/* model.c: a model directory in use, and embeddings of its texts. Pictures: pictures.c, clips.c. */
#include "use/use.h"

#include <math.h>
#include <string.h>

static enum mien_status read_preprocess(const char *dir, struct mien_model *model)
{
    struct io_preprocess p;
    enum mien_status status = io_preprocess_read(dir, model->nn->config.vision.image, &p);
    if (status != MIEN_OK)
        return status;
    if (p.crop != model->nn->config.vision.image)
        return base_fail(MIEN_ERR_DATA,
                         "%s/preprocessor_config.json: images are cut to %u pixels, but the model takes %u", dir,
                         p.crop, model->nn->config.vision.image);
    model->preprocess = (struct data_preprocess){.size = p.size, .crop = p.crop, .rgb_first = p.rgb_first};
    model->preprocess.resize = p.torch_resize ? DATA_RESIZE_TORCH : DATA_RESIZE_PIL;
    memcpy(model->preprocess.mean, p.mean, sizeof(p.mean));
    memcpy(model->preprocess.std, p.std, sizeof(p.std));
    return MIEN_OK;
}

enum mien_status mien_model_open(struct mien_gpu *gpu, const char *dir, const struct mien_model_params *given,
                                 struct mien_model **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_model *model = NULL;
    struct mien_model_params params;
    NEED(out);
    *out = NULL;
    NEED(gpu && dir);
    TRY(SIZED_READ(&params, given));
    const struct nn_extras extras = {.precision = params.precision};
    FAIL_IF(!base_file_is_dir(dir), MIEN_ERR_DATA, "%s: no such directory; a model is a directory with config.json",
            dir);
    model = base_alloc(1, sizeof(*model));
    FAIL_IF_NULL(model, "a model");
    model->gpu = gpu;
    model->device = vk_gpu_device(gpu);
    TRY(nn_model_load(model->device, dir, &extras, &model->nn));
    TRY(read_preprocess(dir, model));
    TRY(data_tokenizer_load(dir, &model->tokenizer));
    FAIL_IF(data_tokenizer_vocab(model->tokenizer) > model->nn->config.text.vocab, MIEN_ERR_DATA,
            "%s: the tokenizer has %u tokens, the model %u", dir, data_tokenizer_vocab(model->tokenizer),
            model->nn->config.text.vocab);
    TRY(nn_encoder_create(model->nn, &model->encoder));
    TRY(tensor_download(model->device, &model->nn->params[nn_param_find(model->nn, "logit_scale")].value,
                        &model->logit_scale));
    *out = model;
    model = NULL;
fail:
    mien_model_destroy(&model);
    return vk_gpu_ended(gpu, status);
}

void mien_model_destroy(struct mien_model **model)
{
    if (!model || !*model)
        return;
    nn_encoder_destroy(&(*model)->encoder);
    data_tokenizer_destroy(&(*model)->tokenizer);
    nn_model_destroy(&(*model)->nn);
    base_free(*model);
    *model = NULL;
}

enum mien_status mien_model_describe(const struct mien_model *model, struct mien_model_info *info)
{
    enum mien_status status = MIEN_OK;
    NEED(model && info);
    const struct io_clip_config *c = &model->nn->config;
    const struct mien_model_info own = {.size = sizeof(own),
                                        .embed = c->embed,
                                        .image = c->vision.image,
                                        .patch = c->vision.patch,
                                        .context = c->text.context,
                                        .vocab = c->text.vocab,
                                        .parameters = model->nn->elements,
                                        .logit_scale = model->logit_scale};
    TRY(SIZED_WRITE(info, &own));
fail:
    return status;
}

const char *mien_model_error(const struct mien_model *model)
{
    return model ? model->error : "";
}

enum mien_status use_ended(struct mien_model *model, enum mien_status status)
{
    if (model && status != MIEN_OK)
        snprintf(model->error, sizeof(model->error), "%s", mien_last_error());
    return model ? vk_gpu_ended(model->gpu, status) : status;
}

/* ---- texts ---- */

enum mien_status mien_model_embed_texts(struct mien_model *model, const char *const *texts, size_t count,
                                        uint32_t flags, float *out)
{
    enum mien_status status = MIEN_OK;
    struct data_ids ids = {0};
    struct nn_text *rows = NULL;
    size_t cut_count = 0;
    NEED(model && (!count || (texts && out)) && count <= UINT32_MAX);
    rows = base_alloc(count + 1, sizeof(*rows));
    FAIL_IF_NULL(rows, "texts");
    for (size_t i = 0; i < count; i++) {
        size_t first = ids.count;
        bool cut = false;
        FAIL_IF(!texts[i], MIEN_ERR_ARG, "mien_model_embed_texts: text %zu is NULL", i);
        TRY(data_tokenizer_encode_row(model->tokenizer, texts[i], model->nn->config.text.context, &ids, &cut));
        cut_count += cut;
        rows[i].length = (uint32_t)(ids.count - first);
    }
    if (model->cut)
        *model->cut += cut_count;
    else if (cut_count)
        base_log(MIEN_LOG_WARN, "%zu of %zu texts are longer than the model's %u tokens and were cut there", cut_count,
                 count, model->nn->config.text.context);
    for (size_t i = 0, first = 0; i < count; first += rows[i].length, i++)
        rows[i].ids = ids.ids + first;
    TRY(nn_encode_texts(model->encoder, rows, (uint32_t)count, out));
    if (!(flags & MIEN_RAW))
        nn_normalise_rows(out, (uint32_t)count, model->nn->config.embed);
fail:
    base_free(rows);
    base_free(ids.ids);
    return use_ended(model, status);
}

enum mien_status mien_model_tokenize(const struct mien_model *model, const char *text, int32_t *ids, size_t capacity,
                                     size_t *count)
{
    enum mien_status status = MIEN_OK;
    struct data_ids list = {0};
    bool cut = false;
    NEED(count);
    *count = 0;
    NEED(model && text && ids);
    TRY(data_tokenizer_encode_row(model->tokenizer, text, model->nn->config.text.context, &list, &cut));
    if (cut)
        base_log(MIEN_LOG_WARN, "a text is longer than the model's %u tokens and was cut there",
                 model->nn->config.text.context);
    FAIL_IF(list.count > capacity, MIEN_ERR_ARG, "mien_model_tokenize: %zu ids do not fit into %zu", list.count,
            capacity);
    memcpy(ids, list.ids, list.count * sizeof(*ids));
    *count = list.count;
fail:
    base_free(list.ids);
    return status;
}
