#define _DEFAULT_SOURCE /* usleep */
/* The run directory: it has one owner; nothing of the user's is removed or renamed; what killed runs leave is put
 * right; its config.json serves from any folder. The program is its own child: with arguments it trains and waits. */
#include "check.h"
#include "device.h"

#include "train/tiny_run.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- one owner ---- */

/* After its first step it says so and waits to be killed. */
static bool wait_for_ever(void *user, uint64_t step, uint64_t steps)
{
    (void)user;
    (void)steps;
    if (step == 1 && base_file_write("trains", "", 0) == MIEN_OK)
        pause();
    return true;
}

static int child_main(const char *dir)
{
    const char *const sets[] = {"run.dir=owned"};
    struct mien_train_params params = {
        .size = sizeof params, .config = "c.json", .sets = sets, .set_count = 1, .progress = wait_for_ever};
    enum mien_status status = MIEN_OK;
    if (chdir(dir) != 0)
        return 2;
    TRY(mien_gpu_create(NULL, &gpu));
    TRY(mien_train(gpu, &params, NULL));
fail:
    mien_gpu_destroy(&gpu);
    return status != MIEN_OK;
}

static enum mien_status open_run(const char *run, const char *set, bool resume, struct mien_training **out)
{
    char dir[128];
    const char *sets[] = {dir, set};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = set ? 2 : 1, .resume = resume};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_training_open(&params, out);
}

static enum mien_status resume(const char *run, const char *set)
{
    char dir[128];
    const char *sets[] = {dir, set};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = set ? 2 : 1, .resume = true};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_train(gpu, &params, NULL);
}

/* No data are read, no device is opened, nothing is tidied before the directory is one's own. */
static void test_second_comer(const char *self)
{
    struct mien_training *training = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        execl(self, self, tiny_dir, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 6000 && !base_file_exists(tiny_path("trains")); i++)
        usleep(10000);
    CHECK(base_file_exists(tiny_path("owned/.mien-lock")));
    CHECK_EQ(base_dir_create(tiny_path("owned/.mien-new-model")), MIEN_OK);
    CHECK_EQ(open_run("owned", "data.train=nowhere.jsonl", true, &training), MIEN_ERR_ARG);
    CHECK(training == NULL && captured_once("another process"));
    CHECK_EQ(open_run("owned", NULL, false, &training), MIEN_ERR_ARG);
    CHECK(captured_once("another process"));
    CHECK(base_file_exists(tiny_path("owned/.mien-new-model")) && base_file_exists(tiny_path("owned/config.json")));
    struct mien_train_params own = {.size = sizeof own, .run_dir = "owned", .resume = true};
    capture_start();
    CHECK_EQ(mien_train(gpu, &own, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("another process"));
    struct mien_train_params dry = {
        .size = sizeof dry, .config = tiny_path("c.json"), .dry_run = true}; /* takes no directory */
    CHECK_EQ(mien_train(gpu, &dry, NULL), MIEN_OK);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_EQ(resume("owned", NULL), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "owned/model/model.safetensors"));
    CHECK(equal_logs("whole", "owned"));
    CHECK(!base_file_exists(tiny_path("owned/.mien-new-model")) && !base_file_exists(tiny_path("owned/.mien-lock")));
}

static void test_open_and_close(void)
{
    struct mien_training *training = NULL, *other = NULL;
    CHECK_EQ(open_run("a/b/c", NULL, false, &training), MIEN_OK);
    CHECK(base_file_exists(tiny_path("a/b/c/.mien-lock")));
    CHECK_EQ(open_run("a/./b/../b/c", NULL, true, &other), MIEN_ERR_ARG); /* by another way, in one process */
    CHECK(other == NULL && captured_once("another process"));
    CHECK_EQ(mien_training_run(training, NULL, NULL), MIEN_ERR_ARG);
    mien_training_close(&training);
    mien_training_close(&training);
    CHECK(!base_file_exists(tiny_path("a"))); /* nothing was written into it */
    CHECK_EQ(train("a/b", "data.train=nowhere.jsonl", NULL, NULL), MIEN_ERR_DATA);
    CHECK(!base_file_exists(tiny_path("a")));
    CHECK_EQ(base_dir_create(tiny_path("a/b")), MIEN_OK);
    CHECK_EQ(open_run("a/b/c", NULL, false, &training), MIEN_OK);
    mien_training_close(&training);
    CHECK(base_file_is_dir(tiny_path("a/b")) && !base_file_exists(tiny_path("a/b/c")));
    struct mien_train_params none = {.size = sizeof none, .resume = true},
                             both = {.size = sizeof both, .config = "c.json", .run_dir = "a", .resume = true};
    struct mien_train_params missing = {.size = sizeof missing, .run_dir = "no/such", .resume = true};
    CHECK_EQ(mien_training_open(&none, &training), MIEN_ERR_ARG);
    CHECK_EQ(mien_training_open(&both, &training), MIEN_ERR_ARG);
    CHECK_EQ(mien_training_open(&missing, &training), MIEN_ERR_ARG);
    CHECK(training == NULL && !base_file_exists(tiny_path("no")));
}

