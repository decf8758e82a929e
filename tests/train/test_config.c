/* Training configurations: defaults, --set, and refusals that name the key. */
#include "check.h"

#include "base/capture.h"
#include "op/mining.h"
#include "train/groups.h"
#include "mien/train.h"
#include "train/config_keys.h"
#include "train/schedule.h"

#include <stdlib.h>

static char path[256];

static enum mien_status read_text(const char *text, const char *const *sets, size_t count, struct train_config **out)
{
    CHECK_EQ(base_file_write(path, text, strlen(text)), MIEN_OK);
    capture_start();
    return train_config_read(path, sets, count, out);
}

#define MINIMAL "\"data\":{\"train\":\"t.jsonl\"},\"run\":{\"dir\":\"r\"}"

static void test_defaults(void)
{
    struct train_config *c;
    CHECK_EQ(read_text("{" MINIMAL "}", NULL, 0, &c), MIEN_OK);
    if (!c)
        return;
    CHECK(c->model.init == NULL);
    CHECK_EQ(c->model.vocab, 2048);
    CHECK_EQ(c->run.batch, 256);
    CHECK_EQ(c->run.epochs, 10);
    CHECK(c->data.shuffle);
    CHECK_NEAR(c->optim.lr, 5e-4, 0);
    CHECK_NEAR(c->data.augment.flip, 0.5, 0);
    CHECK_NEAR(c->data.augment.rotate, 6, 0);
    CHECK_EQ(c->optim.warmup_steps, -1);
    CHECK_EQ(c->loss.text, TRAIN_TEXT_BOTH);
    const char *slash = strrchr(c->data.train, '/');
    CHECK(slash && strncmp(c->data.train, path, (size_t)(slash - c->data.train)) == 0); /* beside the file */
    train_config_destroy(&c);
    CHECK(c == NULL);
}

/* Given as an object, augment is exactly what it names; the other sections merge with their defaults. */
static void test_columns(void)
{
    static const struct {
        const char *text, *set, *want;
    } cases[] = {
        {"{\"image\":\"path\",\"caption\":\"a b\",\"label\":null}", NULL, "image=path,caption=a b"},
        {"\"image=x\"", NULL, "image=x"},
        {"null", NULL, NULL},
        {"{}", NULL, NULL},
        {"{\"image\":\"path\"}", "data.columns=image=y,caption=z", "image=y,caption=z"},
        {"{\"image\":\"path\"}", "data.columns.caption=z", "image=path,caption=z"},
    };
    struct train_config *c;
    char text[400];
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        snprintf(text, sizeof(text), "{\"data\":{\"train\":\"t.csv\",\"columns\":%s},\"run\":{\"dir\":\"r\"}}",
                 cases[i].text);
        CHECK_EQ(read_text(text, &cases[i].set, cases[i].set != NULL, &c), MIEN_OK);
        if (!c)
            continue;
        CHECK(cases[i].want ? c->data.columns && strcmp(c->data.columns, cases[i].want) == 0 : !c->data.columns);
        train_config_destroy(&c);
    }
    static const char *const bad[] = {"3", "\"image\"", "{\"image\":3}", "{\"image\":\"a,b\"}", "{\"picture\":\"a\"}"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        snprintf(text, sizeof(text), "{\"data\":{\"train\":\"t.csv\",\"columns\":%s},\"run\":{\"dir\":\"r\"}}", bad[i]);
        CHECK(read_text(text, NULL, 0, &c) != MIEN_OK);
        CHECK(strstr(captured, "columns") != NULL);
    }
}

