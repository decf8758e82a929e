/* prepare.c: from a configuration to a run that can start. Nothing is written before everything has been checked. */
#include "train/config_keys.h"
#include "train/trainer.h"

#include <string.h>

/* ---- the run directory ---- */

static enum mien_status check_fresh(const char *dir)
{
    static const char *const names[] = {"config.json", "log.jsonl", "model", "checkpoints"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        char *path = base_path_join(dir, names[i]);
        bool there = path && base_file_exists(path);
        base_free(path);
        if (there)
            return base_fail(MIEN_ERR_ARG, "%s holds a run already (%s); choose another run.dir or remove it", dir,
                             names[i]);
    }
    return MIEN_OK;
}

static enum mien_status open_run(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    TRY(base_dir_create(t->config->run.dir));
    TRY(train_config_resolve(t->config));
    TRY(io_write_json(t->config->run.dir, "config.json", t->config->json));
    TRY(train_log_open(t->config->run.dir, &t->log));
fail:
    return status;
}

/* ---- data ---- */

/* Which of the texts that loss.text asks for a row has: bit 0, and bit 1 for the summary of "both". */
static uint32_t texts_of(const struct train_config *c, const struct data_row *row)
{
    const struct data_caption *caption = &row->caption;
    switch (c->loss.text) {
    case TRAIN_TEXT_BOTH:
        return (caption->global ? 1u : 0) | (caption->summary ? 2u : 0);
    case TRAIN_TEXT_GLOBAL:
        return caption->global != NULL;
    case TRAIN_TEXT_SUMMARY:
        return caption->summary != NULL;
    case TRAIN_TEXT_LABEL:
        return row->label_count > 0;
    default:
        return caption->whole || caption->global || caption->summary || caption->local_count;
    }
}

/* What this version cannot train on is refused by the row that shows it: local sentences, and rows that lack a text
 * which other rows have (their weight would be 0). */
static enum mien_status check_captions(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t all = 0;
    for (size_t i = 0; i < t->row_count; i++) {
        const struct data_row *row = &t->manifest->rows[t->rows[i]];
        FAIL_IF(
            row->caption.local_count && !t->config->loss.local_is_chosen, MIEN_ERR_ARG,
            "%s:%u: the caption has local sentences, for which loss.local.kind is \"pooled\" unless it is given; this "
            "version does not support that: set loss.local.kind to \"none\"",
            t->manifest->path, row->line);
        all |= texts_of(t->config, row);
    }
    for (size_t i = 0; i < t->row_count; i++) {
        const struct data_row *row = &t->manifest->rows[t->rows[i]];
        FAIL_IF(texts_of(t->config, row) != BASE_MAX(all, 1), MIEN_ERR_ARG,
                "%s:%u: the row lacks a text that loss.text asks for and other rows have; this version needs it in all "
                "rows: choose another loss.text, or complete the row",
                t->manifest->path, row->line);
    }
    t->config->loss.local = TRAIN_LOCAL_NONE;
    t->config->loss.local_is_chosen = true;
fail:
    return status;
}

static enum mien_status open_data(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *val = NULL;
    TRY(data_manifest_read(t->config->data.train, &t->manifest));
    TRY(data_manifest_select(t->manifest, DATA_SPLIT_TRAIN, true, &t->rows, &t->row_count));
    FAIL_IF(t->row_count == 0, MIEN_ERR_DATA, "%s: no row belongs to the train split", t->config->data.train);
    TRY(check_captions(t));
    if (t->config->data.val) /* read now, so that a bad line is found before training */
        TRY(data_manifest_read(t->config->data.val, &val));
fail:
    data_manifest_destroy(&val);
    return status;
}

/* A vocabulary learnt from the texts of the training rows. */
static enum mien_status learn_tokenizer(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    char label[256];
    size_t count = 0;
    const char **texts = base_arena_array(&arena, t->row_count + 1, sizeof(*texts));
    FAIL_IF_NULL(texts, "captions");
    for (size_t i = 0; i < t->row_count; i++) {
        const struct data_row *row = &t->manifest->rows[t->rows[i]];
        const char *text = data_caption_text(&arena, &row->caption);
        if (!text && t->config->loss.text == TRAIN_TEXT_LABEL)
            text = base_arena_strdup(&arena, data_row_label(row, label, sizeof(label)));
        if (text)
            texts[count++] = text;
    }
    FAIL_IF(count == 0, MIEN_ERR_DATA, "%s: no row has a caption to learn a vocabulary from", t->manifest->path);
    TRY(data_bpe_train(texts, count, t->config->model.vocab, &t->tokenizer));
fail:
    base_arena_clear(&arena);
    return status;
}

static struct data_preprocess data_form(const struct io_preprocess *p, uint32_t resize)
{
    struct data_preprocess out = {.size = p->size, .crop = p->crop, .rgb_first = p->rgb_first};
    out.resize = resize == TRAIN_RESIZE_TORCH ? DATA_RESIZE_TORCH : DATA_RESIZE_PIL;
    memcpy(out.mean, p->mean, sizeof(out.mean));
    memcpy(out.std, p->std, sizeof(out.std));
    return out;
}