/* ---- what is the user's ---- */

static const char *const own_names[] = {"model.old/weights", "log.jsonl.old",     "thesis.old",
                                        "film.zip.partial",  "best.partial/x",    "checkpoints/step-2.old/x",
                                        "src.old/main.c",    "checkpoints/x.old", "checkpoints/step-9.partial/x"};

static void put_own(const char *run)
{
    for (size_t i = 0; i < BASE_COUNT(own_names); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/%s", run, own_names[i]);
        char *dir = base_path_dir(tiny_path(name));
        CHECK(base_dir_create(dir) == MIEN_OK && tiny_write(name, "precious", 8));
        base_free(dir);
    }
}

static bool has_own(const char *run)
{
    bool all = true;
    for (size_t i = 0; i < BASE_COUNT(own_names); i++) {
        char name[128], *text = NULL;
        size_t size = 0;
        snprintf(name, sizeof(name), "%s/%s", run, own_names[i]);
        bool there = base_file_exists(tiny_path(name)) && base_file_read(tiny_path(name), 0, &text, &size) == MIEN_OK;
        if (!there || strcmp(text, "precious") != 0)
            fprintf(stderr, "%s is gone\n", name);
        all = all && there && strcmp(text, "precious") == 0;
        base_free(text);
    }
    return all;
}

static void test_nothing_is_lost(void)
{
    CHECK_EQ(train("kept", "run.steps=4", "optim.schedule=constant", NULL), MIEN_OK);
    put_own("kept");
    CHECK_EQ(resume("kept", "optim.schedule=constant"), MIEN_OK);
    CHECK(captured_once("best.partial and others like it may be left of a run of an older version"));
    CHECK(has_own("kept") && base_file_is_dir(tiny_path("kept/model")));
    put_own("project"); /* no run at all */
    CHECK_EQ(resume("project", "data.train=nowhere.jsonl"), MIEN_ERR_DATA);
    CHECK(has_own("project") && !base_file_exists(tiny_path("project/.mien-lock")));
}

/* Killed between two renames, and in other moments: the model, or the checkpoint, is there again. */
static void test_put_right(void)
{
    CHECK_EQ(train("right", "run.checkpoint_every=2", NULL, NULL), MIEN_OK);
    CHECK_EQ(base_rename(tiny_path("right/checkpoints/step-6"), tiny_path("right/checkpoints/.mien-old-step-6")),
             MIEN_OK);
    CHECK_EQ(base_dir_create(tiny_path("right/checkpoints/.mien-new-step-6")), MIEN_OK);
    CHECK_EQ(base_rename(tiny_path("right/model"), tiny_path("right/.mien-old-model")), MIEN_OK);
    CHECK(tiny_write("right/.mien-77777-0.tmp", "half", 4));
    struct mien_training *training = NULL;
    CHECK_EQ(open_run("right", "run.checkpoint_every=2", true, &training), MIEN_OK);
    CHECK(equal_files("whole/model/model.safetensors", "right/model/model.safetensors"));
    CHECK(equal_files("whole/checkpoints/step-6/optimizer.safetensors",
                      "right/checkpoints/step-6/optimizer.safetensors"));
    CHECK(!base_file_exists(tiny_path("right/.mien-77777-0.tmp")));
    CHECK(!base_file_exists(tiny_path("right/checkpoints/.mien-new-step-6")));
    mien_training_close(&training);
}

/* ---- going on by its own configuration ---- */

static enum mien_status go_on(const char *run_dir, const char *const *sets, size_t count)
{
    struct mien_train_params params = {
        .size = sizeof params, .run_dir = run_dir, .resume = true, .sets = sets, .set_count = count};
    capture_start();
    return mien_train(gpu, &params, NULL);
}

