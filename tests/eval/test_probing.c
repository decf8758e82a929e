/* Linear probe, few-shot and folds on an untrained model: each number against the same worked out here from raw
 * embeddings. That the fits are scikit-learn's is test_probe.c's. */
#include "check.h"

#include "eval/raw.h"

#include "eval/probe.h"
#include "use/metrics.h"

static int32_t truth[TINY_IMAGES];
static double weights[3 * (RAW_WIDTH + 1)];

/* Class i % 3 with a third of them mislabelled, so that nothing is perfect; 16 rows of train, 8 of test. */
static int class_of(int i)
{
    return 7 * i % 11 < 4 ? (i + 1) % 3 : i % 3;
}

static const char *by_split(int i, char *b, size_t size)
{
    snprintf(b, size, "\"label\":\"%s\",\"split\":\"%s\"", labels[class_of(i)], i < 16 ? "train" : "test");
    return b;
}

/* Folds 1, 2, 3 and none; subjects of four rows each. */
static const char *by_fold(int i, char *b, size_t size)
{
    int at = snprintf(b, size, "\"label\":\"%s\",\"subject\":\"s%d\"", labels[class_of(i)], i / 4);
    if (i % 8 != 7)
        snprintf(b + at, size - (size_t)at, ",\"fold\":%d", 1 + i % 8 % 3);
    return b;
}

static struct eval_samples samples_of(uint32_t *rows, size_t count)
{
    return (struct eval_samples){
        .x = raw[0], .rows = rows, .truth = truth, .count = count, .width = RAW_WIDTH, .classes = 3};
}

/* Fits to rows where test[i] != fold and adds the others to the matrix. */
static double fold_by_hand(const int *test, int fold, struct use_confusion *all, double *uar)
{
    uint32_t rows[TINY_IMAGES];
    size_t n = 0;
    double c = 0;
    struct use_confusion one;
    for (uint32_t i = 0; i < TINY_IMAGES; i++)
        if (test[i] != fold)
            rows[n++] = i;
    const struct eval_samples s = samples_of(rows, n);
    CHECK_EQ(eval_logistic_sweep(&s, &c, weights), MIEN_OK);
    CHECK_EQ(use_confusion_create(3, &one), MIEN_OK);
    for (uint32_t i = 0; i < TINY_IMAGES; i++)
        if (test[i] == fold)
            use_confusion_add(&one, (uint32_t)truth[i], eval_logistic_class(weights, 3, RAW_WIDTH, raw[i]));
    *uar = use_uar(&one);
    for (int i = 0; i < 9; i++)
        all->counts[i] += one.counts[i];
    use_confusion_destroy(&one);
    return c;
}

static void check_matrix(const struct mien_result *r, const struct use_confusion *all)
{
    for (int i = 0; i < 9; i++) {
        char place[32];
        snprintf(place, sizeof(place), "confusion.%d.%d", i / 3, i % 3);
        CHECK_EQ(look(r, place), all->counts[i]);
    }
    CHECK_NEAR(look(r, "uar"), use_uar(all), 1e-12);
    CHECK_NEAR(look(r, "war"), use_war(all), 1e-12);
}

static void test_split(void)
{
    const struct mien_eval_params params = {.size = sizeof params, .task = "linear-probe", .manifest = "p.jsonl"};
    struct mien_result *r = NULL;
    struct use_confusion all;
    int test[TINY_IMAGES];
    double uar;
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i < 16 ? -1 : 0;
    CHECK(raw_manifest("p.jsonl", by_split));
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(use_confusion_create(3, &all), MIEN_OK);
    double c = fold_by_hand(test, 0, &all, &uar);
    check_matrix(r, &all);
    CHECK_EQ(look(r, "c.0"), c);
    CHECK_EQ(look(r, "n"), 8);
    CHECK_NEAR(look(r, "uar_mean"), uar, 1e-12);
    CHECK(isnan(look(r, "uar_deviation")) && strcmp(look_text(r, "split"), "test") == 0);
    CHECK(look(r, "uar_interval.0") <= uar && look(r, "uar_interval.1") >= uar);
    CHECK(raw_round_trip(r, "Linear probe"));
    use_confusion_destroy(&all);
    mien_result_destroy(&r);
}