/* null, of a key or a section, in the file or a --set, is as if it were not there. */
static void test_null(void)
{
    const char *sets[] = {"optim.eps=null", "data.val=null"};
    struct train_config *c;
    CHECK_EQ(read_text("{\"data\":{\"train\":\"t.jsonl\",\"val\":\"v.jsonl\",\"augment\":null,\"shuffle\":null},"
                       "\"model\":{\"init\":\"d\",\"config\":null,\"tokenizer\":null},"
                       "\"optim\":{\"lr\":null,\"eps\":0.5,\"betas\":null,\"milestones\":null,\"groups\":null},"
                       "\"loss\":{\"local\":null,\"mining\":{\"threshold\":null,\"same_text\":null}},"
                       "\"run\":{\"dir\":\"r\",\"batch\":null,\"dump_grads\":null}}",
                       sets, 2, &c),
             MIEN_OK);
    if (!c)
        return;
    CHECK(!c->data.val && c->data.shuffle && c->run.batch == 256 && !c->run.dump_grads);
    CHECK_NEAR(c->optim.lr, 1e-5, 0); /* the default of a directory: none was given */
    CHECK_NEAR(c->optim.eps, 1e-6, 0);
    CHECK_NEAR(c->optim.betas[1], 0.98, 0);
    CHECK_NEAR(c->data.augment.rotate, 6, 0);
    CHECK_NEAR(c->loss.mining.threshold_text, 0.9, 0);
    CHECK(!c->chosen.same_text && !c->chosen.local);
    train_config_destroy(&c);
    CHECK_EQ(read_text("{" MINIMAL ",\"optim\":{\"lrr\":null}}", NULL, 0, &c), MIEN_ERR_ARG); /* still no key */
}

static void test_augment(void)
{
    struct train_config *c;
    CHECK_EQ(read_text("{\"data\":{\"train\":\"t\",\"augment\":{}},\"run\":{\"dir\":\"r\"}}", NULL, 0, &c), MIEN_OK);
    CHECK(c && c->data.augment.flip == 0 && c->data.augment.rotate == 0 && c->data.augment.crop_scale[0] == 1);
    train_config_destroy(&c);
}

static void test_given_weights(void)
{
    struct train_config *c;
    CHECK_EQ(read_text("{\"model\":{\"init\":\"m\"}," MINIMAL "}", NULL, 0, &c), MIEN_OK);
    CHECK(c && c->optim.lr == 1e-5);
    train_config_destroy(&c);
    CHECK_EQ(read_text("{\"model\":{\"init\":\"m\"},\"optim\":{\"lr\":0.1}," MINIMAL "}", NULL, 0, &c), MIEN_OK);
    CHECK(c && c->optim.lr == 0.1);
    train_config_destroy(&c);
}

static void test_sets(void)
{
    const char *const sets[] = {"run.steps=7",          "optim.betas=[0.5,0.6]",     "data.balance=label",
                                "loss.local.kind=none", "model.tokenizer.vocab=600", "data.val=here/v.jsonl"};
    struct train_config *c;
    CHECK_EQ(read_text("{" MINIMAL "}", sets, BASE_COUNT(sets), &c), MIEN_OK);
    if (!c)
        return;
    CHECK_EQ(c->run.steps, 7);
    CHECK_NEAR(c->optim.betas[1], 0.6, 0);
    CHECK_EQ(c->data.balance, TRAIN_BALANCE_LABEL);
    CHECK(c->chosen.local);
    CHECK_EQ(c->model.vocab, 600);
    CHECK_STR(c->data.val, "here/v.jsonl"); /* relative to the working directory */
    train_config_destroy(&c);
}

/* The resolved form says the same when it is read again. */
static void test_resolved(void)
{
    struct train_config *a, *b;
    CHECK_EQ(
        read_text("{\"model\":{\"config\":{\"projection_dim\":64}},\"optim\":{\"lr\":0.003}," MINIMAL "}", NULL, 0, &a),
        MIEN_OK);
    char *first = base_json_print(a->json, true);
    CHECK_EQ(read_text(first, NULL, 0, &b), MIEN_OK);
    CHECK(b && b->optim.lr == 0.003 && b->model.clip.embed == 64 && b->data.augment.flip == 0.5);
    base_free(first);
    train_config_destroy(&a);
    train_config_destroy(&b);
}

static void refuse(const char *text, enum mien_status want, const char *const *words)
{
    struct train_config *c;
    CHECK_EQ(read_text(text, NULL, 0, &c), want);
    CHECK(c == NULL);
    for (; *words; words++) {
        if (!strstr(captured, *words))
            fprintf(stderr, "message \"%s\" does not say \"%s\"\n", captured, *words);
        CHECK(strstr(captured, *words) != NULL);
    }
    train_config_destroy(&c);
}
#define REFUSE(text, want, ...) refuse(text, want, (const char *const[]){__VA_ARGS__, NULL})

