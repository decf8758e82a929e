/* Training configurations: defaults, --set, and refusals that name the key. */
#include "check.h"

#include "base/capture.h"
#include "op/mining.h"
#include "train/groups.h"
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
    CHECK_EQ(c->optim.warmup, -1);
    CHECK_EQ(c->loss.text, TRAIN_TEXT_BOTH);
    const char *slash = strrchr(c->data.train, '/');
    CHECK(slash && strncmp(c->data.train, path, (size_t)(slash - c->data.train)) == 0); /* beside the file */
    train_config_destroy(&c);
    CHECK(c == NULL);
}

/* Given as an object, augment is exactly what it names; the other sections merge with their defaults. */
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
    REFUSE("{\"optim\":{\"epss\":1}," MINIMAL "}", MIEN_ERR_ARG, "epss", "\"eps\"");
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
    REFUSE("{\"loss\":{\"kind\":\"clop\"}," MINIMAL "}", MIEN_ERR_ARG, "clop", "clip, siglip");
    REFUSE("{\"model\":{\"temporal\":{}}," MINIMAL "}", MIEN_ERR_ARG, "temporal", "not supported");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"precision\":\"f16\"}}", MIEN_ERR_ARG, "f16");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"batch\":0}}", MIEN_ERR_ARG, "batch");
    REFUSE("{\"data\":{\"train\":\"t\"},\"run\":{\"dir\":\"r\",\"batch\":\"64\"}}", MIEN_ERR_DATA, "batch", "number");
    REFUSE("{\"optim\":{\"lr\":-1}," MINIMAL "}", MIEN_ERR_ARG, "lr");
    REFUSE("{\"run\":{\"dir\":\"r\"}}", MIEN_ERR_ARG, "data.train");
    REFUSE("{\"data\":{\"train\":\"t\"}}", MIEN_ERR_ARG, "run.dir");
    REFUSE("{\"optim\":{\"schedule\":\"multistep\"}," MINIMAL "}", MIEN_ERR_ARG, "milestones");
    REFUSE("{\"model\":{\"tokenizer\":{\"vocab\":100}}," MINIMAL "}", MIEN_ERR_ARG, "vocab");
    REFUSE("{\"model\":{\"config\":{\"image_size\":3}}," MINIMAL "}", MIEN_ERR_ARG, "image_size");
    REFUSE("{\"optim\":3," MINIMAL "}", MIEN_ERR_DATA, "optim", "object");
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
    CHECK(again && again->optim.groups == 2 && again->optim.group[1].freeze && again->optim.kind == TRAIN_SGD &&
          again->loss.mining.threshold_image == 0.5);
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

static void test_bad_sets(void)
{
    static const char *const bad[] = {"run.steps", "=3", "run..steps=3", "optim.lr.x=1", "run.stepz=1"};
    struct train_config *c;
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        CHECK_EQ(read_text("{\"optim\":{\"lr\":1}," MINIMAL "}", &bad[i], 1, &c), MIEN_ERR_ARG);
        CHECK(c == NULL);
    }
}

static void test_rates(void)
{
    struct train_config c = {.optim = {.lr = 1, .warmup = 4}};
    struct train_rate rate = train_rate_make(&c, 104, 10);
    CHECK_NEAR(train_rate_at(&rate, 0), 0.25, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 3), 1, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 4), 1, 1e-15);
    CHECK_NEAR(train_rate_at(&rate, 54), 0.5, 1e-15);
    CHECK(train_rate_at(&rate, 103) > 0 && train_rate_at(&rate, 103) < 1e-3);
    c.optim.warmup = -1; /* 5 % */
    rate = train_rate_make(&c, 100, 10);
    CHECK_NEAR(train_rate_at(&rate, 0), 0.2, 1e-15);
    c.optim.schedule = TRAIN_MULTISTEP;
    c.optim.warmup = 0;
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
    test_augment();
    test_given_weights();
    test_sets();
    test_resolved();
    test_refusals();
    test_groups();
    test_patterns();
    test_bad_sets();
    test_rates();
    remove(path);
    return check_result();
}
