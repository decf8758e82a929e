/* Stopped runs that go on: the bytes of an unbroken run, from the newest whole checkpoint; and what is refused. */
#include "check.h"
#include "device.h"

#include "train/tiny_run.h"
#include "train/trainer.h"

static enum mien_status resume(const char *config, const char *run, const char *set, struct mien_train_summary *summary)
{
    char dir[128];
    const char *sets[2] = {dir, set};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path(config), .sets = sets, .set_count = set ? 2 : 1, .resume = true};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_train(gpu, &params, summary);
}

/* The same but for the directory itself, which they name. */
static bool equal_configs(const char *a, const char *b)
{
    const char *runs[2] = {a, b};
    cJSON *configs[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/config.json", runs[i]);
        CHECK_EQ(base_json_read(tiny_path(name), &configs[i]), MIEN_OK);
        cJSON_DeleteItemFromObject(cJSON_GetObjectItem(configs[i], "run"), "dir");
    }
    bool equal = cJSON_Compare(configs[0], configs[1], true);
    cJSON_Delete(configs[0]);
    cJSON_Delete(configs[1]);
    return equal;
}

static void test_stop_and_resume(void)
{
    struct mien_train_summary whole = {sizeof whole}, summary = {sizeof summary};
    CHECK_EQ(train("whole", NULL, NULL, &whole), MIEN_OK);
    stopped_run("stop", 3, NULL, 0);
    CHECK_EQ(train("stop", NULL, NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("--resume"));
    CHECK_EQ(resume("c.json", "stop", NULL, &summary), MIEN_OK);
    CHECK_EQ(summary.steps, 6);
    CHECK_NEAR(summary.first_loss, whole.first_loss, 0);
    CHECK_NEAR(summary.last_loss, whole.last_loss, 0);
    CHECK(whole.fresh == 6 && summary.fresh > 0 && summary.fresh < 6);
    CHECK_EQ(resume("c.json", "stop", NULL, &summary), MIEN_OK); /* nothing is left to do */
    CHECK_EQ(summary.fresh, 0);
    CHECK(equal_files("whole/model/model.safetensors", "stop/model/model.safetensors"));
    CHECK(equal_configs("whole", "stop"));
    CHECK(
        equal_files("whole/checkpoints/step-6/optimizer.safetensors", "stop/checkpoints/step-6/optimizer.safetensors"));
    CHECK(equal_files("whole/checkpoints/step-6/state.json", "stop/checkpoints/step-6/state.json"));
    CHECK(equal_logs("whole", "stop"));
}

/* A run that has ended goes on when it is given more steps; constant, so that the rates agree. */
static void test_more_steps(void)
{
    const char *const longer[] = {"run.dir=long", "optim.schedule=constant", "optim.warmup_steps=0", "run.steps=9"};
    const char *const shorter[] = {"run.dir=short", "optim.schedule=constant", "optim.warmup_steps=0", "run.steps=6"};
    const char *const more[] = {"run.dir=short", "optim.schedule=constant", "optim.warmup_steps=0", "run.steps=9"};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = more, .set_count = 4, .resume = true};
    CHECK_EQ(train_sets(longer, 4, NULL), MIEN_OK);
    CHECK_EQ(train_sets(shorter, 4, NULL), MIEN_OK);
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("long/model/model.safetensors", "short/model/model.safetensors"));
    CHECK(equal_logs("long", "short"));
}

/* As many samples, but one of another label: refused, and taken again once it is as it was. */
static void test_relabelled(void)
{
    struct mien_train_summary summary = {sizeof summary};
    char *text = NULL, *label;
    size_t size = 0;
    stopped_run("other", 3, NULL, 0);
    CHECK_EQ(base_file_read(tiny_path("t.jsonl"), 0, &text, &size), MIEN_OK);
    label = text ? strstr(text, "\"label\":\"anger\"") : NULL;
    CHECK(label != NULL);
    if (label) {
        memcpy(label, "\"label\":\"angry\"", 15);
        CHECK(tiny_write("t.jsonl", text, size));
        CHECK_EQ(resume("c.json", "other", NULL, &summary), MIEN_ERR_ARG);
        CHECK(strstr(captured, "begun with other texts, labels") != NULL);
        memcpy(label, "\"label\":\"anger\"", 15);
        CHECK(tiny_write("t.jsonl", text, size));
        CHECK_EQ(resume("c.json", "other", NULL, &summary), MIEN_OK);
    }
    base_free(text);
}

