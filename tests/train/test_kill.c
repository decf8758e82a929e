/* Killed at random moments, half of them while a checkpoint is being written, and resumed each time: the weights,
 * the log and the event file are those of an unbroken run. Ten kills, or as many as MIEN_KILLS says, in as many runs as
 * they take. The program is its own child: with arguments it trains. */
#include "check.h"
#include "device.h"

#include "train/events.h"
#include "train/tiny_run.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 10 };

static const char *const steady[] = {"run.steps=24", "run.checkpoint_every=1", "run.keep=2", "run.tensorboard=true"};

/* Goes on with the run `killed` until it ends, or until somebody ends this process. */
static int child_main(const char *dir)
{
    const char *const sets[] = {"run.dir=killed", steady[0], steady[1], steady[2], steady[3]};
    struct mien_train_params params = {
        .size = sizeof params, .config = "c.json", .sets = sets, .set_count = 5, .resume = true};
    enum mien_status status = MIEN_OK;
    if (chdir(dir) != 0)
        return 2;
    capture_start();
    TRY(mien_gpu_create(NULL, &gpu));
    TRY(mien_train(gpu, &params, NULL));
fail:
    if (status != MIEN_OK)
        fprintf(stderr, "child: %s\n", captured);
    mien_gpu_destroy(&gpu);
    return status != MIEN_OK;
}

static bool writes_checkpoint(void)
{
    char **names = NULL;
    size_t count = 0;
    bool partial = false;
    if (!base_file_is_dir(tiny_path("killed/checkpoints")))
        return false;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    (void)base_dir_list(tiny_path("killed/checkpoints"), &names, &count);
    base_log_soften(before);
    for (size_t i = 0; i < count; i++)
        partial = partial || strstr(names[i], ".mien-new-");
    base_dir_list_free(&names, &count);
    return partial;
}

/* Starts a child; kills it after `seconds`, or, then, as soon as it writes a checkpoint. Whether it was killed. */
static bool run_child(const char *self, double seconds, bool while_writing, bool *clean)
{
    int state = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl(self, self, tiny_dir, (char *)NULL);
        _exit(127);
    }
    double began = base_clock_seconds();
    while (waitpid(pid, &state, WNOHANG) == 0) {
        bool due = base_clock_seconds() - began > seconds;
        if (due && (!while_writing || writes_checkpoint())) {
            kill(pid, SIGKILL);
            waitpid(pid, &state, 0);
            break;
        }
        struct timespec pause = {.tv_nsec = 200000};
        nanosleep(&pause, NULL);
    }
    *clean = WIFEXITED(state) && WEXITSTATUS(state) == 0;
    return WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL;
}

struct counts {
    uint32_t kills, while_writing, resumes;
};

/* One run that is killed up to `most` times. */
static void test_run(const char *self, double unbroken, uint32_t most, struct base_rng *rng, struct counts *c)
{
    bool clean = false;
    CHECK_EQ(base_dir_remove(tiny_path("killed")), MIEN_OK);
    for (uint32_t i = 0; i < most && !clean; i++) { /* some come before the first step, some end late ones */
        bool writing = i % 2 == 1, was = run_child(self, base_rng_uniform(rng) * 0.35 * unbroken, writing, &clean);
        c->kills += was;
        c->while_writing += was && writes_checkpoint();
        c->resumes += i > 0;
        CHECK(was || clean);
    }
    for (uint32_t i = 0; i < 3 && !clean; i++) {
        run_child(self, 1e9, false, &clean);
        c->resumes++;
    }
    CHECK(clean);
    CHECK(equal_files("whole/model/model.safetensors", "killed/model/model.safetensors"));
    CHECK(equal_files("whole/checkpoints/step-24/optimizer.safetensors",
                      "killed/checkpoints/step-24/optimizer.safetensors"));
    CHECK(equal_files("whole/checkpoints/step-24/state.json", "killed/checkpoints/step-24/state.json"));
    CHECK(equal_logs("whole", "killed"));
    CHECK(equal_files("whole/" TRAIN_EVENTS_NAME, "killed/" TRAIN_EVENTS_NAME));
}

static void test_kills(const char *self, uint32_t most)
{
    struct base_rng rng = base_rng_make(base_clock_ns(), "kill", 0, 0);
    struct counts c = {0};
    uint32_t runs = 0;
    double began = base_clock_seconds();
    const char *const sets[] = {"run.dir=whole", steady[0], steady[1], steady[2], steady[3]};
    CHECK_EQ(train_sets(sets, 5, NULL), MIEN_OK);
    double unbroken = base_clock_seconds() - began;
    for (; c.kills < most && runs < most; runs++)
        test_run(self, unbroken, BASE_MIN(most - c.kills, (uint32_t)KILLS), &rng, &c);
    printf("%u kills in %u runs, %u of them left half a checkpoint; %u resumes\n", c.kills, runs, c.while_writing,
           c.resumes);
    CHECK(c.kills >= most && c.while_writing >= 1);
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
    const char *kills = getenv("MIEN_KILLS");
    test_kills(self, kills ? (uint32_t)atoi(kills) : KILLS);
    base_free(self);
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