static enum mien_status open_loader(struct trainer *t)
{
    static const enum data_text texts[] = {DATA_TEXT_BOTH, DATA_TEXT_GLOBAL, DATA_TEXT_SUMMARY, DATA_TEXT_CAPTION,
                                           DATA_TEXT_LABEL};
    const struct train_config *c = t->config;
    struct data_loader_params params = {
        .manifest = t->manifest,
        .rows = t->rows,
        .row_count = t->row_count,
        .tokenizer = t->tokenizer,
        .preprocess = data_form(&t->preprocess, c->data.resize),
        .augment = {.crop_scale = {c->data.augment.crop_scale[0], c->data.augment.crop_scale[1]},
                    .flip = c->data.augment.flip,
                    .rotate = c->data.augment.rotate,
                    .jitter = c->data.augment.jitter},
        .text = texts[c->loss.text],
        .context = t->model->config.text.context,
        .batch = c->run.batch,
        .shuffle = c->data.shuffle,
        .balance = c->data.balance == TRAIN_BALANCE_LABEL,
        .workers = c->data.workers,
        .seed = c->run.seed,
        .max_bad = c->data.max_bad,
    };
    return data_loader_create(&params, &t->loader);
}

/* ---- model ---- */

static enum mien_status open_given(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const char *dir = t->config->model.init;
    TRY(data_tokenizer_load(dir, &t->tokenizer));
    TRY(nn_model_load(t->device, dir, &t->model));
    FAIL_IF(data_tokenizer_vocab(t->tokenizer) > t->model->config.text.vocab, MIEN_ERR_DATA,
            "%s: the tokenizer has %u tokens, the model %u", dir, data_tokenizer_vocab(t->tokenizer),
            t->model->config.text.vocab);
    TRY(io_preprocess_read(dir, t->model->config.vision.image, &t->preprocess));
    if (t->preprocess.torch_resize)
        t->config->data.resize = TRAIN_RESIZE_TORCH;
fail:
    return status;
}

static enum mien_status open_scratch(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config *clip = &t->config->model.clip;
    if (t->config->model.tokenizer)
        TRY(data_tokenizer_load(t->config->model.tokenizer, &t->tokenizer));
    else
        TRY(learn_tokenizer(t));
    clip->text.vocab = data_tokenizer_vocab(t->tokenizer);
    clip->text.bos = (uint32_t)data_tokenizer_bos(t->tokenizer);
    clip->text.eos = clip->text.pad = (uint32_t)data_tokenizer_eos(t->tokenizer);
    TRY(nn_model_create(t->device, clip, &t->model));
    TRY(nn_model_init(t->model, t->config->run.seed));
    io_preprocess_default(clip->vision.image, &t->preprocess);
    t->preprocess.torch_resize = t->config->data.resize == TRAIN_RESIZE_TORCH;
fail:
    return status;
}

/* ---- the run ---- */

static void plan_run(struct trainer *t)
{
    const struct train_config *c = t->config;
    uint64_t per_epoch = data_loader_batches_per_epoch(t->loader);
    t->steps = c->run.steps ? c->run.steps : c->run.epochs * per_epoch;
    t->rate = train_rate_make(c, t->steps, per_epoch);
    t->hyper = (struct train_hyper){.betas = {c->optim.betas[0], c->optim.betas[1]},
                                    .eps = c->optim.eps,
                                    .weight_decay = c->optim.weight_decay,
                                    .clip_norm = c->optim.clip_norm};
    t->summary.parameters = t->model->elements;
    LOG_INFO("train: %zu samples, %llu parameters, vocabulary %u, %llu steps of %u (%.1f epochs) on %s", t->row_count,
             (unsigned long long)t->model->elements, t->model->config.text.vocab, (unsigned long long)t->steps,
             c->run.batch, (double)t->steps / (double)per_epoch, vk_device_caps(t->device)->name);
}

enum mien_status train_prepare(struct vk_device *device, const struct mien_train_params *params,
                               struct trainer *trainer)
{
    enum mien_status status = MIEN_OK;
    *trainer = (struct trainer){.device = device, .params = params};
    TRY(train_config_read(params->config, params->sets, params->set_count, &trainer->config));
    TRY(check_fresh(trainer->config->run.dir));
    TRY(open_data(trainer));
    if (trainer->config->model.init)
        TRY(open_given(trainer));
    else
        TRY(open_scratch(trainer));
    TRY(open_loader(trainer));
    TRY(train_moments_create(trainer->model, &trainer->moments));
    plan_run(trainer);
    TRY(open_run(trainer));
fail:
    return status;
}

void train_clear(struct trainer *t)
{
    for (uint32_t i = 0; i < t->program_count; i++)
        train_step_destroy(&t->programs[i]);
    train_log_close(&t->log);
    data_loader_destroy(&t->loader);
    train_moments_destroy(&t->moments);
    nn_model_destroy(&t->model);
    data_tokenizer_destroy(&t->tokenizer);
    base_free(t->rows);
    data_manifest_destroy(&t->manifest);
    train_config_destroy(&t->config);
    *t = (struct trainer){0};
}
