/* prepare.c: from a configuration to a run that can start. Nothing is written before everything has been checked. */
#include "train/config_keys.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- data ---- */

struct learning {
    struct data_bpe_learner *learner;
    bool labels;
};

static enum mien_status learn_row(void *user, const struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const struct learning *l = user;
    struct base_arena arena = {0};
    char label[256];
    const char *text = data_caption_text(&arena, &row->caption);
    TRY(base_arena_status(&arena)); /* before a text that is not there is taken for one that never was */
    if (row->label_text && l->labels)
        text = row->label_text;
    if (!text && l->labels)
        text = data_row_label(row, label, sizeof(label));
    if (text)
        TRY(data_bpe_add(l->learner, text));
fail:
    base_arena_clear(&arena);
    return status;
}

/* A vocabulary learnt from the texts of the training rows. */
static enum mien_status learn_tokenizer(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct learning l = {.labels = t->config->loss.text == TRAIN_TEXT_LABEL};
    TRY(data_bpe_begin(t->config->model.vocab, &l.learner));
    TRY(train_each_row(t, learn_row, &l));
    FAIL_IF(data_bpe_texts(l.learner) == 0, MIEN_ERR_DATA, "%s: no row has a caption to learn a vocabulary from",
            t->manifest->path);
    return data_bpe_end(&l.learner, &t->tokenizer);
fail:
    data_bpe_abandon(&l.learner);
    return status;
}

struct use_parts train_model_parts(const struct trainer *t)
{
    return (struct use_parts){.nn = t->model,
                              .tokenizer = t->tokenizer,
                              .preprocess = t->preprocess,
                              .frames = t->recipe.look.frames ? t->recipe.look.frames : t->frames};
}

static enum mien_status open_loader(struct trainer *t)
{
    static const enum data_pick picks[] = {DATA_PICK_RANDOM, DATA_PICK_FIRST, DATA_PICK_ROTATE};
    const struct train_config *c = t->config;
    const struct train_range own = train_ranks_own(t);
    struct data_loader_params params = {
        .manifest = t->manifest,
        .rows = t->rows,
        .row_count = t->row_count,
        .shards = t->shards,
        .shuffle_buffer = c->data.shuffle_buffer,
        .tokenizer = t->tokenizer,
        .preprocess = use_preprocess(&t->preprocess),
        .augment = {.crop_scale = {c->data.augment.crop_scale[0], c->data.augment.crop_scale[1]},
                    .flip = c->data.augment.flip,
                    .rotate = c->data.augment.rotate,
                    .jitter = c->data.augment.jitter},
        .clips = {.count = t->recipe.look.frames, .stride = c->data.frames.stride, .sampling = c->data.frames.sampling},
        .features = t->recipe.look.features ? &t->features.data : NULL,
        .text = train_head_alone(c) ? DATA_TEXT_NONE : train_text_kinds[c->loss.text],
        .pick = t->recipe.objective.slots ? picks[c->loss.local.pick] : DATA_PICK_NONE,
        .sentences = t->recipe.objective.slots,
        .context = t->model->config.text.context,
        .batch = c->run.batch,
        .shuffle = c->data.shuffle,
        .balance = c->data.balance == TRAIN_BALANCE_LABEL,
        .workers = c->data.workers,
        .share_first = own.first,
        .share_count = own.count,
        .agree = t->ranks ? train_ranks_samples : NULL,
        .user = t,
        .jpeg_draft = c->data.jpeg_draft,
        .seed = c->run.seed,
        .max_bad = c->data.max_bad,
    };
    enum mien_status status = data_loader_create(&params, &t->loader);
    if (status == MIEN_OK && !train_head_alone(c) && !data_loader_texts_differ(t->loader))
        status = base_fail(MIEN_ERR_DATA,
                           "%s: to the model all samples have the same text, so that nothing tells one from another; "
                           "give captions that differ, within the %u tokens of its context",
                           t->manifest->path, params.context);
    return status;
}

