/* config_keys.c: every key of a training configuration: where it goes, its default, range and meaning. */
#include "train/config_keys.h"
#include "train/events.h"

#include <string.h>

#define BIG 1e30

#define KEY(member, key_kind) .name = #member, .kind = key_kind, .at = offsetof(struct train_config, member)
#define PATH(member) KEY(member, KIND_PATH)
#define TEXT(member) KEY(member, KIND_TEXT)
#define NUMBER(member, text, least, most) KEY(member, KIND_NUMBER), .value = text, .low = least, .high = most
#define WHOLE(member, text, least, most) KEY(member, KIND_U32), .value = text, .low = least, .high = most
#define SIGNED(member, text, least, most) KEY(member, KIND_I32), .value = text, .low = least, .high = most
#define BOOL(member, text) KEY(member, KIND_BOOL), .value = text
#define CHOICE(member, text, list) KEY(member, KIND_CHOICE), .value = text, .words = list
#define FOUND(member, text, nth) KEY(member, KIND_CHOICE), .value = text, .word = nth
#define PAIR(member, text, least, most) KEY(member, KIND_PAIR), .value = text, .low = least, .high = most
#define OWN(key, text, its) .name = key, .kind = KIND_OWN, .value = text, .form = &its

/* ---- words: the order is that of the enums in config.h and op.h ---- */

static const struct train_word balances[] = {
    {"none", "rows as often as they are"},
    {"label", "labels equally often"},
    {0},
};
static const struct train_word resizes[] = {
    {"pil", "as Pillow does, with antialiasing"},
    {"torch", "as torch resizes tensors, without antialiasing"},
    {0},
};
static const struct train_word texts[] = {
    {"both", "the global caption and the summary, each a level"},
    {"global", "the global caption"},
    {"summary", "the summary"},
    {"caption", "the whole caption"},
    {"label", "the label's word"},
    {0},
};
static const struct train_word picks[] = {
    {"random", "any of a row's sentences"},
    {"first", "the first ones"},
    {"rotate", "the next ones from epoch to epoch"},
    {0},
};
static const struct train_word minings[] = {
    {"none", "each image has its own text alone"},
    {"hard", "similar pairs are positives, all alike"},
    {"soft", "similar pairs share loss.mining.weight by their similarity"},
    {"ignore", "similar pairs are left out of the denominator"},
    {0},
};
static const struct train_word guides[] = {
    {"crossmodal", "an image's further texts by the texts, a text's further images by the images"},
    {"text", "the texts"},
    {"image", "the images"},
    {"both", "the mean of the two"},
    {0},
};
static const struct train_word sources[] = {
    {"batch", "those of the weights under training"},
    {"frozen", "those of the weights that the run began with"},
    {0},
};
static const struct train_word same_texts[] = {
    {"negative", "are like others: left to the threshold"},
    {"positive", "are positives always"},
    {"ignore", "are left out of the denominator"},
    {0},
};
static const struct train_word schedules[] = {
    {"cosine", "to 0 over the rest of the run"},
    {"constant", "as it is"},
    {"multistep", "times optim.gamma at each of optim.milestones"},
    {0},
};
static const struct train_word heads[] = {
    {"none", "there is none"},
    {"regression", "numbers, standardised by the training split"},
    {"classes", "one of the labels"},
    {0},
};
static const struct train_word head_losses[] = {
    {"mse", "the mean square of the error"},
    {"rmse", "its root"},
    {"ccc", "1 - concordance, the mean over the targets"},
    {"ce", "cross entropy, of classes"},
    {0},
};
static const struct train_word samplings[] = {
    {"uniform", "at equal spacing, the same ones each time, as evaluation does"},
    {"random", "any, in their order"},
    {"emoclip", "every data.frames.stride-th; of these so many in a row from a random one on, as EmoCLIP does"},
    {0},
};
static const struct train_word precisions[] = {
    {"f32", "single precision"},
    {"bf16", "16 bits with the range of f32"},
    {"f16", "16 bits with finer steps and less range; the loss is scaled, and the few steps whose gradients overflow "
            "are left out"},
    {"auto",
     "bf16 on GPUs with matrix units, f16 where theirs take no bf16, f32 elsewhere and where the model's widths "
     "are no multiples of 4; a run keeps what it was begun with"},
    {0},
};