static void test_refusals(void)
{
    REFUSE("{\"optim\":{\"learning_rate\":1}," MINIMAL "}", MIEN_ERR_ARG, "optim", "learning_rate");
    REFUSE("{\"optim\":{\"epss\":1}," MINIMAL "}", MIEN_ERR_ARG, "epss", "\"optim.eps\"");
    REFUSE("{\"modle\":{}," MINIMAL "}", MIEN_ERR_ARG, "modle", "\"model\"");
    REFUSE("{\"data\":{\"train\":\"t\",\"augment\":{\"blur\":1}},\"run\":{\"dir\":\"r\"}}", MIEN_ERR_ARG,
           "data.augment", "blur");
    REFUSE("{\"loss\":{\"mining\":{\"threshold\":{\"txt\":1}}}," MINIMAL "}", MIEN_ERR_ARG, "txt", "text");
    REFUSE("{\"loss\":{\"mining\":{\"threshold\":\"high\"}}," MINIMAL "}", MIEN_ERR_DATA, "threshold", "number");
    REFUSE("{\"loss\":{\"local\":{\"sentences\":5}}," MINIMAL "}", MIEN_ERR_ARG, "sentences", "1 and 4");
    REFUSE("{\"optim\":{\"groups\":[{\"lr_scale\":1}]}," MINIMAL "}", MIEN_ERR_ARG, "groups[0]", "match");
    REFUSE("{\"optim\":{\"groups\":[{\"match\":\"*\",\"lr_scale\":0}]}," MINIMAL "}", MIEN_ERR_ARG, "lr_scale",
           "freeze");
    REFUSE("{\"optim\":{\"groups\":[{\"match\":\"*\",\"frozen\":true}]}," MINIMAL "}", MIEN_ERR_ARG, "frozen");
    REFUSE("{\"loss\":{\"kind\":\"clop\"}," MINIMAL "}", MIEN_ERR_ARG, "clop", "clip", "siglip");
    REFUSE("{\"model\":{\"temporal\":{\"max_frames\":32}}," MINIMAL "}", MIEN_ERR_ARG, "data.frames.count", "31");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"precision\":\"fp16\"}}", MIEN_ERR_ARG, "fp16",
           "f32, bf16, f16");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"mixed_precision\":\"bf16\"}}", MIEN_ERR_ARG,
           "run.precision");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"batch\":0}}", MIEN_ERR_ARG, "batch");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"batch\":\"64\"}}", MIEN_ERR_DATA, "batch", "number");
    REFUSE("{\"optim\":{\"lr\":-1}," MINIMAL "}", MIEN_ERR_ARG, "lr");
    REFUSE("{\"run\":{\"dir\":\"r\"}}", MIEN_ERR_ARG, "data.train");
    REFUSE("{\"data\":{\"train\":\"t\"}}", MIEN_ERR_ARG, "run.dir");
    REFUSE("{\"optim\":{\"schedule\":\"multistep\"}," MINIMAL "}", MIEN_ERR_ARG, "milestones");
    REFUSE("{\"model\":{\"tokenizer\":{\"vocab\":100}}," MINIMAL "}", MIEN_ERR_ARG, "vocab");
    REFUSE("{\"model\":{\"config\":{\"image_size\":3}}," MINIMAL "}", MIEN_ERR_ARG, "image_size");
    REFUSE("{\"optim\":3," MINIMAL "}", MIEN_ERR_DATA, "optim", "object");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"batch\":1}}", MIEN_ERR_ARG, "run.batch is 1", "clip");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"eval_every\":5}}", MIEN_ERR_ARG, "eval_every",
           "data.val");
    REFUSE(
        "{\"data\":{\"train\":\"t\"},\"loss\":{\"local\":{\"kind\":\"filip\"}},\"run\":{\"dir\":\"r\",\"batch\":8192}}",
        MIEN_ERR_ARG, "8192", "filip", "4096");
    REFUSE("[]", MIEN_ERR_DATA, "object");
}

