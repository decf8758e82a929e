/* Runs that cannot learn, or that start badly, say so: before their first step where that can be known. */
#include "check.h"

#include "train/tiny_run.h"

enum { LINES = 64 };
static char said[LINES][512];
static int said_count;

static void keep(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    if (said_count < LINES)
        snprintf(said[said_count++], sizeof(said[0]), "%s", message);
}

static int times_said(const char *part)
{
    int count = 0;
    for (int i = 0; i < said_count; i++)
        count += strstr(said[i], part) != NULL;
    return count;
}

static enum mien_status run_with(const char *const *sets, size_t count, bool again, struct mien_train_summary *s)
{
    const struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = count, .resume = again};
    said_count = 0;
    mien_log_set(keep, NULL, MIEN_LOG_WARN);
    return mien_train(gpu, &params, s);
}

/* `rows` samples, whose caption is what the format makes of their number; those from `captions` on have none. */
static void write_rows(const char *name, int rows, int captions, const char *format)
{
    char text[8000];
    size_t at = 0;
    for (int i = 0; i < rows; i++) {
        char caption[128];
        snprintf(caption, sizeof(caption), format, i);
        at +=
            (size_t)snprintf(text + at, sizeof(text) - at, "{\"image\":\"%d.png\",\"label\":\"joy\"", i % TINY_IMAGES);
        if (i < captions)
            at += (size_t)snprintf(text + at, sizeof(text) - at, ",\"caption\":\"%s\"", caption);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "}\n");
    }
    CHECK(tiny_write(name, text, at));
}

/* ---- texts ---- */