static void test_from_anywhere(void)
{
    static const char *const more[] = {"run.steps=6"};
    CHECK_EQ(train("any", "run.steps=4", "optim.schedule=constant", NULL), MIEN_OK);
    CHECK_EQ(train("long", "run.steps=6", "optim.schedule=constant", NULL), MIEN_OK);
    CHECK(chdir("/") == 0);
    CHECK_EQ(go_on(tiny_path("any"), more, 1), MIEN_OK);
    CHECK(chdir(tiny_path("any")) == 0);
    CHECK_EQ(go_on(".", NULL, 0), MIEN_OK); /* nothing is left to do */
    CHECK(chdir(tiny_dir) == 0);
    CHECK(equal_files("long/model/model.safetensors", "any/model/model.safetensors"));
    cJSON *json = NULL;
    CHECK_EQ(base_json_read(tiny_path("any/config.json"), &json), MIEN_OK);
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "train"));
    const char *dir = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "run"), "dir"));
    CHECK(data && *data == '/' && strstr(data, "/t.jsonl") && dir && *dir == '/' && strstr(dir, "/any"));
    cJSON_Delete(json);
}

/* As older versions wrote it: ways from the run directory. */
static void test_older_form(void)
{
    cJSON *json = NULL;
    CHECK_EQ(train("older", "run.steps=4", "optim.schedule=constant", NULL), MIEN_OK);
    CHECK_EQ(base_json_read(tiny_path("older/config.json"), &json), MIEN_OK);
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(json, "data"), "train", cJSON_CreateString("../t.jsonl"));
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(json, "run"), "dir", cJSON_CreateString("."));
    char *text = base_json_print(json, true);
    CHECK(text && tiny_write("older/config.json", text, strlen(text)));
    static const char *const more[] = {"run.steps=6"};
    CHECK_EQ(go_on(tiny_path("older"), more, 1), MIEN_OK);
    CHECK(equal_files("long/model/model.safetensors", "older/model/model.safetensors"));
    CHECK(tiny_write("older/config.json", text, strlen(text)));
    CHECK_EQ(resume("older", "optim.schedule=constant"), MIEN_OK);
    base_free(text);
    cJSON_Delete(json);
}

/* A run that was moved together with its data; and one whose data are others. */
static void test_moved(void)
{
    char *text = NULL, *moved = NULL, *at;
    size_t size = 0;
    CHECK_EQ(base_file_read(tiny_path("t.jsonl"), 0, &text, &size), MIEN_OK);
    moved = base_alloc(2 * size + 1, 1);
    at = moved;
    for (size_t i = 0; moved && i < size; i++) { /* "0.png" -> "../0.png" */
        *at++ = text[i];
        if (i > 8 && memcmp(text + i - 8, "\"image\":\"", 9) == 0)
            at += sprintf(at, "../");
    }
    CHECK_EQ(base_dir_create(tiny_path("pair")), MIEN_OK);
    CHECK(tiny_write("pair/t.jsonl", moved, (size_t)(at - moved)));
    CHECK_EQ(train("pair/run", "data.train=pair/t.jsonl", "run.steps=4", NULL), MIEN_OK);
    CHECK_EQ(base_rename(tiny_path("pair"), tiny_path("moved")), MIEN_OK);
    const char *const there[] = {"run.steps=6", "data.train=moved/t.jsonl"};
    const char *const other[] = {"run.steps=6", "data.train=t.jsonl"};
    CHECK_EQ(go_on("moved/run", other, 2), MIEN_ERR_ARG);
    CHECK(captured_once("data.train"));
    CHECK_EQ(go_on("moved/run", there, 2), MIEN_OK);
    CHECK(base_file_is_dir(tiny_path("moved/run/checkpoints/step-6")));
    base_free(text);
    base_free(moved);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child_main(argv[1]);
    char here[512] = "";
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    char *self = getcwd(here, sizeof(here)) ? base_path_join(here, argv[0]) : NULL;
    if (!self || !tiny_make())
        CHECK_SKIP("no temporary directory");
    CHECK_EQ(train("whole", NULL, NULL, NULL), MIEN_OK);
    test_second_comer(self);
    test_open_and_close();
    test_nothing_is_lost();
    test_put_right();
    test_from_anywhere();
    test_older_form();
    test_moved();
    base_free(self);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