static void test_folds(void)
{
    struct mien_eval_params params = {.size = sizeof params, .task = "linear-probe", .manifest = "f.jsonl"};
    struct mien_result *r = NULL;
    struct use_confusion all;
    int test[TINY_IMAGES];
    double uar[6], mean = 0, square = 0;
    CHECK(raw_manifest("f.jsonl", by_fold));
    CHECK_EQ(use_confusion_create(3, &all), MIEN_OK);
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i % 8 == 7 ? -1 : i % 8 % 3;
    for (int k = 0; k < 3; k++) {
        fold_by_hand(test, k, &all, &uar[k]);
        mean += uar[k] / 3;
    }
    for (int k = 0; k < 3; k++)
        square += (uar[k] - mean) * (uar[k] - mean) / 2;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK); /* rows have folds and no split */
    check_matrix(r, &all);
    CHECK(strcmp(look_text(r, "folds"), "fold") == 0 && look(r, "fold_count") == 3 && look(r, "n") == 21);
    CHECK_NEAR(look(r, "fold_uar.2"), uar[2], 1e-12);
    CHECK_NEAR(look(r, "uar_mean"), mean, 1e-12);
    CHECK_NEAR(look(r, "uar_deviation"), sqrt(square), 1e-12);
    mien_result_destroy(&r);
    use_confusion_destroy(&all);

    params.folds = "subject"; /* few rows each: together */
    CHECK_EQ(use_confusion_create(3, &all), MIEN_OK);
    for (int i = 0; i < TINY_IMAGES; i++)
        test[i] = i / 4;
    for (int k = 0; k < 6; k++)
        fold_by_hand(test, k, &all, &uar[k]);
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    check_matrix(r, &all);
    CHECK(look(r, "fold_count") == 6 && look(r, "n") == TINY_IMAGES);
    CHECK_NEAR(look(r, "uar_mean"), use_uar(&all), 1e-12);
    CHECK_NEAR(look(r, "fold_uar.5"), uar[5], 1e-12);
    CHECK(isnan(look(r, "uar_deviation")));
    mien_result_destroy(&r);
    use_confusion_destroy(&all);
}

static void test_few_shot(void)
{
    struct mien_eval_params params = {
        .size = sizeof params, .task = "few-shot", .manifest = "p.jsonl", .shots = 16, .seeds = 3};
    struct mien_result *r = NULL, *again = NULL;
    uint32_t rows[16];
    int right = 0;
    for (uint32_t i = 0; i < 16; i++)
        rows[i] = i;
    const struct eval_samples s = samples_of(rows, 16);
    memset(weights, 0, sizeof(weights));
    CHECK_EQ(eval_logistic_fit(&s, 1, weights), MIEN_OK);
    for (int i = 16; i < TINY_IMAGES; i++)
        right += eval_logistic_class(weights, 3, RAW_WIDTH, raw[i]) == (uint32_t)truth[i];
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK); /* more shots than there are samples: all of them, each draw */
    CHECK_NEAR(look(r, "shots.0.war"), right / 8.0, 1e-12);
    CHECK_NEAR(look(r, "shots.0.war_deviation"), 0, 1e-12);
    CHECK(mien_result_count(r, "shots") == 1 && mien_result_count(r, "shots.0.uar_of_seed") == 3);
    mien_result_destroy(&r);

    params.shots = 0;
    params.seeds = 4;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(mien_eval(model, &params, &again), MIEN_OK);
    CHECK(r && again && strcmp(mien_result_json(r), mien_result_json(again)) == 0);
    CHECK(mien_result_count(r, "shots") == 5 && look(r, "shots.1.shots") == 2 && look(r, "n") == 8);
    double mean = 0, square = 0;
    bool differ = false;
    for (int k = 0; k < 4; k++) {
        char place[64];
        snprintf(place, sizeof(place), "shots.0.uar_of_seed.%d", k);
        mean += look(r, place) / 4;
        differ = differ || look(r, place) != look(r, "shots.0.uar_of_seed.0");
    }
    for (int k = 0; k < 4; k++) {
        char place[64];
        snprintf(place, sizeof(place), "shots.0.uar_of_seed.%d", k);
        square += (look(r, place) - mean) * (look(r, place) - mean) / 3;
    }
    CHECK(differ);
    CHECK_NEAR(look(r, "shots.0.uar"), mean, 1e-12);
    CHECK_NEAR(look(r, "shots.0.uar_deviation"), sqrt(square), 1e-12);
    CHECK(raw_round_trip(r, "Few-shot"));
    mien_result_destroy(&again);
    mien_result_destroy(&r);

    const char *const two[] = {"anger", "joy"}; /* rows of others count nowhere */
    int n = 0;
    for (int i = 16; i < TINY_IMAGES; i++)
        n += truth[i] != 2;
    params.classes = two;
    params.class_count = 2;
    CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    CHECK_EQ(look(r, "n"), n);
    CHECK_NEAR(look(r, "chance"), 0.5, 1e-15);
    mien_result_destroy(&r);
}

