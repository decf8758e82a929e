/* model.c: a model in use, and embeddings of its texts. Pictures and clips: embed.c. */
#include "io/safetensors.h"
#include "use/input.h"
#include "use/rows.h"
#include "use/use.h"

#include <math.h>
#include <string.h>

enum mien_status mien_model_open(struct mien_gpu *gpu, const char *dir, const struct mien_model_params *given,
                                 struct mien_model **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_model *model = NULL;
    struct use_parts parts = {0};
    struct mien_model_params params;
    struct base_source source;
    char *name = NULL;
    NEED(out);
    *out = NULL;
    NEED(gpu);
    TRY(SIZED_READ(&params, given));
    TRY(base_source_make(dir, params.files, params.file_count, &source));
    const struct nn_extras extras = {.precision = params.precision};
    if (dir) {
        name = use_copy_text(dir);
        FAIL_IF_NULL(name, "a model");
    }
    TRY(use_parts_read(vk_gpu_device(gpu), &source, &extras, &parts));
    TRY(use_model_over(&parts, &model));
    model->gpu = gpu;
    model->ranks = params.ranks;
    model->owned = parts;
    parts = (struct use_parts){0};
    model->name = name;
    *out = model;
    return MIEN_OK;
fail:
    use_parts_clear(&parts);
    base_free(name);
    return vk_gpu_ended(gpu, status);
}

enum mien_status use_model_over(const struct use_parts *parts, struct mien_model **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_model *model = base_alloc(1, sizeof(*model));
    *out = NULL;
    FAIL_IF_NULL(model, "a model");
    *model = (struct mien_model){.device = parts->nn->device,
                                 .nn = parts->nn,
                                 .tokenizer = parts->tokenizer,
                                 .preprocess = use_preprocess(&parts->preprocess),
                                 .frames = parts->frames};
    TRY(nn_encoder_create(model->nn, &model->encoder));
    TRY(use_model_refresh(model));
    *out = model;
    return MIEN_OK;
fail:
    mien_model_destroy(&model);
    return status;
}

enum mien_status use_model_refresh(struct mien_model *model)
{
    model->has_key = false;
    const struct nn_param *scale = &model->nn->params[nn_param_find(model->nn, "logit_scale")];
    return tensor_download(model->device, &scale->value, &model->logit_scale);
}

void mien_model_destroy(struct mien_model **model)
{
    if (!model || !*model)
        return;
    nn_encoder_destroy(&(*model)->encoder);
    use_parts_clear(&(*model)->owned);
    base_free((*model)->name);
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

enum mien_status use_not_finite(const struct mien_model *model, const char *input)
{
    return base_fail(MIEN_ERR_FAILED, "%s: its embedding is not finite; %s", input,
                     model->nn->precision == MIEN_F16 ? "f16 may be too narrow for this model: use --precision bf16 or "
                                                        "f32"
                                                      : "the weights are no trained model's; look at them: mien info");
}

/* ---- texts ---- */

/* raw [E] of text i, which messages quote the beginning of. */
static enum mien_status check_finite(const struct mien_model *model, const char *text, size_t i, const float *raw)
{
    enum { QUOTED = 60 };
    char name[QUOTED + 64];
    int most = QUOTED;
    uint32_t width = model->nn->config.embed;
    if (io_first_not_finite(raw, width) == width)
        return MIEN_OK;
    while (strlen(text) > QUOTED && most > 0 && ((unsigned char)text[most] & 0xC0) == 0x80) /* whole characters */
        most--;
    snprintf(name, sizeof(name), "text %zu (\"%.*s%s\")", i, most, text, strlen(text) > QUOTED ? "..." : "");
    return use_not_finite(model, name);
}

enum mien_status mien_model_embed_texts(struct mien_model *model, const char *const *texts, size_t count,
                                        uint32_t flags, float *out)
{
    enum mien_status status = MIEN_OK;
    struct data_ids ids = {0};
    struct nn_text *rows = NULL;
    size_t cut_count = 0;
    NEED(model && (!count || (texts && out)) && count <= UINT32_MAX);
    TRY(use_check_flags(flags, __func__));
    if (count)
        TRY(use_tokenizer_needed(model->tokenizer, model->name));
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
    for (size_t i = 0; i < count; i++)
        TRY(check_finite(model, texts[i], i, out + i * model->nn->config.embed));
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
    TRY(use_tokenizer_needed(model->tokenizer, model->name));
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