static void test_groups(void)
{
    static const char text[] =
        "{\"optim\":{\"kind\":\"sgd\",\"groups\":[{\"match\":\"vision_model.*\",\"lr_scale\":0.1},"
        "{\"match\":\"logit_scale\",\"freeze\":true}]},\"loss\":{\"text\":\"label\","
        "\"mining\":{\"threshold\":{\"image\":0.5}}}," MINIMAL "}";
    struct train_config *c, *again;
    CHECK_EQ(read_text(text, NULL, 0, &c), MIEN_OK);
    if (!c)
        return;
    CHECK_EQ(c->optim.groups, 2);
    CHECK_STR(c->optim.group[0].match, "vision_model.*");
    CHECK_NEAR(c->optim.group[0].lr_scale, 0.1, 0);
    CHECK(!c->optim.group[0].freeze && c->optim.group[1].freeze);
    CHECK_NEAR(c->loss.mining.threshold_text, 0.9, 0);
    CHECK_NEAR(c->loss.mining.threshold_image, 0.5, 0);
    CHECK_EQ(c->loss.mining.same_text, OP_SAME_TEXT_POSITIVE); /* labels */
    char *resolved = base_json_print(c->json, true);
    CHECK_EQ(read_text(resolved, NULL, 0, &again), MIEN_OK);
    CHECK(again && again->optim.groups == 2 && again->optim.group[1].freeze &&
          strcmp(train_optimizers[again->optim.kind]->word.name, "sgd") == 0 &&
          again->loss.mining.threshold_image == 0.5);
    base_free(resolved);
    train_config_destroy(&again);
    train_config_destroy(&c);
}

/* A temporal transformer is EmoCLIP's where it is named without sizes, and none where it is not. */
static void test_clips(void)
{
    const char *text = "{\"model\":{\"init\":\"d\",\"temporal\":{\"mlp\":7}},\"optim\":{\"groups\":[{\"match\":\"a\"},"
                       "{\"match\":\"b\",\"freeze\":false}]}," MINIMAL "}";
    struct train_config *c, *again;
    CHECK_EQ(read_text("{" MINIMAL "}", NULL, 0, &c), MIEN_OK);
    CHECK(c && c->model.temporal.layers == 0 && c->data.frames.count == 32);
    train_config_destroy(&c);
    CHECK_EQ(read_text(text, NULL, 0, &c), MIEN_OK);
    CHECK(c && c->model.temporal.layers == 2 && c->model.temporal.head_dim == 2048 && c->model.temporal.mlp == 7);
    CHECK(c && c->optim.lr == TRAIN_LR_NEW && !c->optim.group[0].thaw && c->optim.group[1].thaw);
    char *resolved = c ? base_json_print(c->json, true) : NULL;
    CHECK_EQ(read_text(resolved, NULL, 0, &again), MIEN_OK);
    CHECK(again && !again->optim.group[0].thaw && again->optim.group[1].thaw && again->model.temporal.layers == 2);
    base_free(resolved);
    train_config_destroy(&again);
    train_config_destroy(&c);
}

static void test_patterns(void)
{
    CHECK(train_matches("vision_model.*", "vision_model.post_layernorm.bias"));
    CHECK(train_matches("*.layers.?.mlp*", "text_model.encoder.layers.3.mlp.fc1.bias"));
    CHECK(train_matches("*a*b", "aab") && train_matches("*", "") && train_matches("**", "x"));
    CHECK(!train_matches("*.layers.?.mlp*", "text_model.encoder.layers.13.mlp.fc1.bias"));
    CHECK(!train_matches("vision", "vision_model") && !train_matches("?", "") && !train_matches("*ab", "abc"));
}

