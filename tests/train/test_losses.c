/* The objective's options in whole runs: what must not change a bit, what must, and what the log says. */
#include "check.h"
#include "device.h"

#include "io/safetensors.h"
#include "mien/model.h"
#include "train/tiny_run.h"

enum { ROWS_MAX = 64 };

struct row {
    double loss, loss_global, loss_local, text, image;
};

/* The step rows of a run's log; how many. */
static uint32_t read_log(const char *run, struct row *rows)
{
    char *text = log_text(run), *line = text;
    uint32_t count = 0;
    while (line && *line && count < ROWS_MAX) {
        struct row *r = &rows[count];
        count += sscanf(line, "{\"kind\":\"step\",\"step\":%*u,\"loss\":%lf,\"loss_global\":%lf,\"loss_local\":%lf",
                        &r->loss, &r->loss_global, &r->loss_local) == 3;
        const char *positives = strstr(line, "\"positives\"");
        CHECK(positives && sscanf(positives, "\"positives\":{\"text\":%lf,\"image\":%lf", &r->text, &r->image) == 2);
        line += strcspn(line, "\n") + 1;
    }
    base_free(text);
    return count;
}

/* Three-level captions with 0 to 3 local sentences; every fourth row lacks the summary, the last has labels only. */
static bool make_levels(void)
{
    char text[TINY_IMAGES * 256];
    size_t at = 0;
    for (uint32_t i = 0; i < TINY_IMAGES - 1; i++) {
        static const char *const local[] = {"", "\"brows are down\"", "\"brows are up\",\"the mouth is wide\"",
                                            "\"eyes shut\",\"lips apart\",\"cheeks raised\""};
        at +=
            (size_t)snprintf(text + at, sizeof(text) - at,
                             "{\"image\":\"%u.png\",\"caption\":{\"global\":\"a face of kind %u\",\"local\":[%s]%s}}\n",
                             i, i % 3, local[i % 4], i % 4 ? ",\"summary\":\"so it is\"" : "");
    }
    at += (size_t)snprintf(text + at, sizeof(text) - at, "{\"image\":\"23.png\",\"label\":\"joy\"}\n");
    return tiny_write("levels.jsonl", text, at);
}

#define LEVELS "data.train=levels.jsonl", "data.augment={}"

static enum mien_status run_levels(const char *run, const char *set_a, const char *set_b, const char *set_c)
{
    char dir[64];
    const char *sets[] = {dir, LEVELS, set_a, set_b, set_c};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    return train_sets(sets, set_c ? 6 : set_b ? 5 : set_a ? 4 : 3, NULL);
}

/* A threshold that nothing reaches is no mining, bit for bit, over the whole run. */
static void test_nothing_mined(void)
{
    static const char *const kinds[] = {"hard", "soft", "ignore"};
    CHECK_EQ(run_levels("plain", NULL, NULL, NULL), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        char run[32], file[64], kind[64];
        snprintf(run, sizeof(run), "high_%s", kinds[i]);
        snprintf(kind, sizeof(kind), "loss.mining.kind=%s", kinds[i]);
        snprintf(file, sizeof(file), "%s/model/model.safetensors", run);
        CHECK_EQ(run_levels(run, kind, "loss.mining.threshold=2", "loss.mining.warmup_steps=0"), MIEN_OK);
        CHECK(equal_files("plain/model/model.safetensors", file));
        struct row plain[ROWS_MAX], rows[ROWS_MAX];
        CHECK_EQ(read_log("plain", plain), 6);
        CHECK_EQ(read_log(run, rows), 6);
        CHECK(memcmp(plain, rows, 6 * sizeof(plain[0])) == 0);
    }
}

static void test_mined(void)
{
    struct row plain[ROWS_MAX], rows[ROWS_MAX];
    CHECK_EQ(read_log("plain", plain), 6);
    CHECK_EQ(run_levels("all", "loss.mining.kind=hard", "loss.mining.threshold=-2", "loss.mining.warmup_steps=2"),
             MIEN_OK);
    CHECK_EQ(read_log("all", rows), 6);
    for (uint32_t i = 0; i < 6; i++) {
        CHECK((rows[i].loss == plain[i].loss) == (i < 2)); /* the warm-up */
        CHECK(i < 2 ? rows[i].text == 1 : rows[i].text > 3 && rows[i].image > 3);
        CHECK_NEAR(rows[i].loss, rows[i].loss_global + rows[i].loss_local, 1e-6 * rows[i].loss);
    }
    CHECK_EQ(run_levels("top", "loss.mining={\"kind\":\"hard\",\"threshold\":-2,\"top_k\":2,\"warmup_steps\":0}", NULL,
                        NULL),
             MIEN_OK);
    CHECK_EQ(read_log("top", rows), 6);
    CHECK_NEAR(rows[0].text, 3, 1e-6); /* the pair itself and two */
    CHECK_NEAR(rows[0].image, 3, 1e-6);
}