/* ---- model ---- */

/* Weights, tokenizer and preprocessing of a model directory. */
static enum mien_status open_given(struct trainer *t, const char *dir)
{
    enum mien_status status = MIEN_OK;
    const struct nn_extras extras = {.temporal = &t->config->model.temporal,
                                     .head = &t->head_config,
                                     .scalars = t->recipe.objective.loss->scalars,
                                     .seed = t->config->run.seed};
    struct use_parts parts;
    TRY(use_parts_read(t->device, &(struct base_source){.dir = dir}, &extras, &parts));
    t->model = parts.nn;
    t->tokenizer = parts.tokenizer;
    TRY(use_tokenizer_needed(t->tokenizer, dir));
    t->preprocess = parts.preprocess;
    t->frames = parts.frames;
    /* as the directory says, where the configuration is silent; what was used is saved with the model */
    if (!t->config->chosen.resize)
        t->config->data.resize = t->preprocess.torch_resize ? TRAIN_RESIZE_TORCH : TRAIN_RESIZE_PIL;
    t->preprocess.torch_resize = t->config->data.resize == TRAIN_RESIZE_TORCH;
fail:
    return status;
}

/* A model of the configuration's sizes with the seed's weights. */
static enum mien_status create_model(struct trainer *t, struct nn_model **out)
{
    enum mien_status status = MIEN_OK;
    const struct train_loss *loss = t->recipe.objective.loss;
    struct io_clip_config *clip = &t->config->model.clip;
    clip->text.vocab = data_tokenizer_vocab(t->tokenizer);
    clip->text.bos = (uint32_t)data_tokenizer_bos(t->tokenizer);
    clip->text.eos = clip->text.pad = (uint32_t)data_tokenizer_eos(t->tokenizer);
    TRY(use_tokenizer_check(t->tokenizer, clip, t->config->model.tokenizer ? t->config->model.tokenizer : "captions"));
    if (loss->logit_scale > 0 && !base_json_member(t->config->model.clip_json, "logit_scale_init_value"))
        clip->logit_scale_init = loss->logit_scale;
    clip->temporal = t->config->model.temporal;
    clip->head = t->head_config;
    TRY(io_clip_scalars_add(clip, loss->scalars));
    TRY(nn_model_create(t->device, clip, MIEN_F32, out));
    TRY(nn_model_init(*out, t->config->run.seed));
fail:
    return status;
}

static enum mien_status open_scratch(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    if (t->config->model.tokenizer)
        TRY(data_tokenizer_load(t->config->model.tokenizer, &t->tokenizer));
    else
        TRY(learn_tokenizer(t));
    TRY(create_model(t, &t->model));
    io_preprocess_default(t->config->model.clip.vision.image, &t->preprocess);
    t->preprocess.torch_resize = t->config->data.resize == TRAIN_RESIZE_TORCH;
fail:
    return status;
}

static enum mien_status open_model(struct trainer *t)
{
    if (t->from)
        return open_given(t, t->from);
    return t->config->model.init ? open_given(t, t->config->model.init) : open_scratch(t);
}

/* The weights that the run began with, once more. */
static enum mien_status open_initial(struct trainer *t)
{
    if (!t->recipe.objective.frozen)
        return MIEN_OK;
    const struct nn_extras extras = {
        .temporal = &t->config->model.temporal, .head = &t->head_config, .seed = t->config->run.seed};
    return t->config->model.init ? nn_model_load(t->device, t->config->model.init, &extras, &t->initial)
                                 : create_model(t, &t->initial);
}

static enum mien_status open_rules(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    t->rules = base_alloc(t->model->count, sizeof(*t->rules));
    FAIL_IF_NULL(t->rules, "parameter groups");
    TRY(train_groups_resolve(t->model, t->config, train_frozen_towers(t), t->rules));
    if (train_frozen_towers(t) && !t->config->chosen.lr)
        t->config->optim.lr = TRAIN_LR_NEW;
fail:
    return status;
}