/* What no key has for a name, and the key that was meant: by the last part, by another name, by the whole. */
static void test_nearest(void)
{
    static const char *const pairs[][2] = {{"lr", "\"optim.lr\"?"},
                                           {"learning_rate", "\"optim.lr\"?"},
                                           {"optim.learning_rate", "\"optim.lr\"?"},
                                           {"optm.lr", "\"optim.lr\"?"},
                                           {"optim_lr", "\"optim.lr\"?"},
                                           {"batch_size", "\"run.batch\"?"},
                                           {"run.stepz", "\"run.steps\"?"},
                                           {"weight", "\"loss.local.weight\" or \"loss.mining.weight\"?"},
                                           {"loss.locl", "\"loss.local\"?"},
                                           {"mining", "\"loss.mining\"?"},
                                           {"xyzzy", "--help lists them all"}};
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        char set[64];
        const char *const sets[] = {set};
        struct train_config *c;
        snprintf(set, sizeof(set), "%s=1", pairs[i][0]);
        CHECK_EQ(read_text("{" MINIMAL "}", sets, 1, &c), MIEN_ERR_ARG);
        if (!strstr(captured, pairs[i][1]))
            fprintf(stderr, "%s: %s\n", pairs[i][0], captured);
        CHECK(captured_once(pairs[i][1]) && strstr(captured, set));
    }
    REFUSE("{\"lr\":1," MINIMAL "}", MIEN_ERR_ARG, ".json:1: unknown key \"lr\"", "\"optim.lr\"?");
}

/* What is wrong in a file is said with its line, also where keys do not fit each other. */
static void test_lines(void)
{
    REFUSE("{\n\"optim\": {\"eps\": 1e-8,\n  \"lr\": \"x\"},\n" MINIMAL "}", MIEN_ERR_DATA, ".json:3: optim: \"lr\"",
           "number");
    REFUSE("{\n\n\"opt\": {\"lr\": 1},\n" MINIMAL "}", MIEN_ERR_ARG, ".json:3: unknown key", "\"optim");
    REFUSE("{\"data\": {\"train\": \"t\"},\n \"run\": {\"dir\": \"}{\\\"\",\n\"epochs\": 1,\n\n\"batch\": 1}}",
           MIEN_ERR_ARG, ".json:5: run.batch is 1", "at least 2");
    REFUSE("{\n" MINIMAL ",\n}", MIEN_ERR_DATA, "at line 3", "column");
}

/* Names that other trainers have for it: Hugging Face's, open_clip's, Lightning's. */
static void test_other_names(void)
{
    static const char *const pairs[][2] = {{"per_device_train_batch_size", "\"run.batch\"?"},
                                           {"gradient_accumulation_steps", "\"run.micro_batch\"?"},
                                           {"num_train_epochs", "\"run.epochs\"?"},
                                           {"num_epochs", "\"run.epochs\"?"},
                                           {"lr_scheduler_type", "\"optim.schedule\"?"},
                                           {"weight_decay", "\"optim.weight_decay\"?"},
                                           {"adam_beta1", "\"optim.betas\"?"},
                                           {"max_grad_norm", "\"optim.clip_norm\"?"},
                                           {"warmup_ratio", "\"optim.warmup_steps\"?"},
                                           {"logging_steps", "\"run.log_every\"?"},
                                           {"eval_steps", "\"run.eval_every\"?"},
                                           {"save_total_limit", "\"run.keep\"?"},
                                           {"early_stopping_patience", "\"run.patience\"?"},
                                           {"dataloader_num_workers", "\"data.workers\"?"},
                                           {"model_name_or_path", "\"model.init\"?"},
                                           {"batch-size", "\"run.batch\"?"},
                                           {"train-data", "\"data.train\"?"},
                                           {"val-data", "\"data.val\"?"},
                                           {"accum-freq", "\"run.micro_batch\"?"},
                                           {"grad-checkpointing", "\"run.recompute\"?"},
                                           {"lock-image", "\"optim.groups\"?"},
                                           {"save-frequency", "\"run.checkpoint_every\"?"},
                                           {"zeroshot-frequency", "\"run.eval_every\"?"},
                                           {"accumulate_grad_batches", "\"run.micro_batch\"?"},
                                           {"gradient_clip_val", "\"optim.clip_norm\"?"},
                                           {"check_val_every_n_epoch", "\"run.eval_every\"?"},
                                           {"default_root_dir", "\"run.dir\"?"},
                                           {"max_epochs", "\"run.epochs\"?"},
                                           {"learningRate", "\"optim.lr\"?"},
                                           {"LR", "\"optim.lr\"?"}};
    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        capture_start();
        CHECK_EQ(train_key_unknown("c.json", pairs[i][0]), MIEN_ERR_ARG);
        CHECK(captured_once(pairs[i][1]) && strstr(captured, pairs[i][0]));
    }
}