/* The log counts every pair by similarity: 36 of a batch of six, each image with itself in the last bin. */
static void test_histogram(void)
{
    char *text = log_text("top"), *at = text ? strstr(text, "\"similarity\":{\"text\":[") : NULL;
    double sum = 0, last = 0;
    CHECK(at != NULL);
    for (char *p = at ? strchr(at, '[') + 1 : NULL; p && p[-1] != ']'; p++) {
        last = strtod(p, &p);
        sum += last;
    }
    CHECK_NEAR(sum, 36, 0);
    CHECK(last >= 6);
    base_free(text);
    text = log_text("plain");
    CHECK(text && !strstr(text, "similarity"));
    base_free(text);
}

/* The guide's weights are those under training at first, and other ones later. */
static void test_frozen_source(void)
{
    static const char batch[] = "loss.mining={\"kind\":\"soft\",\"threshold\":-2,\"warmup_steps\":0,\"tau\":0.01}";
    static const char frozen[] =
        "loss.mining={\"kind\":\"soft\",\"threshold\":-2,\"warmup_steps\":0,\"tau\":0.01,\"source\":\"frozen\"}";
    struct row a[ROWS_MAX], b[ROWS_MAX];
    CHECK_EQ(run_levels("batch", batch, "optim.lr=0.01", NULL), MIEN_OK);
    CHECK_EQ(run_levels("frozen", frozen, "optim.lr=0.01", NULL), MIEN_OK);
    CHECK_EQ(read_log("batch", a), 6);
    CHECK_EQ(read_log("frozen", b), 6);
    CHECK_NEAR(a[0].loss, b[0].loss, 0);
    CHECK(a[5].loss != b[5].loss);
    CHECK_EQ(run_levels("parts", frozen, "optim.lr=0.01", "run.micro_batch=4"), MIEN_OK);
    CHECK_EQ(read_log("parts", a), 6);
    for (uint32_t i = 0; i < 6; i++)
        CHECK_NEAR(a[i].loss, b[i].loss, 1e-5 * b[i].loss);
}

static void test_collapse(void)
{
    CHECK_EQ(run_levels("collapse", "loss.mining={\"kind\":\"hard\",\"threshold\":-2,\"top_k\":0,\"warmup_steps\":0}",
                        "run.steps=30", NULL),
             MIEN_OK);
    CHECK(captured_once("collapsing"));
    CHECK(strstr(captured, "step 20") != NULL);
}

/* Labels: equal texts are positives unless they are told to be negatives. */
static void test_labels(void)
{
    struct row rows[ROWS_MAX];
    CHECK_EQ(train("labels", "loss.text=label", "data.shuffle=false", NULL), MIEN_OK);
    CHECK_EQ(read_log("labels", rows), 6);
    CHECK_NEAR(rows[0].text, 2, 1e-6); /* three labels in a batch of six */
    CHECK_EQ(train("negative", "loss.text=label", "loss.mining.same_text=negative", NULL), MIEN_OK);
    CHECK_EQ(read_log("negative", rows), 6);
    CHECK_NEAR(rows[0].text, 1, 0);
}

/* Every form of the local branch, with missing sentences; random picks are the same for any number of workers. */
static void test_local(void)
{
    static const char *const kinds[] = {"sentence", "pooled", "filip"};
    struct row none[ROWS_MAX], rows[ROWS_MAX];
    CHECK_EQ(run_levels("none", "loss.local.kind=none", NULL, NULL), MIEN_OK);
    CHECK_EQ(read_log("none", none), 6);
    CHECK_NEAR(none[0].loss_local, 0, 0);
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        char kind[64];
        snprintf(kind, sizeof(kind), "loss.local={\"kind\":\"%s\",\"weight\":0.5,\"sentences\":3}", kinds[i]);
        CHECK_EQ(run_levels(kinds[i], kind, "run.checkpoint_every=0", NULL), MIEN_OK);
        CHECK_EQ(read_log(kinds[i], rows), 6);
        CHECK_NEAR(rows[0].loss_global, none[0].loss_global, 1e-6);
        CHECK(rows[0].loss_local > 0.1);
        CHECK_NEAR(rows[0].loss, rows[0].loss_global + 0.5 * rows[0].loss_local, 1e-6 * rows[0].loss);
    }
    static const char three[] = "loss.local={\"kind\":\"pooled\",\"weight\":0.5,\"sentences\":3}";
    CHECK_EQ(run_levels("three", three, "data.workers=0", NULL), MIEN_OK);
    CHECK(equal_files("pooled/model/model.safetensors", "three/model/model.safetensors"));
    CHECK_EQ(run_levels("first", "loss.local={\"kind\":\"pooled\",\"weight\":0.5,\"sentences\":1,\"pick\":\"first\"}",
                        NULL, NULL),
             MIEN_OK);
    CHECK(!equal_files("pooled/model/model.safetensors", "first/model/model.safetensors"));
}