/* Rows of 16-bit values are written in words, four values at a time: the first width of the model that does not suit;
 * NULL = all do. */
static const char *odd_width(const struct io_clip_config *c, uint32_t *width)
{
    const struct {
        const char *name;
        uint32_t width;
    } widths[] = {
        {"vision_config.hidden_size", c->vision.tower.width},
        {"vision_config.intermediate_size", c->vision.tower.mlp},
        {"text_config.hidden_size", c->text.tower.width},
        {"text_config.intermediate_size", c->text.tower.mlp},
        {"projection_dim (of clips)", c->temporal.layers ? c->embed : 0},
        {"model.temporal heads * head_dim", c->temporal.layers ? c->temporal.heads * c->temporal.head_dim : 0},
        {"model.temporal.mlp", c->temporal.layers ? c->temporal.mlp : 0},
        {"vision_config.hidden_size / num_attention_heads", c->vision.tower.width / c->vision.tower.heads},
        {"text_config.hidden_size / num_attention_heads", c->text.tower.width / c->text.tower.heads},
        {"model.temporal.head_dim", c->temporal.layers ? c->temporal.head_dim : 0}};
    for (size_t i = 0; i < BASE_COUNT(widths); i++) {
        *width = widths[i].width;
        if (*width % 4 != 0)
            return widths[i].name;
    }
    return NULL;
}

enum train_precision train_precision_auto(const struct vk_caps *caps)
{
    bool units = caps->type != VK_TYPE_SOFTWARE && caps->class_ == VK_CLASS_DESKTOP && caps->features & VK_CAP_COOPMAT;
    if (units && caps->features & VK_CAP_COOPMAT_BF16)
        return TRAIN_PRECISION_BF16;
    return units && caps->features & VK_CAP_F16 ? TRAIN_PRECISION_F16 : TRAIN_PRECISION_F32;
}

/* Where run.precision is auto it is what the run was begun with, or what the rule says, from now on, in the run's
 * config.json too. */
static enum mien_status resolve_precision(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t *precision = &t->config->run.precision, width = 0;
    const char *odd = odd_width(&t->model->config, &width);
    if (*precision == TRAIN_PRECISION_AUTO && t->params->resume && !t->params->dry_run)
        TRY(train_begun_precision(t, precision));
    if (*precision == TRAIN_PRECISION_AUTO)
        *precision = odd ? TRAIN_PRECISION_F32 : train_precision_auto(vk_device_caps(t->device));
    FAIL_IF(*precision != TRAIN_PRECISION_F32 && odd, MIEN_ERR_ARG,
            "run.precision %s: the model's %s is %u; widths must be multiples of 4, use f32",
            *precision == TRAIN_PRECISION_BF16 ? "bf16" : "f16", odd, width);
fail:
    return status;
}

static enum mien_status open_precision(struct trainer *t)
{
    static const enum mien_dtype dtypes[] = {
        [TRAIN_PRECISION_F32] = MIEN_F32, [TRAIN_PRECISION_BF16] = MIEN_BF16, [TRAIN_PRECISION_F16] = MIEN_F16};
    t->recipe.stored = dtypes[t->config->run.precision];
    return t->recipe.stored == MIEN_F16 ? train_scaler_create(&t->moments) : MIEN_OK;
}

/* Tests have blocks of small batches. */
static uint32_t blocks_from(void)
{
    const char *given = base_env("MIEN_BLOCKS_FROM");
    return given ? (uint32_t)strtoul(given, NULL, 10) : TRAIN_BLOCKS_FROM;
}

