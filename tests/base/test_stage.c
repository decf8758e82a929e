/* One owner among processes, and directories that appear whole: what is refused, what a killed process leaves, and what
 * is never touched. */
#include "capture.h"
#include "check.h"

#include "base/lock_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/mien-stage-XXXXXX";

/* A path below root. */
static const char *in_root(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof(path[next]), "%s/%s", root, name);
    return path[next];
}

static void put(const char *name, const char *text)
{
    char *dir = base_path_dir(in_root(name));
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    CHECK_EQ(base_file_write(in_root(name), text, strlen(text)), MIEN_OK);
    base_free(dir);
}

static bool holds(const char *name, const char *text)
{
    char *data = NULL;
    size_t size = 0;
    bool same = base_file_exists(in_root(name)) && base_file_read(in_root(name), 0, &data, &size) == MIEN_OK &&
                strcmp(data, text) == 0;
    base_free(data);
    return same;
}

static size_t names_in(const char *dir)
{
    char **names = NULL;
    size_t count = 0, result;
    CHECK_EQ(base_dir_list(in_root(dir), &names, &count), MIEN_OK);
    result = count;
    base_dir_list_free(&names, &count);
    return result;
}

/* ---- locks ---- */

/* A process that takes the lock, says so by a byte, and waits to be killed. */
static pid_t start_owner(const char *path)
{
    int ends[2];
    char byte = 0;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct base_lock *lock = NULL;
        long owner;
        if (base_lock_take(path, &lock, &owner) == MIEN_OK && lock && write(ends[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
    close(ends[0]);
    return pid;
}

static void end_owner(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_lock(void)
{
    struct base_lock *lock = NULL, *other = NULL;
    long owner = 0;
    CHECK_EQ(base_lock_take(in_root("lock"), &lock, &owner), MIEN_OK);
    CHECK(lock != NULL && owner == 0);
    CHECK_EQ(base_lock_take(in_root("lock"), &other, &owner), MIEN_OK); /* nor in this process */
    CHECK(other == NULL && owner == (long)getpid());
    base_lock_release(&lock);
    CHECK(lock == NULL && !base_file_exists(in_root("lock")));
    base_lock_release(&lock);
    base_lock_release(NULL);
    pid_t pid = start_owner(in_root("lock"));
    CHECK_EQ(base_lock_take(in_root("lock"), &other, &owner), MIEN_OK);
    CHECK(other == NULL && owner == (long)pid);
    end_owner(pid);
    CHECK(base_file_exists(in_root("lock"))); /* left behind, and nobody's */
    CHECK_EQ(base_lock_take(in_root("lock"), &other, &owner), MIEN_OK);
    CHECK(other != NULL);
    base_lock_release(&other);
    capture_start();
    CHECK_EQ(base_lock_take(in_root("missing/lock"), &lock, &owner), MIEN_ERR_IO);
    CHECK(lock == NULL && captured_once("missing/lock: cannot create the lock"));
}

/* The file of a lock that goes from hand to hand is removed each time; two never hold it at once. */
static void test_contention(void)
{
    enum { PROCESSES = 4, TURNS = 300 };
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0)
            continue;
        int bad = 0;
        for (int turn = 0; turn < TURNS;) {
            struct base_lock *lock = NULL;
            long owner;
            bad += base_lock_take(in_root("turn"), &lock, &owner) != MIEN_OK;
            if (!lock)
                continue;
            bad += base_dir_create(in_root("inside")) != MIEN_OK || !base_dir_remove_empty(in_root("inside"));
            base_lock_release(&lock);
            turn++;
        }
        _exit(bad != 0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int state = 1;
        wait(&state);
        CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    }
    CHECK(!base_file_exists(in_root("turn")));
}

/* ---- stages ---- */

static void fill(struct base_stage *stage, const char *text)
{
    char *path = base_path_join(base_stage_dir(stage), "file");
    CHECK_EQ(base_file_write(path, text, strlen(text)), MIEN_OK);
    base_free(path);
}

static void test_stage(void)
{
    struct base_stage *stage = NULL, *other = NULL;
    CHECK_EQ(base_stage_open(in_root("s/deep/a/"), &stage), MIEN_OK);
    CHECK(strstr(base_stage_dir(stage), "/s/deep/.mien-new-a") != NULL);
    CHECK(!base_file_exists(in_root("s/deep/a")));
    capture_start();
    CHECK_EQ(base_stage_open(in_root("s/deep/a"), &other), MIEN_ERR_ARG);
    CHECK(other == NULL && captured_once("another process"));
    fill(stage, "one");
    CHECK_EQ(base_stage_commit(&stage), MIEN_OK);
    CHECK(stage == NULL && holds("s/deep/a/file", "one") && names_in("s/deep") == 1);
    CHECK_EQ(base_stage_open(in_root("s/deep/a"), &stage), MIEN_OK);
    fill(stage, "two");
    CHECK_EQ(base_stage_replace(&stage), MIEN_OK);
    CHECK(holds("s/deep/a/file", "two") && names_in("s/deep") == 1);
    CHECK_EQ(base_stage_open(in_root("s/deep/a"), &stage), MIEN_OK);
    fill(stage, "three");
    base_stage_abandon(&stage);
    base_stage_abandon(&stage);
    CHECK(holds("s/deep/a/file", "two") && names_in("s/deep") == 1);
    CHECK_EQ(base_stage_remove(in_root("s/deep/a")), MIEN_OK);
    CHECK_EQ(names_in("s/deep"), 0);
}

static void test_nothing_is_lost(void)
{
    struct base_stage *stage = NULL;
    put("n/a/precious", "mine");
    CHECK_EQ(base_stage_open(in_root("n/a"), &stage), MIEN_OK);
    capture_start();
    CHECK_EQ(base_stage_commit(&stage), MIEN_ERR_IO); /* something came into its place */
    CHECK(captured_once("cannot rename") && holds("n/a/precious", "mine") && names_in("n") == 1);
    CHECK_EQ(base_stage_open(in_root("n/a"), &stage), MIEN_OK);
    CHECK_EQ(base_dir_remove(base_stage_dir(stage)), MIEN_OK); /* so that the second rename fails */
    CHECK_EQ(base_stage_replace(&stage), MIEN_ERR_IO);
    CHECK(holds("n/a/precious", "mine") && names_in("n") == 1);
    CHECK_EQ(base_dir_create(in_root("n/b")), MIEN_OK); /* an empty one gives way */
    CHECK_EQ(base_stage_open(in_root("n/b"), &stage), MIEN_OK);
    fill(stage, "one");
    CHECK_EQ(base_stage_commit(&stage), MIEN_OK);
    CHECK(holds("n/b/file", "one") && names_in("n") == 2);
}

/* ---- what is left ---- */

static void test_recover(void)
{
    static const char *const own[] = {"notes.old",    "film.partial", "a.partial/x",    "a.old/x",
                                      ".mien-mine/x", ".mien",        ".mien-1-2.tmpx", ".mien-lock"};
    for (size_t i = 0; i < BASE_COUNT(own); i++) {
        char name[64];
        snprintf(name, sizeof(name), "r/%s", own[i]);
        put(name, "mine");
    }
    put("r/.mien-new-a/half", "h");
    put("r/.mien-old-b/file", "aside"); /* killed between the two renames */
    put("r/.mien-old-c/file", "aside"); /* ... after the second one */
    put("r/c/file", "new");
    put("r/.mien-77777-3.tmp", "h");
    put("r/.mien-lock-a", "");
    CHECK_EQ(base_stage_recover(in_root("r")), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(own); i++) {
        char name[64];
        snprintf(name, sizeof(name), "r/%s", own[i]);
        CHECK(holds(name, "mine"));
    }
    CHECK(holds("r/b/file", "aside") && holds("r/c/file", "new"));
    CHECK_EQ(names_in("r"), BASE_COUNT(own) + 2);
    CHECK_EQ(base_stage_recover(in_root("not there")), MIEN_OK);
}

/* What a living process is at stays, even when it is this one. */
static void test_recover_spares(void)
{
    struct base_stage *stage = NULL;
    struct base_out *out = NULL;
    CHECK_EQ(base_stage_open(in_root("v/a"), &stage), MIEN_OK);
    fill(stage, "one");
    CHECK_EQ(base_out_open(in_root("v/out"), &out), MIEN_OK);
    CHECK_EQ(base_out_write(out, "x", 1), MIEN_OK);
    CHECK_EQ(base_stage_recover(in_root("v")), MIEN_OK);
    CHECK_EQ(names_in("v"), 3);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    CHECK_EQ(base_stage_commit(&stage), MIEN_OK);
    CHECK(holds("v/out", "x") && holds("v/a/file", "one") && names_in("v") == 2);
    char **names = NULL, temp[300];
    size_t count = 0;
    pid_t pid = fork();
    if (pid == 0) { /* killed while it writes */
        (void)!base_out_open(in_root("v/never"), &out);
        raise(SIGKILL);
    }
    waitpid(pid, NULL, 0);
    CHECK_EQ(base_dir_list(in_root("v"), &names, &count), MIEN_OK);
    CHECK(count == 3 && strncmp(names[0], ".mien-", 6) == 0);
    snprintf(temp, sizeof(temp), "v/%s", count ? names[0] : "");
    CHECK(base_file_exists(in_root(temp)));
    base_dir_list_free(&names, &count);
    CHECK_EQ(base_stage_recover(in_root("v")), MIEN_OK);
    CHECK_EQ(names_in("v"), 2);
}

/* Whoever begins an output or a directory removes what killed processes have left beside it, and nothing else. */
static void test_next_one_tidies(void)
{
    struct base_stage *stage = NULL;
    for (int round = 0; round < 2; round++) {
        put("t/.mien-77777-3.tmp", "h");
        put("t/.mien-new-a/half", "h");
        put("t/.mien-lock-a", "");
        put("t/.mien-mine", "mine");
        put("t/x.tmp", "mine");
        if (round == 0) {
            CHECK_EQ(base_file_write(in_root("t/out"), "x", 1), MIEN_OK);
        } else {
            CHECK_EQ(base_stage_open(in_root("t/b"), &stage), MIEN_OK);
            base_stage_abandon(&stage);
        }
        CHECK(holds("t/.mien-mine", "mine") && holds("t/x.tmp", "mine") && holds("t/out", "x"));
        CHECK_EQ(names_in("t"), 3);
    }
}

/* Several processes that write into one directory tidy it at once and never take each other's files. */
static void test_tidying_together(void)
{
    enum { PROCESSES = 4, TURNS = 200 };
    CHECK_EQ(base_dir_create(in_root("together")), MIEN_OK);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() != 0)
            continue;
        int bad = 0;
        char name[32];
        snprintf(name, sizeof(name), "together/%d", p);
        for (int turn = 0; turn < TURNS; turn++)
            bad += base_file_write(in_root(name), "x", 1) != MIEN_OK;
        _exit(bad != 0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int state = 1;
        wait(&state);
        CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    }
    CHECK_EQ(names_in("together"), PROCESSES);
}

/* Names that Mien chooses are never written or removed through a link; a user's output is. */
static void test_links(void)
{
    struct base_stage *stage = NULL;
    struct base_out *out = NULL;
    char target[512];
    put("l/victim", "precious");
    put("l/dir/file", "precious");
    CHECK(symlink("victim", in_root("l/link")) == 0 && symlink("dir", in_root("l/model")) == 0);
    capture_start();
    CHECK_EQ(base_out_append(in_root("l/link"), &out), MIEN_ERR_IO);
    CHECK(out == NULL && captured_once("is a link"));
    CHECK_EQ(base_file_write_own(in_root("l/link"), "new", 3), MIEN_OK);
    CHECK(holds("l/link", "new") && holds("l/victim", "precious"));
    CHECK(readlink(in_root("l/link"), target, sizeof(target)) < 0);
    CHECK_EQ(base_stage_open_own(in_root("l/model"), &stage), MIEN_OK);
    fill(stage, "new");
    CHECK_EQ(base_stage_replace(&stage), MIEN_OK);
    CHECK(holds("l/model/file", "new") && holds("l/dir/file", "precious"));
    CHECK(symlink("dir", in_root("l/gone")) == 0);
    CHECK_EQ(base_stage_remove(in_root("l/gone")), MIEN_OK);
    CHECK(holds("l/dir/file", "precious") && !base_file_exists(in_root("l/gone")));
    CHECK_EQ(names_in("l"), 4); /* victim, link, dir, model */
}

int main(void)
{
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    test_lock();
    test_contention();
    test_stage();
    test_nothing_is_lost();
    test_recover();
    test_recover_spares();
    test_next_one_tidies();
    test_tidying_together();
    test_links();
    CHECK_EQ(base_dir_remove(root), MIEN_OK);
    return check_result();
}