/* checkpoint_every and keep; a damaged checkpoint gives way to an older one, a leftover is removed. */
static void test_damaged(void)
{
    const char *const sets[] = {"run.dir=every", "run.checkpoint_every=2", "run.keep=3"};
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK);
    CHECK(base_file_is_dir(tiny_path("every/checkpoints/step-2")));
    CHECK(base_file_is_dir(tiny_path("every/checkpoints/step-4")));
    CHECK(base_file_is_dir(tiny_path("every/checkpoints/step-6")));
    CHECK(equal_files("whole/model/model.safetensors", "every/model/model.safetensors"));
    CHECK(truncate(tiny_path("every/checkpoints/step-6/optimizer.safetensors"), 1000) == 0);
    CHECK_EQ(base_dir_create(tiny_path("every/checkpoints/.mien-new-step-7")), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("every/model")), MIEN_OK);
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 3, .resume = true};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "every/model/model.safetensors"));
    CHECK(equal_logs("whole", "every"));
    CHECK(!base_file_exists(tiny_path("every/checkpoints/.mien-new-step-7")));
}

/* A number of state.json that cannot be: the checkpoint is damaged, an older one serves. */
static void test_damaged_state(void)
{
    static const char *const wrong[] = {"\"step\": 7.5",     "\"step\": 999999",    "\"step\": 4",
                                        "\"step\": 1e300",   "\"step\": -6",        "\"step\": \"six\"",
                                        "\"evaluated\": 99", "\"best_step\": 1e19", "\"samples\": 0.5"};
    const char *const sets[] = {"run.dir=state", "run.checkpoint_every=2", "run.keep=3"};
    struct mien_train_params params = {.size = sizeof params, .sets = sets, .set_count = 3, .resume = true};
    struct mien_train_summary summary = {.size = sizeof summary};
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
        cJSON *json = NULL, *value = NULL;
        char key[32];
        CHECK_EQ(base_json_read(tiny_path("state/checkpoints/step-6/state.json"), &json), MIEN_OK);
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(wrong[i] + 1, "\""), wrong[i] + 1);
        value = cJSON_Parse(strchr(wrong[i], ':') + 1);
        CHECK(value && cJSON_ReplaceItemInObject(json, key, value));
        char *text = base_json_print(json, true);
        CHECK(text && tiny_write("state/checkpoints/step-6/state.json", text, strlen(text)));
        CHECK_EQ(base_sums_write(tiny_path("state/checkpoints/step-6")), MIEN_OK); /* written so, not damaged */
        base_free(text);
        cJSON_Delete(json);
        params.config = tiny_path("c.json");
        capture_start();
        CHECK_EQ(mien_train(gpu, &params, &summary), MIEN_OK);
        CHECK_EQ(summary.fresh, 2); /* from step-4; step-6 is made again */
        CHECK(strstr(captured, "step-6") != NULL);
    }
    CHECK(equal_files("whole/model/model.safetensors", "state/model/model.safetensors"));
    CHECK(equal_logs("whole", "state"));
}

/* The checkpoint that a run in `bits` would go on from; 0 = it is refused. */
static uint64_t newest(void)
{
    struct train_state state;
    char *path = NULL;
    capture_start();
    enum mien_status status = train_find_checkpoint(tiny_path("bits"), &path, &state);
    CHECK(status == MIEN_OK || (status == MIEN_ERR_DATA && !path));
    base_free(path);
    return status == MIEN_OK ? state.step : 0;
}