static enum mien_status open_optimizer(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    char *path = NULL;
    TRY(train_moments_create(t->model, t->rules, train_optimizers[t->config->optim.kind], &t->moments));
    TRY(open_precision(t));
    if (t->from) {
        path = base_path_join(t->from, "optimizer.safetensors");
        FAIL_IF_NULL(path, "a path");
        TRY(train_load_moments(t, path));
    }
    t->recipe.model = t->model;
    t->recipe.initial = t->initial;
    t->recipe.rules = t->rules;
    t->recipe.moments = &t->moments;
    t->recipe.optimizer = train_optimizers[t->config->optim.kind];
    t->recipe.micro_batch = t->config->run.micro_batch;
    t->recipe.rank = dist_rank(t->ranks);
    t->recipe.ranks = train_ranks_count(t);
    t->recipe.shares = t->shares;
    t->recipe.blocks_from = blocks_from();
    t->pretends = !t->ranks;
    if (t->ranks)
        TRY(train_flushes(t->device, &t->flushes));
    t->recipe.recompute = t->config->run.recompute;
    t->same = base_alloc(t->config->run.batch, sizeof(*t->same));
    FAIL_IF_NULL(t->same, "a batch");
    TRY(graph_cache_create(t->device, 0, &t->programs));
    t->variants = cJSON_CreateObject();
    FAIL_IF_NULL(t->variants, "a list of kernels");
    if (t->from)
        TRY(train_read_variants(t, t->from));
fail:
    base_free(path);
    return status;
}

/* ---- the run ---- */

/* A schedule is made for the length of its run: where a run goes on with another length, the rate jumps. */
static void check_rate(const struct trainer *t, uint64_t per_epoch)
{
    struct train_config was = *t->config;
    uint64_t begun = t->begun_with[0] ? t->begun_with[0] : t->begun_with[1] * per_epoch, step = t->state.step;
    if (!t->from || begun == 0 || begun == t->steps || step >= t->steps || step == 0)
        return;
    was.run.steps = t->begun_with[0];
    struct train_rate rate = train_rate_make(&was, begun, per_epoch);
    double expected = train_rate_at(&rate, BASE_MIN(step, begun - 1)), now = train_rate_at(&t->rate, step);
    if (fabs(now - expected) <= 0.01 * t->rate.lr)
        return;
    LOG_WARN("train: the learning rate jumps from %.3g to %.3g at step %llu: optim.schedule %s was made for %llu steps "
             "and is now for %llu; to train on smoothly, begin another run from this one's model (model.init) instead",
             expected, now, (unsigned long long)step + 1,
             train_key_word(train_key_find("optim.schedule"), t->rate.schedule)->name, (unsigned long long)begun,
             (unsigned long long)t->steps);
}

static void plan_run(struct trainer *t)
{
    const struct train_config *c = t->config;
    uint64_t per_epoch = data_loader_batches_per_epoch(t->loader);
    t->steps = c->run.steps ? c->run.steps : c->run.epochs * per_epoch;
    t->rate = train_rate_make(c, t->steps, per_epoch);
    t->eval_every = c->run.eval_every > 0 ? (uint64_t)c->run.eval_every : per_epoch;
    t->mining_from = UINT64_MAX;
    if (c->loss.mining.kind != OP_MINING_NONE)
        t->mining_from = c->loss.mining.warmup_steps >= 0 ? (uint64_t)c->loss.mining.warmup_steps
                         : c->model.init                  ? 0
                                                          : per_epoch;
    t->hyper = (struct train_hyper){.betas = {c->optim.betas[0], c->optim.betas[1]},
                                    .eps = c->optim.eps,
                                    .weight_decay = c->optim.weight_decay,
                                    .momentum = c->optim.momentum,
                                    .clip_norm = c->optim.clip_norm};
    t->summary.parameters = t->model->elements;
    t->summary.steps = t->saved_at = t->state.step;
    t->summary.first_loss = t->state.first_loss;
    LOG_INFO("train: %zu samples, %llu parameters, vocabulary %u, %llu steps of %u (%.1f epochs) on %s", t->row_count,
             (unsigned long long)t->model->elements, t->model->config.text.vocab, (unsigned long long)t->steps,
             c->run.batch, (double)t->steps / (double)per_epoch, vk_device_caps(t->device)->name);
    if (c->optim.lr == 0)
        LOG_WARN("train: optim.lr is 0: the weights stay as they are, and nothing is learnt");
    check_rate(t, per_epoch);
}