static void refuse(const char *set_a, const char *set_b, enum mien_status want, const char *words)
{
    const char *const sets[] = {"run.dir=refused", set_a, set_b};
    CHECK_EQ(run_with(sets, set_b ? 3 : 2, false, NULL), want);
    CHECK_EQ(times_said(words), 1);
    if (said_count)
        printf("%s\n", said[said_count - 1]);
    CHECK(!base_file_exists(tiny_path("refused")));
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void test_texts(void)
{
    static const char bare[] = "{\"image\":\"0.png\"}\n{\"image\":\"1.png\"}\n";
    write_rows("none.jsonl", 12, 0, "face %d");
    refuse("data.train=none.jsonl", NULL, MIEN_ERR_DATA,
           "none.jsonl: no row has the text that loss.text asks for; there are labels: loss.text=label takes these");
    write_rows("whole.jsonl", 12, 12, "face %d");
    refuse("data.train=whole.jsonl", "loss.text=summary", MIEN_ERR_DATA, "loss.text=caption takes what a row has");
    CHECK(tiny_write("bare.jsonl", bare, sizeof(bare) - 1));
    refuse("data.train=bare.jsonl", NULL, MIEN_ERR_DATA, "captions or labels are needed");
    write_rows("one.jsonl", 12, 1, "face %d");
    refuse("data.train=one.jsonl", NULL, MIEN_ERR_DATA, "one.jsonl: to the model all samples have the same text");
    write_rows("same.jsonl", 12, 12, "a face");
    refuse("data.train=same.jsonl", NULL, MIEN_ERR_DATA, "same text");
    write_rows("far.jsonl", 12, 12, "a face whose number comes too late for the model to hear of it, namely %d");
    refuse("data.train=far.jsonl", NULL, MIEN_ERR_DATA, "within the 16 tokens of its context");
    refuse("data.train=one.jsonl", "loss.text=label", MIEN_ERR_DATA, "same text");
}

/* A step whose samples have fewer than two texts teaches nothing; that is said once. */
static void test_few_texts(void)
{
    const char *const sets[] = {"run.dir=few", "data.train=few.jsonl", "data.shuffle=false"};
    write_rows("few.jsonl", 24, 8, "face %d"); /* of the four batches of 6 the last two have none */
    CHECK_EQ(run_with(sets, BASE_COUNT(sets), false, NULL), MIEN_OK);
    CHECK_EQ(times_said("step 3: its 6 samples have fewer than two different texts"), 1);
    CHECK_EQ(times_said("fewer than two"), 1);
}

/* ---- weights ---- */

static void test_weights(void)
{
    const char *const still[] = {"run.dir=still", "optim.lr=0"};
    static const char frozen[] =
        "optim.groups=[{\"match\":\"vision_model.*\",\"freeze\":true},{\"match\":\"text_model.*\",\"freeze\":true},"
        "{\"match\":\"*_projection*\",\"freeze\":true}]";
    CHECK_EQ(run_with(still, BASE_COUNT(still), false, NULL), MIEN_OK);
    CHECK(said_count == 1 && times_said("optim.lr is 0") == 1);
    refuse(frozen, NULL, MIEN_ERR_ARG, "optim.groups: all towers and projections are frozen");
    refuse("optim.groups=[{\"match\":\"*\",\"freeze\":true}]", NULL, MIEN_ERR_ARG, "optim.groups: all parameters");
    refuse("run.batch=1", NULL, MIEN_ERR_ARG, "run.batch is 1");
}

/* ---- pictures ---- */

/* Files that are not there are found before the first step, whichever batch they belong to. */
static void test_missing_pictures(void)
{
    char rows[8000];
    size_t at = 0;
    for (int i = 0; i < 24; i++)
        at += (size_t)snprintf(rows + at, sizeof(rows) - at, "{\"image\":\"%s%d.png\",\"caption\":\"face %d\"}\n",
                               i == 20 || i == 22 ? "gone" : "", i, i);
    CHECK(tiny_write("gaps.jsonl", rows, at));
    const char *const sets[] = {"run.dir=gaps", "data.train=gaps.jsonl", "data.shuffle=false", "run.steps=1",
                                "data.max_bad=0.1"};
    CHECK_EQ(run_with(sets, BASE_COUNT(sets), false, NULL), MIEN_OK);
    CHECK(said_count == 2 && times_said("gaps.jsonl:21: ") == 1 && times_said("gone22.png: no such file") == 1);
    refuse("data.train=gaps.jsonl", NULL, MIEN_ERR_DATA, "gone20.png");
    CHECK_EQ(times_said("2 of 24 samples of data.train are bad, more than data.max_bad (0.01 of all)"), 1);
    refuse("data.val=gaps.jsonl", NULL, MIEN_ERR_DATA, "2 of 24 samples of data.val are bad");
}

/* ---- starts ---- */

/* What a start that ended before its first step has left does not stand in the way; a run does, and so does a
 * configuration that somebody keeps there. */
static void test_failed_start(void)
{
    const volatile int stop = 1;
    const char *const sets[] = {"run.dir=early", "run.steps=2"};
    const struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 2, .stop = &stop};
    struct mien_train_summary s = {sizeof s};
    CHECK_EQ(mien_train(gpu, &params, &s), MIEN_OK);
    CHECK(s.stopped && s.steps == 0 && base_file_exists(tiny_path("early/config.json")));
    CHECK_EQ(run_with(sets, 2, false, &s), MIEN_OK);
    CHECK_EQ(s.steps, 2);
    CHECK_EQ(run_with(sets, 2, false, NULL), MIEN_ERR_ARG);
    CHECK(said_count == 1 && times_said("holds a run already") == 1);
    CHECK_EQ(base_dir_create(tiny_path("own")), MIEN_OK);
    CHECK(tiny_write("own/config.json", "{}", 2));
    const char *const own[] = {"run.dir=own"};
    CHECK_EQ(run_with(own, 1, false, NULL), MIEN_ERR_ARG);
    CHECK_EQ(times_said("holds a run already (config.json)"), 1);
}

/* A schedule is made for its length: with another one the rate jumps, which is said; where it does not, nothing is. */
static void test_longer(void)
{
    const char *sets[] = {"run.dir=longer", "run.steps=4", "optim.warmup_steps=1"};
    CHECK_EQ(run_with(sets, 3, false, NULL), MIEN_OK);
    sets[1] = "run.steps=8";
    CHECK_EQ(run_with(sets, 3, true, NULL), MIEN_OK);
    CHECK(said_count == 1 && times_said("optim.schedule cosine was made for 4 steps and is now for 8") == 1);
    CHECK_EQ(times_said("the learning rate jumps from 0.00075 to 0.00183 at step 5"), 1);
    const char *flat[] = {"run.dir=flat", "run.steps=4", "optim.warmup_steps=1", "optim.schedule=constant"};
    CHECK_EQ(run_with(flat, 4, false, NULL), MIEN_OK);
    flat[1] = "run.steps=8";
    CHECK_EQ(run_with(flat, 4, true, NULL), MIEN_OK);
    CHECK_EQ(said_count, 0);
}

int main(void)
{
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_texts();
    test_few_texts();
    test_weights();
    test_missing_pictures();
    test_failed_start();
    test_longer();
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