/* Any bit that changes in any file of a checkpoint, any cut, any file that is lost. */
static void test_any_bit(void)
{
    enum { FLIPS = 24 };
    const char *const sets[] = {"run.dir=bits", "run.checkpoint_every=3", "run.keep=2"};
    struct base_rng rng = base_rng_make(11, "bits", 0, 0);
    char **names = NULL;
    size_t count = 0;
    uint32_t flips = 0;
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK);
    CHECK_EQ(base_dir_list(tiny_path("bits/checkpoints/step-6"), &names, &count), MIEN_OK);
    CHECK(count >= 8);
    for (size_t i = 0; i < count; i++) {
        char name[128], *data = NULL;
        size_t size = 0;
        snprintf(name, sizeof(name), "bits/checkpoints/step-6/%s", names[i]);
        CHECK_EQ(base_file_read(tiny_path(name), 0, &data, &size), MIEN_OK);
        for (uint32_t f = 0; f < FLIPS && data; f++) {
            uint64_t bit = (uint64_t)(base_rng_uniform(&rng) * 8 * (double)size);
            data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
            CHECK(tiny_write(name, data, size));
            flips += newest() == 3 && strstr(captured, "step-6: the checkpoint is damaged") != NULL;
            data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
        }
        CHECK(tiny_write(name, data, size - 1));
        CHECK_EQ(newest(), 3);
        CHECK(remove(tiny_path(name)) == 0);
        CHECK_EQ(newest(), 3);
        CHECK(tiny_write(name, data, size));
        CHECK(newest() == 6 && captured_count == 0);
        base_free(data);
    }
    CHECK_EQ(flips, FLIPS * count);
    printf("%u bits of %zu files changed, one at a time: each was noticed\n", flips, count);
    base_dir_list_free(&names, &count);
}

/* The damaged file is named; what is left when all are damaged stays; older checkpoints have no checksums. */
static void test_all_damaged(void)
{
    CHECK(truncate(tiny_path("bits/checkpoints/step-6/optimizer.safetensors"), 2000) == 0);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    struct train_state state;
    char *path = NULL, text[512];
    base_log_divert(text, sizeof(text));
    CHECK_EQ(base_sums_check(tiny_path("bits/checkpoints/step-6"), &(bool){false}), MIEN_ERR_DATA);
    base_log_divert(NULL, 0);
    CHECK(strstr(text, "step-6/optimizer.safetensors: is damaged") != NULL);
    CHECK(remove(tiny_path("bits/checkpoints/step-3/vocab.json")) == 0);
    CHECK_EQ(resume("c.json", "bits", NULL, NULL), MIEN_ERR_DATA);
    CHECK(strstr(captured, "all of its checkpoints (2) are damaged") != NULL);
    CHECK(base_file_exists(tiny_path("bits/checkpoints/step-3")) && base_file_exists(tiny_path("bits/log.jsonl")));
    /* as an older version wrote them: no list, and the state does not ask for one */
    cJSON *json = NULL;
    CHECK_EQ(base_dir_remove(tiny_path("bits/checkpoints/step-6")), MIEN_OK);
    CHECK(remove(tiny_path("bits/checkpoints/step-3/" BASE_SUMS_NAME)) == 0);
    CHECK_EQ(base_json_read(tiny_path("bits/checkpoints/step-3/state.json"), &json), MIEN_OK);
    cJSON_DeleteItemFromObject(json, "checksums");
    char *print = base_json_print(json, true);
    CHECK(print && tiny_write("bits/checkpoints/step-3/state.json", print, strlen(print)));
    base_free(print);
    cJSON_Delete(json);
    capture_start();
    CHECK_EQ(train_find_checkpoint(tiny_path("bits"), &path, &state), MIEN_OK);
    CHECK(path && state.step == 3 && captured_once("without checksums"));
    base_free(path);
}

static void test_keep(void)
{
    const char *const sets[] = {"run.dir=kept", "run.checkpoint_every=1", "run.keep=2"};
    char **names = NULL;
    size_t count = 0;
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK);
    CHECK_EQ(base_dir_list(tiny_path("kept/checkpoints"), &names, &count), MIEN_OK);
    CHECK_EQ(count, 2);
    if (count == 2) {
        CHECK_STR(names[0], "step-5");
        CHECK_STR(names[1], "step-6");
    }
    base_dir_list_free(&names, &count);
}

