/* What the disk does to a run: a directory that cannot be made, a disk that is full, a picture that vanishes. Nothing
 * whole is lost, nothing half is left, and the message says what to do. A full disk is a limit on the size of files
 * (RLIMIT_FSIZE), in a child process. */
#include "check.h"
#include "device.h"

#include "train/tiny_run.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Status of a run in a child under a limit on file sizes. The last message goes to message.txt. */
static int run_limited(const char *self, uint64_t bytes, bool resume)
{
    char limit[32];
    int state = 0;
    snprintf(limit, sizeof(limit), "%llu", (unsigned long long)bytes);
    pid_t pid = fork();
    if (pid == 0) {
        execl(self, self, tiny_dir, limit, resume ? "resume" : "new", (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &state, 0);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static int child_main(char **argv)
{
    static const char *const sets[] = {"run.dir=full", "run.checkpoint_every=2", "run.keep=9"};
    struct mien_train_params params = {.size = sizeof params,
                                       .config = "c.json",
                                       .sets = sets,
                                       .set_count = 3,
                                       .resume = strcmp(argv[3], "resume") == 0};
    struct rlimit limit = {.rlim_cur = strtoull(argv[2], NULL, 10), .rlim_max = RLIM_INFINITY};
    if (chdir(argv[1]) != 0 || mien_gpu_create(NULL, &gpu) != MIEN_OK)
        return 99;
    signal(SIGXFSZ, SIG_IGN); /* writes then fail, as on a full disk */
    if (limit.rlim_cur && setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 98;
    capture_start();
    enum mien_status status = mien_train(gpu, &params, NULL);
    mien_gpu_destroy(&gpu);
    FILE *file = fopen("message.txt", "w");
    if (file) {
        fputs(captured, file);
        fclose(file);
    }
    return mien_status_exit_code(status);
}

static bool message_has(const char *part)
{
    char *text = NULL;
    size_t size = 0;
    bool has = base_file_read(tiny_path("message.txt"), 0, &text, &size) == MIEN_OK && strstr(text, part) != NULL;
    if (!has)
        fprintf(stderr, "\"%s\" does not say \"%s\"\n", text ? text : "", part);
    base_free(text);
    return has;
}

static bool half_files(const char *dir)
{
    char **names = NULL;
    size_t count = 0;
    bool half = false;
    CHECK_EQ(base_dir_list(tiny_path(dir), &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++)
        half = half || strncmp(names[i], ".mien-", 6) == 0;
    base_dir_list_free(&names, &count);
    return half;
}

/* The weights take about 30 KiB: the first checkpoint cannot be written. With room again the run goes on to the same
 * bytes. */
static void test_full(const char *self)
{
    CHECK_EQ(train("whole", "run.checkpoint_every=2", "run.keep=9", NULL), MIEN_OK);
    CHECK_EQ(run_limited(self, 20000, false), 1);
    CHECK(message_has("full/checkpoints/.mien-new-step-2"));
    CHECK(base_file_is_dir(tiny_path("full/checkpoints")) && !half_files("full/checkpoints"));
    CHECK(!base_file_exists(tiny_path("full/checkpoints/step-2")) && !base_file_exists(tiny_path("full/model")));
    CHECK_EQ(run_limited(self, 0, true), 0);
    CHECK(equal_files("whole/model/model.safetensors", "full/model/model.safetensors"));
    CHECK(equal_logs("whole", "full"));
    /* a later checkpoint that cannot be written leaves the earlier ones */
    CHECK_EQ(base_dir_remove(tiny_path("full/checkpoints/step-6")), MIEN_OK);
    CHECK_EQ(base_dir_remove(tiny_path("full/model")), MIEN_OK);
    CHECK_EQ(run_limited(self, 20000, true), 1);
    CHECK(base_file_is_dir(tiny_path("full/checkpoints/step-4")) && !half_files("full/checkpoints"));
    CHECK_EQ(run_limited(self, 0, true), 0);
    CHECK(equal_files("whole/model/model.safetensors", "full/model/model.safetensors"));
}

static void test_unwritable(void)
{
    CHECK(tiny_write("file", "x", 1));
    CHECK_EQ(train("file/run", NULL, NULL, NULL), MIEN_ERR_IO);
    CHECK(captured_once("file: cannot create the directory"));
    if (geteuid() == 0)
        return; /* root may write anywhere */
    CHECK(mkdir(tiny_path("locked"), 0500) == 0);
    CHECK_EQ(train("locked/run", NULL, NULL, NULL), MIEN_ERR_IO);
    CHECK(captured_once("locked/run"));
}

/* A picture that is gone when a resumed run comes to it. */
static void test_vanished(void)
{
    const char *const sets[] = {"run.dir=gone", "run.steps=4", "data.max_bad=0.1"};
    const char *const more[] = {"run.dir=gone", "run.steps=12", "data.max_bad=0.1"};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = more, .set_count = 3, .resume = true};
    CHECK_EQ(train_sets(sets, 3, NULL), MIEN_OK);
    CHECK(remove(tiny_path("7.png")) == 0);
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    CHECK(captured_count >= 1); /* named once as unreadable, once as left out */
    const char *const strict[] = {"run.dir=strict", "run.steps=12"};
    CHECK_EQ(train_sets(strict, 2, NULL), MIEN_ERR_DATA);
    CHECK(strstr(captured, "max_bad") != NULL);
    CHECK(!base_file_exists(tiny_path("strict/model")));
}

int main(int argc, char **argv)
{
    char here[512] = "";
    if (argc > 3)
        return child_main(argv);
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    char *self = getcwd(here, sizeof(here)) ? base_path_join(here, argv[0]) : NULL;
    if (!self || !tiny_make())
        CHECK_SKIP("no temporary directory");
    test_full(self);
    test_unwritable();
    test_vanished();
    base_free(self);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