/* The call fails with that status, and says that. */
static void refused(const struct mien_eval_params *params, enum mien_status status, const char *words)
{
    struct mien_result *r = NULL;
    capture_start();
    CHECK_EQ(mien_eval(model, params, &r), status);
    CHECK(!r && captured_once(words));
}

static const char *all_train(int i, char *b, size_t size)
{
    snprintf(b, size, "\"label\":\"%s\",\"split\":\"train\"", labels[i % 3]);
    return b;
}

static void test_refused(void)
{
    struct mien_eval_params p = {.size = sizeof p, .task = "linear-probe", .manifest = "f.jsonl", .folds = "third"};
    refused(&p, MIEN_ERR_ARG, "split, fold, subject");
    CHECK_EQ(mien_eval_check(&p), MIEN_ERR_ARG); /* before a model is read */
    p.folds = "subject";
    p.split = "test";
    refused(&p, MIEN_ERR_ARG, "leave --split test out");
    p.folds = NULL;
    refused(&p, MIEN_ERR_DATA, "no rows to test on");
    p.split = "train";
    refused(&p, MIEN_ERR_ARG, "test or val");
    p.manifest = "t.jsonl";
    p.split = NULL;
    refused(&p, MIEN_ERR_DATA, "no rows to test on");
    CHECK(raw_manifest("train.jsonl", all_train));
    p.manifest = "train.jsonl";
    p.folds = "subject";
    refused(&p, MIEN_ERR_DATA, "two different subjects");
    p = (struct mien_eval_params){.size = sizeof p, .task = "few-shot", .manifest = "f.jsonl"};
    refused(&p, MIEN_ERR_ARG, "folds only");
    p.seeds = 101;
    refused(&p, MIEN_ERR_ARG, "at most 100");
    p.seeds = 0;
    p.sessions = true;
    refused(&p, MIEN_ERR_ARG, "sessions");
    p.sessions = false;
    p.by = "probe";
    refused(&p, MIEN_ERR_ARG, "option by");
    p.by = NULL;
    p.threshold = 1;
    refused(&p, MIEN_ERR_ARG, "threshold");
}

/* Stored raw embeddings give the bytes of embedding afresh, in each fitted task; those of unit length are refused. */
static void test_stored(void)
{
    static const char *const tasks[] = {"linear-probe", "few-shot"};
    const struct mien_embed_params projected = {.size = sizeof projected, .flags = MIEN_RAW};
    for (int unit = 0; unit < 2; unit++) {
        const struct mien_store_params made = {
            .size = sizeof made, .manifest = "p.jsonl", .embed = unit ? NULL : &projected};
        struct mien_store *store = NULL;
        CHECK_EQ(mien_store_create(model, &made, &store), MIEN_OK);
        for (size_t i = 0; i < BASE_COUNT(tasks); i++) {
            struct mien_eval_params p = {.size = sizeof p, .task = tasks[i], .manifest = "p.jsonl"};
            struct mien_result *afresh = NULL, *stored = NULL;
            CHECK_EQ(mien_eval(model, &p, &afresh), MIEN_OK);
            p.store = store;
            capture_start();
            CHECK_EQ(mien_eval(model, &p, &stored), unit ? MIEN_ERR_ARG : MIEN_OK);
            CHECK(unit ? captured_once("--raw") != 0 : !strcmp(mien_result_json(stored), mien_result_json(afresh)));
            mien_result_destroy(&stored);
            mien_result_destroy(&afresh);
        }
        mien_store_destroy(&store);
    }
}

int main(void)
{
    if (!eval_logistic_available())
        CHECK_SKIP("built without liblbfgs");
    if (!raw_begin())
        CHECK_SKIP("no Vulkan device or no temporary directory: %s", captured);
    for (int i = 0; i < TINY_IMAGES; i++)
        truth[i] = class_of(i);
    test_split();
    test_folds();
    test_few_shot();
    test_refused();
    test_stored();
    raw_end();
    return check_result();
}
