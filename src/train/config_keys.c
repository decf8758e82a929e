/* config_keys.c: every key of a training configuration: where it goes, its range, its choices. */
#include "train/config_keys.h"

#define AT TRAIN_AT
#define BIT TRAIN_BIT
#define BIG 1e30

static const char *const loss_kinds[] = {"clip", "siglip", NULL};
static const char *const texts[] = {"both", "global", "summary", "caption", "label", NULL};
static const char *const locals[] = {"pooled", "none", "sentence", "filip", NULL};
static const char *const minings[] = {"none", "hard", "soft", "ignore", NULL};
static const char *const picks[] = {"random", "first", "rotate", NULL};
static const char *const guides[] = {"crossmodal", "text", "image", "both", NULL};
static const char *const sources[] = {"batch", "frozen", NULL};
static const char *const same_texts[] = {"negative", "positive", "ignore", NULL};
static const char *const balances[] = {"none", "label", NULL};
static const char *const resizes[] = {"pil", "torch", NULL};
static const char *const optimizers[] = {"adamw", "sgd", NULL};
static const char *const schedules[] = {"cosine", "constant", "multistep", NULL};
static const char *const precisions[] = {"f32", "bf16", "f16", NULL};

static const struct train_key model_keys[] = {
    {"init", KIND_OWN},       {"config", KIND_OWN}, {"tokenizer", KIND_OWN},
    {"temporal", KIND_LATER}, {"head", KIND_LATER}, {0},
};
static const struct train_key data_keys[] = {
    {"train", KIND_PATH, AT(data.train)},
    {"val", KIND_PATH, AT(data.val)},
    {"shuffle", KIND_BOOL, AT(data.shuffle)},
    {"balance", KIND_CHOICE, AT(data.balance), .choices = balances, .served = ~0u},
    {"workers", KIND_U32, AT(data.workers), 0, 256},
    {"max_bad", KIND_NUMBER, AT(data.max_bad), 0, 1},
    {"augment", KIND_OBJECT},
    {"resize", KIND_CHOICE, AT(data.resize), .choices = resizes, .served = ~0u},
    {"frames", KIND_LATER},
    {0},
};
static const struct train_key augment_keys[] = {
    {"crop_scale", KIND_PAIR, AT(data.augment.crop_scale), 0.01, 1},
    {"flip", KIND_NUMBER, AT(data.augment.flip), 0, 1},
    {"rotate", KIND_NUMBER, AT(data.augment.rotate), 0, 180},
    {"jitter", KIND_NUMBER, AT(data.augment.jitter), 0, 1},
    {0},
};
static const struct train_key loss_keys[] = {
    {"kind", KIND_CHOICE, AT(loss.kind), .choices = loss_kinds, .served = ~0u},
    {"text", KIND_CHOICE, AT(loss.text), .choices = texts, .served = ~0u},
    {"local", KIND_OBJECT},
    {"mining", KIND_OBJECT},
    {0},
};
static const struct train_key local_keys[] = {
    {"kind", KIND_CHOICE, AT(loss.local.kind), .choices = locals, .served = ~0u},
    {"weight", KIND_NUMBER, AT(loss.local.weight), 0, 1e6},
    {"sentences", KIND_U32, AT(loss.local.sentences), 1, 4},
    {"pick", KIND_CHOICE, AT(loss.local.pick), .choices = picks, .served = ~0u},
    {"tau", KIND_NUMBER, AT(loss.local.tau), 1e-4, 1e4},
    {0},
};
static const struct train_key mining_keys[] = {
    {"kind", KIND_CHOICE, AT(loss.mining.kind), .choices = minings, .served = ~0u},
    {"guide", KIND_CHOICE, AT(loss.mining.guide), .choices = guides, .served = ~0u},
    {"threshold", KIND_THRESHOLD, AT(loss.mining.threshold_text), -1e3, 1e3},
    {"top_k", KIND_U32, AT(loss.mining.top_k), 0, 65536},
    {"weight", KIND_NUMBER, AT(loss.mining.weight), 0, 1},
    {"tau", KIND_NUMBER, AT(loss.mining.tau), 1e-4, 1e4},
    {"warmup_steps", KIND_I32, AT(loss.mining.warmup), -1, 2e9},
    {"source", KIND_CHOICE, AT(loss.mining.source), .choices = sources, .served = ~0u},
    {"same_text", KIND_CHOICE, AT(loss.mining.same_text), .choices = same_texts, .served = ~0u},
    {0},
};
static const struct train_key optim_keys[] = {
    {"kind", KIND_CHOICE, AT(optim.kind), .choices = optimizers, .served = ~0u},
    {"lr", KIND_NUMBER, AT(optim.lr), 0, 1e3},
    {"betas", KIND_PAIR, AT(optim.betas), 0, 0.999999999},
    {"eps", KIND_NUMBER, AT(optim.eps), 0, 1},
    {"weight_decay", KIND_NUMBER, AT(optim.weight_decay), 0, 1e3},
    {"momentum", KIND_NUMBER, AT(optim.momentum), 0, 0.999999999},
    {"clip_norm", KIND_NUMBER, AT(optim.clip_norm), 0, BIG},
    {"schedule", KIND_CHOICE, AT(optim.schedule), .choices = schedules, .served = ~0u},
    {"warmup_steps", KIND_I32, AT(optim.warmup), -1, 2e9},
    {"milestones", KIND_LIST, AT(optim.milestones)},
    {"gamma", KIND_NUMBER, AT(optim.gamma), 0, 1e3},
    {"groups", KIND_GROUPS},
    {0},
};
static const struct train_key run_keys[] = {
    {"dir", KIND_PATH, AT(run.dir)},
    {"steps", KIND_U32, AT(run.steps), 0, 2e9},
    {"epochs", KIND_U32, AT(run.epochs), 0, 1e6},
    {"batch", KIND_U32, AT(run.batch), 1, 65536},
    {"micro_batch", KIND_U32, AT(run.micro_batch), 0, 65536},
    {"recompute", KIND_BOOL, AT(run.recompute)},
    {"precision", KIND_CHOICE, .choices = precisions, .served = BIT(0), .at = SIZE_MAX},
    {"seed", KIND_U32, AT(run.seed), 0, 4294967295.0},
    {"log_every", KIND_U32, AT(run.log_every), 1, 1e9},
    {"eval_every", KIND_U32, AT(run.eval_every), 0, 2e9},
    {"checkpoint_every", KIND_U32, AT(run.checkpoint_every), 0, 2e9},
    {"checkpoint_minutes", KIND_NUMBER, AT(run.checkpoint_minutes), 0, BIG},
    {"keep", KIND_U32, AT(run.keep), 1, 1e9},
    {"dump_grads", KIND_PATH, AT(run.dump_grads)},
    {0},
};
static const struct train_key top_keys[] = {
    {"model", KIND_OBJECT}, {"data", KIND_OBJECT}, {"loss", KIND_OBJECT},
    {"optim", KIND_OBJECT}, {"run", KIND_OBJECT},  {0},
};

const struct train_section train_sections[] = {
    {"", top_keys},
    {"model", model_keys},
    {"data", data_keys},
    {"data.augment", augment_keys},
    {"loss", loss_keys},
    {"loss.local", local_keys},
    {"loss.mining", mining_keys},
    {"optim", optim_keys},
    {"run", run_keys},
    {NULL, NULL},
};