/* Whatever is wrong with a --set is wrong usage, and the message names it and no file. */
static void test_bad_sets(void)
{
    static const char *const bad[] = {"run.steps",
                                      "=3",
                                      "run..steps=3",
                                      "optim.lr.x=1",
                                      "run.stepz=1",
                                      "optim.betas=[1,2",
                                      "loss.mining={\"kind\":\"hard\"",
                                      "run.steps=01",
                                      "run.steps=1e",
                                      "optim.lr=nan",
                                      "optim.lr=-Infinity",
                                      "optim.lr=.5",
                                      "optim.lr=+1",
                                      "run.steps=1 2",
                                      "data.shuffle=true false",
                                      "loss.kind=\"clip\" x",
                                      "loss.kind=\"clip",
                                      "optim.lr=1.2.3",
                                      "run.steps=",
                                      "run.steps=five",
                                      "run.steps=1.5",
                                      "run.batch=0",
                                      "data.shuffle=yes",
                                      "data.shuffle=1",
                                      "optim.betas=0.9",
                                      "optim.groups={}",
                                      "loss.kind=clop",
                                      "loss.mining.threshold=high",
                                      "loss.mining=3",
                                      "run.dir=2024",
                                      "data.train=",
                                      "model.tokenizer.vocab=9",
                                      "model.config.projection_dim=x",
                                      "data.augment={\"blur\":1}",
                                      "loss.mining={\"a\":1,\"a\":2}",
                                      "run={\"steps\":7,}"};
    struct train_config *c;
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        char blame[128];
        snprintf(blame, sizeof(blame), "--set %s", bad[i]);
        CHECK_EQ(read_text("{\"optim\":{\"lr\":1}," MINIMAL "}", &bad[i], 1, &c), MIEN_ERR_ARG);
        CHECK(c == NULL);
        if (!captured_once(blame) || strstr(captured, path))
            fprintf(stderr, "%s: %s\n", bad[i], captured);
        CHECK(captured_once(blame) && !strstr(captured, path));
    }
}

/* Words that only begin like numbers, and paths, are strings; the last of one key counts, which is said. */
static void test_good_sets(void)
{
    const char *const sets[] = {"run.dir=2024-05-01", "data.train=3d/m.jsonl", "data.val=\"17\"",
                                "optim.lr=1e-3",      "optim.lr=2e-3",         "loss.mining.tau=0.5",
                                "loss.mining={}",     "loss.kind=\"siglip\"",  "model.config={\"projection_dim\":64}"};
    struct train_config *c;
    CHECK_EQ(read_text("{" MINIMAL "}", sets, BASE_COUNT(sets), &c), MIEN_OK);
    CHECK(strstr(captured, "--set loss.mining.tau=0.5: --set loss.mining={} comes later") != NULL);
    if (!c)
        return;
    CHECK_STR(c->run.dir, "2024-05-01");
    CHECK_STR(c->data.train, "3d/m.jsonl");
    CHECK_STR(c->data.val, "17");
    CHECK_NEAR(c->optim.lr, 2e-3, 0);
    CHECK_NEAR(c->loss.mining.tau, 0.05, 0);
    CHECK_STR(train_losses[c->loss.kind]->word.name, "siglip");
    CHECK_EQ(c->model.clip.embed, 64);
    train_config_destroy(&c);
    CHECK_EQ(read_text("{" MINIMAL "}", &sets[3], 2, &c), MIEN_OK);
    CHECK(captured_once("--set optim.lr=1e-3: --set optim.lr=2e-3 comes later"));
    train_config_destroy(&c);
}

struct told {
    const char *word;
    bool found;
    size_t lines, longest;
};

static void hear(void *user, const char *line)
{
    struct told *told = user;
    told->found = told->found || strstr(line, told->word);
    told->lines++;
    told->longest = BASE_MAX(told->longest, strlen(line));
}