/* The sigmoid loss: its first value by hand, learning, mining by signs, and a bias that is kept in the directory. */
static void test_siglip(void)
{
    struct mien_train_summary summary = {sizeof summary};
    struct row rows[ROWS_MAX];
    CHECK_EQ(run_levels("sig", "loss.kind=siglip", "loss.local.kind=none", "loss.text=global"), MIEN_OK);
    CHECK_EQ(read_log("sig", rows), 6);
    CHECK(rows[0].loss > 0.5 && rows[0].loss < 20); /* one positive far below, five negatives far below 0 */
    CHECK_EQ(run_levels("sig_high", "loss.kind=siglip",
                        "loss.mining={\"kind\":\"hard\",\"threshold\":2,\"warmup_steps\":0}", "loss.local.kind=filip"),
             MIEN_OK);
    CHECK_EQ(run_levels("sig_none", "loss.kind=siglip", "loss.local.kind=filip", NULL), MIEN_OK);
    CHECK(equal_files("sig_none/model/model.safetensors", "sig_high/model/model.safetensors"));
    CHECK_EQ(run_levels("sig_all", "loss.kind=siglip",
                        "loss.mining={\"kind\":\"hard\",\"threshold\":-2,\"warmup_steps\":0}", NULL),
             MIEN_OK);
    CHECK_EQ(read_log("sig_all", rows), 6);
    CHECK(rows[0].text > 3);
    const char *const sets[] = {"run.dir=sig_learn", "loss.kind=siglip", "optim.lr=0.02", "run.steps=60"};
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), &summary), MIEN_OK);
    printf("siglip: loss %.3f -> %.3f\n", summary.first_loss, summary.last_loss);
    CHECK(summary.last_loss < 0.8 * summary.first_loss);
    struct mien_model_report *report = NULL;
    CHECK_EQ(mien_model_inspect("sig_learn/model", &report), MIEN_OK);
    CHECK(report && report->problem_count == 0); /* its bias is a tensor as any other */
    mien_model_report_destroy(&report);
    static const char more[] = "{\"model\":{\"init\":\"sig_learn/model\"},\"data\":{\"train\":\"t.jsonl\"},"
                               "\"loss\":{\"kind\":\"siglip\"},\"optim\":{\"lr\":0},"
                               "\"run\":{\"dir\":\"sig_more\",\"steps\":1,\"batch\":6}}";
    CHECK(tiny_write("more.json", more, strlen(more)));
    struct mien_train_params params = {.size = sizeof params, .config = tiny_path("more.json")};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("sig_learn/model/model.safetensors", "sig_more/model/model.safetensors"));
}

/* Lists of sentences with a guide, and equal lists. */
static void test_lists(void)
{
    struct row rows[ROWS_MAX];
    CHECK_EQ(run_levels("lists", "loss.local={\"kind\":\"filip\",\"sentences\":3}",
                        "loss.mining={\"kind\":\"hard\",\"threshold\":0.5,\"warmup_steps\":0,\"same_text\":\"ignore\"}",
                        NULL),
             MIEN_OK);
    CHECK_EQ(read_log("lists", rows), 6);
    CHECK(rows[5].loss_local > 0);
}

static void test_sgd(void)
{
    struct mien_train_summary summary = {sizeof summary};
    const char *const sets[] = {"run.dir=sgd", "optim.kind=sgd", "optim.lr=0.3", "run.steps=60",
                                "optim.weight_decay=0"};
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), &summary), MIEN_OK);
    printf("sgd: loss %.3f -> %.3f\n", summary.first_loss, summary.last_loss);
    struct io_safetensors *moments = NULL;
    CHECK_EQ(io_safetensors_open(tiny_path("sgd/checkpoints/step-60/optimizer.safetensors"), &moments), MIEN_OK);
    CHECK(moments && io_safetensors_find(moments, "first.text_projection.weight"));
    CHECK(moments && !io_safetensors_find(moments, "second.text_projection.weight"));
    io_safetensors_close(&moments);
    CHECK(summary.last_loss < 0.8 * summary.first_loss);
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make() || !make_levels())
        CHECK_SKIP("no temporary directory");
    test_nothing_mined();
    test_mined();
    test_histogram();
    test_frozen_source();
    test_collapse();
    test_labels();
    test_local();
    test_siglip();
    test_lists();
    test_sgd();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
