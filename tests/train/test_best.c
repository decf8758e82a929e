/* When the model is evaluated, which one is the best, and when patience ends a run. */
#include "check.h"

#include "train/tiny_run.h"

static uint32_t evaluations(const char *run)
{
    uint32_t count = 0;
    char *log = log_text(run);
    for (const char *at = log; at && (at = strstr(at, "\"kind\":\"eval\"")) != NULL; at++)
        count++;
    base_free(log);
    return count;
}

/* A number of a JSON file in the tiny directory; -1 when it is not there. */
static double number_in(const char *name, const char *key)
{
    double value = -1;
    cJSON *json = NULL;
    if (base_json_read(tiny_path(name), &json) == MIEN_OK)
        (void)base_json_number(json, key, name, &value);
    cJSON_Delete(json);
    return value;
}

/* 24 samples in batches of 6: an epoch has 4 steps; the end is evaluated too. */
static void test_once_an_epoch(void)
{
    struct mien_train_summary s = {sizeof s};
    const char *sets[] = {"run.dir=epoch", "data.val=t.jsonl", "run.steps=9", "run.eval_every=0"};
    CHECK_EQ(train_sets(sets, 3, &s), MIEN_OK);
    CHECK_EQ(evaluations("epoch"), 3);
    CHECK(s.best_step == 4 || s.best_step == 8 || s.best_step == 9);
    CHECK(strcmp(s.best, "epoch/best") == 0 && !s.early);
    CHECK(number_in("epoch/best/eval.json", "step") == (double)s.best_step);
    CHECK(number_in("epoch/best/eval.json", "score") == s.best_score && s.best_score >= 0);
    CHECK(number_in("epoch/best/eval.json", "uar") == s.best_score && number_in("epoch/best/eval.json", "n") == 24);
    sets[0] = "run.dir=zero";
    CHECK_EQ(train_sets(sets, 4, &s), MIEN_OK);
    CHECK(equal_logs("epoch", "zero"));
    sets[0] = "run.dir=never";
    sets[3] = "run.eval_every=-1";
    CHECK_EQ(train_sets(sets, 4, &s), MIEN_OK);
    CHECK(evaluations("never") == 0 && s.best_step == 0 && !*s.best && !base_file_exists(tiny_path("never/best")));
}

/* Without labels the lowest loss counts. */
static void test_by_loss(void)
{
    struct mien_train_summary s = {sizeof s};
    char rows[2000];
    size_t at = 0;
    for (int i = 0; i < 12; i++)
        at += (size_t)snprintf(rows + at, sizeof(rows) - at, "{\"image\":\"%d.png\",\"caption\":\"face %d\"}\n", i, i);
    CHECK(tiny_write("plain.jsonl", rows, at));
    const char *const sets[] = {"run.dir=loss", "data.val=plain.jsonl", "run.steps=8", "optim.lr=0.01"};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = BASE_COUNT(sets)};
    mien_log_set(capture, NULL, MIEN_LOG_INFO);
    CHECK_EQ(mien_train(gpu, &params, &s), MIEN_OK);
    CHECK(strstr(captured, "on data.val loss ") && strstr(captured, ", no labels of two classes; the best"));
    capture_start();
    CHECK(s.best_step > 0 && s.best_score < 0);
    CHECK(number_in("loss/best/eval.json", "loss") == -s.best_score);
}

/* ---- patience ---- */

/* Weights that stay give equal scores: the first of them is the best, and two more end the run. */
static const char *const waiting[] = {"run.dir=waiting",
                                      "data.val=t.jsonl",
                                      "run.eval_every=2",
                                      "optim.lr=0",
                                      "run.steps=40",
                                      "run.patience=2",
                                      "run.checkpoint_every=1",
                                      "run.keep=99",
                                      "run.checkpoint_minutes=0"};