/* Without a checkpoint it starts from the beginning; a log that is there is no hindrance. */
static void test_from_the_beginning(void)
{
    CHECK_EQ(base_dir_create(tiny_path("begin")), MIEN_OK);
    static const char torn[] = "{\"kind\":\"step\",\"step\":1}\n{\"ki";
    CHECK(tiny_write("begin/log.jsonl", torn, strlen(torn)));
    mien_log_set(capture, NULL, MIEN_LOG_INFO);
    CHECK_EQ(resume("c.json", "begin", NULL, NULL), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "begin/model/model.safetensors"));
    CHECK(equal_logs("whole", "begin"));
}

static void test_disagreement(void)
{
    CHECK_EQ(resume("c.json", "stop", "optim.lr=0.1", NULL), MIEN_ERR_ARG);
    CHECK(captured_once("optim.lr"));
    CHECK_EQ(resume("c.json", "stop", "loss.mining.threshold=0.5", NULL), MIEN_ERR_ARG);
    CHECK(captured_once("loss.mining.threshold"));
    CHECK_EQ(resume("c.json", "stop", "data.train=two.jsonl", NULL), MIEN_ERR_DATA);
    CHECK(tiny_write("two.jsonl", "", 0));
    CHECK_EQ(resume("c.json", "stop", "run.log_every=7", NULL), MIEN_OK); /* may change */
    CHECK(equal_files("whole/model/model.safetensors", "stop/model/model.safetensors"));
}

/* Fewer rows in the manifest than the run was begun with. */
static void test_other_data(void)
{
    char *text = NULL;
    size_t size = 0;
    const char *const sets[] = {"run.dir=short2", "data.train=copy.jsonl"};
    struct mien_train_params params = {.size = sizeof params, .sets = sets, .set_count = 2, .resume = true};
    CHECK_EQ(base_file_read(tiny_path("t.jsonl"), 0, &text, &size), MIEN_OK);
    CHECK(tiny_write("copy.jsonl", text, size));
    CHECK_EQ(train_sets(sets, 2, NULL), MIEN_OK);
    CHECK(tiny_write("copy.jsonl", text, size / 2 + strcspn(text + size / 2, "\n") + 1));
    params.config = tiny_path("c.json");
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("24 samples"));
    base_free(text);
}

/* The run directory's config.json is a configuration where it lies. */
static void test_config_is_one(void)
{
    const char *const sets[] = {"run.dir=again"};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("whole/config.json"), .sets = sets, .set_count = 1};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "again/model/model.safetensors"));
    CHECK(equal_configs("whole", "again"));
}

/* A checkpoint of another device, or of other kernels, goes on with a warning. */
static void test_other_kernels(void)
{
    char *text = NULL, *at;
    size_t size = 0;
    CHECK_EQ(base_dir_remove(tiny_path("every/checkpoints/step-6")), MIEN_OK);
    CHECK_EQ(base_file_read(tiny_path("every/checkpoints/step-4/state.json"), 0, &text, &size), MIEN_OK);
    at = text ? strstr(text, "\"infonce f32[6,6]") : NULL;
    CHECK(at != NULL && (at = strstr(at, "\": \"")) != NULL);
    if (at)
        at[5] = 'X';
    CHECK(tiny_write("every/checkpoints/step-4/state.json", text, size));
    CHECK_EQ(base_sums_write(tiny_path("every/checkpoints/step-4")), MIEN_OK);
    base_free(text);
    const char *const sets[] = {"run.dir=every", "run.checkpoint_every=2", "run.keep=3"};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 3, .resume = true};
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(captured_once("infonce"));
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_stop_and_resume();
    test_more_steps();
    test_relabelled();
    test_damaged();
    test_damaged_state();
    test_any_bit();
    test_all_damaged();
    test_keep();
    test_from_the_beginning();
    test_disagreement();
    test_config_is_one();
    test_other_data();
    test_other_kernels();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