/* Where a run that is to be resumed goes on. */
static enum mien_status find_start(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const char *dir = t->config->run.dir;
    if (train_leads(t))
        TRY(train_find_checkpoint(dir, &t->from, &t->state));
    TRY(train_ranks_start(t));
    if (t->from)
        LOG_INFO("train: going on from %s", t->from);
    else
        LOG_INFO("train: %s has no whole checkpoint; starting from the beginning", dir);
    FAIL_IF(
        t->from && t->state.samples && t->state.samples != t->row_count, MIEN_ERR_ARG,
        "%s: the run was begun with %llu samples to train on, now there are %zu; put the manifest back as it was, or "
        "start another run.dir",
        t->manifest->path, (unsigned long long)t->state.samples, t->row_count);
    FAIL_IF(t->from && t->state.data[0] && strcmp(t->state.data, t->data_key) != 0, MIEN_ERR_ARG,
            "%s: the run was begun with other texts, labels, numbers or boxes%s, or another order of the samples; put "
            "%s back as it was, or start another run.dir",
            t->manifest->path, t->shards ? ", with samples in other shards or pictures of other sizes" : "",
            t->shards ? "each shard" : "the manifest (and data.descriptions)");
fail:
    return status;
}

enum mien_status train_prepare(struct vk_device *device, struct trainer *trainer)
{
    enum mien_status status = MIEN_OK;
    const struct mien_train_params *params = trainer->params;
    trainer->device = device;
    TRY(train_open_data(trainer));
    if (params->resume && !params->dry_run)
        TRY(find_start(trainer));
    TRY(train_keep_tuned(trainer));
    TRY(open_model(trainer));
    TRY(resolve_precision(trainer));
    TRY(open_rules(trainer));
    TRY(train_look_open(trainer));
    if (params->resume && !params->dry_run) /* now that all is resolved */
        TRY(train_check_agrees(trainer));
    TRY(open_initial(trainer));
    TRY(open_loader(trainer));
    TRY(open_optimizer(trainer));
    TRY(data_loader_seek(trainer->loader, trainer->state.step));
    trainer->evaluates = trainer->config->data.val && trainer->config->run.eval_every >= 0;
    if (trainer->evaluates && train_leads(trainer))
        TRY(train_val_open(trainer, &trainer->val));
    plan_run(trainer);
    TRY(train_ranks_agree(trainer));
    if (!params->dry_run && train_leads(trainer)) {
        TRY(train_check_room(trainer));
        TRY(train_open_run(trainer));
    }
fail:
    return status;
}

void train_clear(struct trainer *t)
{
    train_val_close(&t->val);
    graph_cache_destroy(&t->programs);
    train_log_close(&t->log);
    data_loader_destroy(&t->loader);
    use_features_clear(&t->features);
    train_moments_destroy(&t->moments);
    nn_model_destroy(&t->initial);
    nn_model_destroy(&t->model);
    data_tokenizer_destroy(&t->tokenizer);
    cJSON_Delete(t->variants);
    if (t->device)
        vk_device_tune(t->device, NULL);
    vk_tuned_clear(&t->tuned);
    base_free(t->from);
    base_free(t->same);
    base_free(t->kept);
    base_free(t->shares);
    base_free(t->rules);
    base_free(t->head_truth);
    base_free(t->rows);
    if (t->shards)
        t->manifest = NULL; /* is theirs */
    data_shards_close(&t->shards);
    data_manifest_destroy(&t->manifest);
    train_disown(t);
    train_config_destroy(&t->config);
    *t = (struct trainer){0};
}