static const struct train_word *nth_loss(uint32_t i)
{
    return train_losses[i] ? &train_losses[i]->word : NULL;
}

static const struct train_word *nth_local(uint32_t i)
{
    return train_locals[i] ? &train_locals[i]->word : NULL;
}

static const struct train_word *nth_optimizer(uint32_t i)
{
    return train_optimizers[i] ? &train_optimizers[i]->word : NULL;
}

/* ---- keys ---- */

const struct train_key train_keys[] = {
    {OWN("model.init", "scratch", train_form_init),
     .also = "weights pretrained from pretrained_model model_name_or_path finetune checkpoint backbone",
     .help = "What to start from: a model directory, or scratch"},
    {OWN("model.config", "{}", train_form_clip), .also = "architecture sizes model_config arch",
     .help = "Sizes of a model from scratch, as in Hugging Face's CLIPConfig; what is left out takes its defaults"},
    {OWN("model.tokenizer", "{\"vocab\": 2048}", train_form_tokenizer),
     .also = "vocab vocabulary vocab_size tokenizer_name",
     .help = "Of a model from scratch: a directory's, or a vocabulary of so many tokens learnt from the captions"},
    {WHOLE(model.temporal.layers, "0", 0, 1024), .left = "2", .also = "depth num_layers", .unit = "blocks",
     .help =
         "The transformer over a clip's frames; 0 is none: the mean of the frames; 2 where model.temporal is given"},
    {WHOLE(model.temporal.heads, "8", 1, 65536), .also = "num_heads", .unit = "heads",
     .help = "Of the temporal transformer's attention"},
    {WHOLE(model.temporal.head_dim, "2048", 1, 65536), .also = "dim_head", .help = "The width of such a head"},
    {WHOLE(model.temporal.mlp, "512", 1, 1e6), .also = "mlp_dim feedforward",
     .help = "The inner width of its feed-forward part"},
    {WHOLE(model.temporal.max_frames, "1024", 2, 1e6), .also = "num_positions", .unit = "positions",
     .help = "Rows of its position embedding: one more than the frames that a clip may have"},
    {CHOICE(model.head.kind, "none", heads), .left = "regression",
     .help = "A head on the embedding of a picture or clip: a hidden layer, then the targets"},
    {OWN("model.head.targets", "[]", train_form_targets), .also = "outputs num_classes labels",
     .help = "Their names: of a row's \"targets\", valence, arousal or an action unit; or labels; by default all that "
             "rows have"},
    {WHOLE(model.head.hidden, "256", 1, 65536), .also = "hidden_size width", .unit = "units",
     .help = "The width of its hidden layer"},
    {CHOICE(model.head.loss, "mse", head_losses), .help = "Its loss; by default ce for classes"},
    {NUMBER(model.head.weight, "1", 0, 1e6), .also = "alpha",
     .help = "Its share of the objective beside the contrastive loss; 0 trains the head alone, without texts"},

    {PATH(data.train), .required = true, .also = "manifest dataset train_data train_file train_dataset train_manifest",
     .help =
         "The manifest to train on, or shards: tar files in WebDataset's layout, x-{000000..000012}.tar, which a shell "
         "leaves alone within quotes"},
    {PATH(data.val), .also = "validation val_data validation_file val_dataset eval_dataset val_manifest",
     .help = "The manifest to evaluate on meanwhile, once an epoch unless run.eval_every says otherwise: its rows of "
             "split val, or without one"},
    {OWN("data.columns", NULL, train_form_columns), .also = "csv_img_key csv_caption_key column header",
     .help = "Of manifests that are tables, and of shards' json: which column or key holds what, by other names"},
    {TEXT(data.leave_out), .also = "exclude holdout",
     .help = "A label whose rows leave training, for eval --task leave-one-out"},
    {PATH(data.descriptions), .also = "class_descriptions",
     .help = "JSON, {\"label\": \"text\" or [\"text\", ...]}: what loss.text label takes in place of a label's word"},
    {BOOL(data.shuffle, "true"), .help = "Whether the order of samples changes from epoch to epoch"},
    {WHOLE(data.shuffle_buffer, "1000", 1, 1000000), .also = "shuffle_buffer_size shuffle_size buffer",
     .unit = "samples",
     .help = "Of shards with data.shuffle: so many are read ahead, and the next one is drawn from these; the shards' "
             "order changes too. 1 leaves a shard's samples as they are"},
    {CHOICE(data.balance, "none", balances), .also = "sampler weighted balanced class_weights",
     .help = "How often rows are drawn"},
    {WHOLE(data.workers, "2", 0, 256), .also = "num_workers threads dataloader_num_workers", .unit = "threads",
     .help = "Threads that decode pictures; 0 decodes between the steps"},
    {BOOL(data.jpeg_draft, "false"), .also = "draft scaled_decoding dct_scaling reducing_gap",
     .help = "Whether a JPEG is decoded at 1/2, 1/4 or 1/8 where twice the pixels that its smallest crop is resized to "
             "remain: faster, pixels near the exact ones; needs libjpeg-turbo"},
    {NUMBER(data.max_bad, "0.01", 0, 1), .unit = "share of the samples",
     .help = "How many samples may be missing or corrupt before training fails"},
    {PAIR(data.augment.crop_scale, "[0.9, 1]", 0.01, 1), .left = "[1, 1]", .also = "random_resized_crop scale",
     .unit = "share of the area", .help = "The smallest and the largest random crop; [1, 1] is none"},
    {NUMBER(data.augment.flip, "0.5", 0, 1), .left = "0", .also = "hflip mirror", .unit = "probability",
     .help = "How often a picture is mirrored; never where its caption says left or right"},
    {NUMBER(data.augment.rotate, "6", 0, 180), .left = "0", .also = "rotation", .unit = "degrees to each side",
     .help = "The largest random rotation"},
    {NUMBER(data.augment.jitter, "0", 0, 1), .left = "0", .also = "color_jitter brightness contrast",
     .unit = "share of the value", .help = "The largest random change of brightness and contrast"},
    {CHOICE(data.resize, "pil", resizes), .also = "interpolation",
     .help = "How pictures are resized; by default as the directory of model.init says"},
    {WHOLE(data.frames.count, "32", 1, 65535), .also = "clip_len num_frames", .unit = "frames",
     .help = "How many frames of a clip a step uses, and evaluation afterwards"},
    {WHOLE(data.frames.stride, "4", 1, 65536), .also = "downsample", .unit = "frames",
     .help = "Of the sampling emoclip: every how-manyth frame is looked at"},
    {CHOICE(data.frames.sampling, "uniform", samplings), .help = "Which frames of a clip they are"},

    {FOUND(loss.kind, "clip", nth_loss), .also = "loss_type criterion loss_fn siglip",
     .help = "The loss of images and texts"},
    {CHOICE(loss.text, "both", texts), .also = "captions", .help = "Which texts of a row images are compared with"},
    {FOUND(loss.local.kind, "pooled", nth_local), .also = "branch",
     .help = "The local branch, over local sentences; by default none where no row has any"},
    {NUMBER(loss.local.weight, "1", 0, 1e6), .help = "The local branch's share of the objective beside the global one"},
    {WHOLE(loss.local.sentences, "1", 1, 4), .unit = "sentences", .help = "How many of a row's sentences a step uses"},
    {CHOICE(loss.local.pick, "random", picks), .help = "Which of them"},
    {NUMBER(loss.local.tau, "0.07", 1e-4, 1e4), .also = "temperature",
     .help = "The temperature of the attention over image regions of loss.local.kind pooled"},
    {CHOICE(loss.mining.kind, "none", minings), .help = "What becomes of pairs that are similar beside an image's own"},
    {CHOICE(loss.mining.guide, "crossmodal", guides), .help = "What similarity is measured by"},
    {OWN("loss.mining.threshold", "0.9", train_form_threshold), .low = -1e3, .high = 1e3, .unit = "cosine",
     .help = "The similarity from which pairs are mined"},
    {WHOLE(loss.mining.top_k, "8", 0, 65536), .also = "k", .unit = "pairs",
     .help = "The most pairs that are mined for one image or text, the most similar ones; 0 is no limit"},
    {NUMBER(loss.mining.weight, "0.3", 0, 1), .also = "alpha",
     .help = "Of loss.mining.kind soft: the share of the target that mined pairs have"},
    {NUMBER(loss.mining.tau, "0.05", 1e-4, 1e4), .also = "temperature",
     .help = "Of loss.mining.kind soft: the temperature of the softmax over similarities"},
    {SIGNED(loss.mining.warmup_steps, "-1", -1, 2e9), .also = "warmup", .unit = "steps",
     .help = "Steps before mining begins; -1 is one epoch from scratch and none from a directory"},
    {CHOICE(loss.mining.source, "batch", sources), .help = "Whose features similarity is measured by"},
    {CHOICE(loss.mining.same_text, "negative", same_texts),
     .help = "What pairs with the same text are; by default positive where loss.text is label"},

    {FOUND(optim.kind, "adamw", nth_optimizer), .also = "optimizer optimiser opt", .help = "The optimiser"},
    {NUMBER(optim.lr, "5e-4", 0, 1e3), .also = "learning_rate rate base_lr max_lr peak_lr",
     .help = "The learning rate at its highest; by default 1e-5 where model.init is a directory"},
    {PAIR(optim.betas, "[0.9, 0.98]", 0, 0.999999999), .also = "beta1 beta2 beta adam_beta1 adam_beta2",
     .help = "Of adamw: how much of the gradient's and of its square's running mean is kept from step to step"},
    {NUMBER(optim.eps, "1e-6", 0, 1), .also = "epsilon adam_eps adam_epsilon",
     .help = "Of adamw: added to the denominator"},
    {NUMBER(optim.weight_decay, "0.2", 0, 1e3), .also = "wd decay l2",
     .help = "How much weights shrink in a step, times the rate; not vectors, scalars, positions and class tokens"},
    {NUMBER(optim.momentum, "0.9", 0, 0.999999999), .help = "Of sgd: how much of the last step is kept"},
    {NUMBER(optim.clip_norm, "1", 0, BIG),
     .also = "grad_clip max_grad_norm grad_clip_norm clip gradient_clip_val gradient_clipping max_norm",
     .help = "The largest norm of all gradients together; larger ones are scaled down; 0 is no limit"},
    {CHOICE(optim.schedule, "cosine", schedules), .also = "scheduler lr_scheduler lr_scheduler_type lr_schedule sched",
     .help = "How the rate goes on after the warm-up"},
    {SIGNED(optim.warmup_steps, "-1", -1, 2e9), .also = "warmup warmup_ratio warmup_epochs num_warmup_steps",
     .unit = "steps", .help = "Steps over which the rate rises from 0; -1 is 5 % of the run"},
    {OWN("optim.milestones", "[]", train_form_milestones), .also = "steps_at decay_steps lr_milestones",
     .unit = "epochs, or steps where run.steps is set", .help = "Of the schedule multistep: when the rate is lowered"},
    {NUMBER(optim.gamma, "0.1", 0, 1e3), .also = "lr_decay", .help = "Of the schedule multistep: the factor"},
    {OWN("optim.groups", "[]", train_form_groups),
     .also = "param_groups parameter_groups freeze lr_scale layer_decay lock_image lock_text lr_mult",
     .help = "Parameters with a rate of their own, or frozen, by patterns of names; the first that matches wins"},

    {PATH(run.dir), .required = true, .also = "output out output_dir logs save_dir default_root_dir log_dir",
     .help = "The directory for the results", .may_change = true},
    {WHOLE(run.steps, "0", 0, 2e9),
     .also = "max_steps num_steps iterations max_iters train_steps total_steps num_training_steps", .unit = "steps",
     .may_change = true, .help = "The length of the run; 0 is as run.epochs says"},
    {WHOLE(run.epochs, "10", 0, 1e6), .also = "num_epochs max_epochs num_train_epochs n_epochs", .unit = "epochs",
     .may_change = true, .help = "The length of the run where run.steps is 0"},
    {WHOLE(run.batch, "256", 1, 65536), .also = "batch_size bs per_device_train_batch_size train_batch_size",
     .unit = "images", .help = "Images of a step, among whose texts each picks its own"},
    {WHOLE(run.micro_batch, "0", 0, 65536),
     .also = "micro_batch_size accumulation accum_freq gradient_accumulation_steps accumulate_grad_batches",
     .unit = "images",
     .help = "Images whose activations are in memory at a time; the loss still sees the whole batch; 0 is all"},
    {OWN("run.shares", "[]", train_form_shares), .also = "rank_weights device_weights load_balance tensor_split",
     .may_change = true,
     .help =
         "Of several ranks: how much of run.batch each takes, for devices that are not equally fast, [2,1] say; [] is "
         "equal shares, which alone give the same bits whatever the number of ranks"},
    {BOOL(run.recompute, "false"),
     .also = "grad_checkpointing gradient_checkpointing checkpointing activation_checkpointing",
     .help =
         "Whether activations are made again for the backward pass instead of kept: less memory, a third more time"},
    {CHOICE(run.precision, "auto", precisions),
     .also = "dtype amp fp16 bf16 mixed_precision half float16 bfloat16 torch_dtype autocast",
     .help = "How transformer blocks store their activations, and the gradients of these, on any device; on matrix "
             "units, where there are any for that type, products round what they multiply to it; weights, sums and "
             "losses are f32 always"},
    {WHOLE(run.seed, "0", 0, 4294967295.0), .also = "random_seed manual_seed", .help = "The seed of everything random"},
    {WHOLE(run.log_every, "1", 1, 1e9), .also = "log_interval log_every_n_steps logging_steps print_freq",
     .unit = "steps", .may_change = true, .help = "How often a step is written to log.jsonl"},
    {SIGNED(run.eval_every, "0", -1, 2e9),
     .also = "val_every val_frequency eval_steps eval_interval eval_strategy evaluation_strategy val_check_interval "
             "check_val_every_n_epoch zeroshot_frequency",
     .unit = "steps",
     .help =
         "How often the model is evaluated on data.val, and the best one kept in best/; 0 is once an epoch, -1 never"},
    {WHOLE(run.patience, "0", 0, 1e9), .also = "early_stopping_patience early_stopping early_stop",
     .unit = "evaluations", .may_change = true,
     .help = "After how many evaluations on data.val without a better one the run ends early; 0 is never"},
    {WHOLE(run.checkpoint_every, "0", 0, 2e9),
     .also = "save_every save_frequency save_steps save_strategy every_n_train_steps", .unit = "steps",
     .help = "How often a checkpoint is written; 0 is by time alone"},
    {NUMBER(run.checkpoint_minutes, "10", 0, BIG), .unit = "minutes",
     .help = "How often a checkpoint is written; 0 is by steps alone"},
    {WHOLE(run.keep, "2", 1, 1e9), .also = "keep_last save_total_limit save_top_k max_to_keep", .unit = "checkpoints",
     .may_change = true, .help = "How many of the newest checkpoints are kept"},
    {BOOL(run.tensorboard, "false"), .also = "tensorboard tensorboard_dir report_to use_tensorboard log_to_tensorboard",
     .may_change = true,
     .help = "Whether what log.jsonl holds is written for TensorBoard too, into " TRAIN_EVENTS_NAME " beside it"},
    {PATH(run.dump_grads), .help = "A file for the gradients of step 1, before clipping"},
    {0},
};

/* ---- names ---- */

const char *train_key_last(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

const struct train_key *train_key_find(const char *name)
{
    for (const struct train_key *key = train_keys; key->name; key++) {
        if (strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

bool train_key_is_section(const char *name)
{
    size_t length = strlen(name);
    for (const struct train_key *key = train_keys; key->name && length > 0; key++) {
        if (strncmp(key->name, name, length) == 0 && key->name[length] == '.')
            return true;
    }
    return false;
}

const struct train_word *train_key_word(const struct train_key *key, uint32_t index)
{
    if (key->word)
        return key->word(index);
    return key->words[index].name ? &key->words[index] : NULL;
}