/* Every key has a sentence, a default that is in its range, and a place in the help; the losses found are choices. */
static void test_table(void)
{
    struct told told;
    for (const struct train_key *key = train_keys; key->name; key++) {
        CHECK(key->help && key->help[0] >= 'A' && key->help[0] <= 'Z' && key->help[strlen(key->help) - 1] != '.');
        CHECK(train_key_find(key->name) == key); /* no name stands twice */
        CHECK(!train_key_is_section(key->name));
        told = (struct told){.word = key->name};
        CHECK_EQ(mien_train_help(NULL, hear, &told), MIEN_OK);
        CHECK(told.found && told.longest <= 120);
        told = (struct told){.word = key->help};
        CHECK_EQ(mien_train_help(key->name, hear, &told), MIEN_OK);
        CHECK(told.lines >= 3 && told.longest <= 120);
        bool number = key->kind == KIND_U32 || key->kind == KIND_I32 || key->kind == KIND_NUMBER;
        const char *const parts[] = {"  takes    ", "  default  ", "  resume   ",
                                     number ? "  unit     " : "  takes    "};
        for (size_t i = 0; i < BASE_COUNT(parts); i++) {
            told = (struct told){.word = parts[i]};
            CHECK_EQ(mien_train_help(key->name, hear, &told), MIEN_OK);
            CHECK(told.found);
        }
    }
    for (uint32_t i = 0; train_losses[i]; i++) {
        told = (struct told){.word = train_losses[i]->word.name};
        CHECK_EQ(mien_train_help("loss.kind", hear, &told), MIEN_OK);
        CHECK(told.found);
    }
    told = (struct told){.word = "loss.mining.tau"};
    CHECK_EQ(mien_train_help("loss.mining", hear, &told), MIEN_OK);
    CHECK(told.found);
    told = (struct told){.word = "loss.kind"};
    CHECK_EQ(mien_train_help("loss.mining", hear, &told), MIEN_OK);
    CHECK(!told.found);
    capture_start();
    CHECK_EQ(mien_train_help("learning_rate", hear, &told), MIEN_ERR_ARG);
    CHECK(captured_once("\"optim.lr\"?"));
    CHECK_EQ(mien_train_help(NULL, NULL, NULL), MIEN_ERR_ARG);
}

static void test_rates(void)
{
    struct train_config c = {.optim = {.lr = 1, .warmup_steps = 4}};
    struct train_rate rate = train_rate_make(&c, 104, 10);
    CHECK_NEAR(train_rate_at(&rate, 0), 0.25, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 3), 1, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 4), 1, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 54), 0.5, 1e-15);
    CHECK(train_rate_at(&rate, 103) > 0 && train_rate_at(&rate, 103) < 1e-3);
    c.optim.warmup_steps = -1; /* 5 % */
    rate = train_rate_make(&c, 100, 10);
    CHECK_NEAR(train_rate_at(&rate, 0), 0.2, 1e-15);
    c.optim.schedule = TRAIN_MULTISTEP;
    c.optim.warmup_steps = 0;
    c.optim.gamma = 0.1;
    c.optim.milestones = 2;
    c.optim.milestone[0] = 2;
    c.optim.milestone[1] = 3;
    rate = train_rate_make(&c, 100, 10); /* in epochs of ten steps */
    CHECK_NEAR(train_rate_at(&rate, 19), 1, 0);
    CHECK_NEAR(train_rate_at(&rate, 20), 0.1, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 30), 0.01, 1e-15);
    c.run.steps = 100; /* then in steps */
    rate = train_rate_make(&c, 100, 10);
    CHECK_NEAR(train_rate_at(&rate, 2), 0.1, 1e-15);
}

int main(void)
{
    snprintf(path, sizeof(path), "%s/mien-test-config-%ld.json", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (long)base_clock_ns());
    capture_start();
    test_defaults();
    test_columns();
    test_null();
    test_clips();
    test_augment();
    test_given_weights();
    test_sets();
    test_resolved();
    test_refusals();
    test_groups();
    test_patterns();
    test_nearest();
    test_other_names();
    test_lines();
    test_bad_sets();
    test_good_sets();
    test_table();
    test_rates();
    remove(path);
    return check_result();
}