static void check_ended(const char *run, const struct mien_train_summary *s)
{
    char name[64];
    CHECK(s->early && !s->stopped && s->steps == 6 && s->best_step == 2);
    CHECK_EQ(evaluations(run), 3);
    snprintf(name, sizeof(name), "%s/checkpoints/step-6/state.json", run);
    CHECK(number_in(name, "worse") == 2 && number_in(name, "best_step") == 2);
    snprintf(name, sizeof(name), "%s/best/eval.json", run);
    CHECK(number_in(name, "step") == 2);
    snprintf(name, sizeof(name), "%s/model", run);
    CHECK(base_file_is_dir(tiny_path(name)));
}

static enum mien_status go_on(const char *const *sets, size_t count, struct mien_train_summary *s)
{
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = count, .resume = true};
    capture_start();
    return mien_train(gpu, &params, s);
}

/* Killed anywhere on its way, it ends where it would have ended. */
static void test_patience(void)
{
    struct mien_train_summary s = {sizeof s};
    const char *sets[BASE_COUNT(waiting)];
    memcpy(sets, waiting, sizeof(waiting));
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), &s), MIEN_OK);
    check_ended("waiting", &s);
    char *whole = log_text("waiting");
    for (int last = 5; last >= 3; last--) {
        char name[64];
        snprintf(name, sizeof(name), "waiting/checkpoints/step-%d", last + 1);
        CHECK_EQ(base_dir_remove(tiny_path(name)), MIEN_OK);
        for (int after = last + 2; after <= 6; after++) {
            snprintf(name, sizeof(name), "waiting/checkpoints/step-%d", after);
            CHECK_EQ(base_dir_remove(tiny_path(name)), MIEN_OK);
        }
        CHECK_EQ(go_on(sets, BASE_COUNT(sets), &s), MIEN_OK);
        check_ended("waiting", &s);
        char *again = log_text("waiting");
        CHECK_STR(whole, again);
        base_free(again);
    }
    base_free(whole);
}

/* One that has ended stays ended, unless it is given more patience. */
static void test_more_patience(void)
{
    struct mien_train_summary s = {sizeof s};
    const char *sets[BASE_COUNT(waiting)];
    memcpy(sets, waiting, sizeof(waiting));
    CHECK_EQ(go_on(sets, BASE_COUNT(sets), &s), MIEN_OK);
    check_ended("waiting", &s);
    CHECK_EQ(s.fresh, 0);
    sets[5] = "run.patience=4";
    CHECK_EQ(go_on(sets, BASE_COUNT(sets), &s), MIEN_OK);
    CHECK(s.early && s.steps == 10 && s.best_step == 2);
    sets[5] = "run.patience=0";
    CHECK_EQ(go_on(sets, BASE_COUNT(sets), &s), MIEN_OK);
    CHECK(!s.early && s.steps == 40 && s.best_step == 2);
}

/* A score that nothing gives is said before the run; patience cannot do without. */
static void test_nothing_to_measure(void)
{
    static const char rows[] = "{\"image\":\"0.png\"}\n{\"image\":\"1.png\",\"label\":\"joy\"}\n";
    CHECK(tiny_write("dumb.jsonl", rows, strlen(rows)));
    CHECK_EQ(train("dumb", "data.val=dumb.jsonl", NULL, NULL), MIEN_OK);
    CHECK(captured_once("dumb.jsonl: the rows of data.val have neither labels of two classes nor two captions"));
    CHECK_EQ(train("dumber", "data.val=dumb.jsonl", "run.patience=1", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("run.patience") && !base_file_exists(tiny_path("dumber")));
    CHECK_EQ(train("dumber", "run.patience=1", NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("run.patience counts evaluations: it needs data.val"));
    const char *const sets[] = {"run.dir=dumber", "data.val=t.jsonl", "run.eval_every=-1", "run.patience=1"};
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_ERR_ARG);
    CHECK(captured_once("run.patience counts evaluations"));
}

int main(void)
{
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_once_an_epoch();
    test_by_loss();
    test_patience();
    test_more_patience();
    test_nothing_to_measure();
    CHECK_EQ(mien_gpu_validation_messages(gpu), 0);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
