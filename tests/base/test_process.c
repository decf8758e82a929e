/* Programs: what they are given, what they write, how they end; above all when they do not do as they should. */
#include "capture.h"
#include "check.h"

#include "base/clock.h"
#include "base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A shell that runs `script` with one argument. */
static struct base_process *shell(const char *script, const char *argument)
{
    struct base_process *p = NULL;
    const char *const argv[] = {"sh", "-c", script, "sh", argument, NULL};
    CHECK_EQ(base_process_start(argv, &p), MIEN_OK);
    CHECK(p != NULL);
    return p;
}

/* All of its output as text, and its exit status. */
static int read_all(struct base_process *p, char *text, size_t size)
{
    size_t got = 0;
    int code = -1;
    CHECK_EQ(base_process_read(p, text, size - 1, &got), MIEN_OK);
    text[got] = 0;
    CHECK(got < size - 1); /* so the end has been reached */
    CHECK_EQ(base_process_wait(p, &code), MIEN_OK);
    return code;
}

static void test_arguments(void)
{
    static const char odd[] = "-a \"b\" $HOME '*' ;\n%s\xc3\xa4";
    char text[256];
    struct base_process *p = shell("printf '%s|' \"$@\"", odd);
    CHECK_EQ(read_all(p, text, sizeof(text)), 0);
    CHECK(strncmp(text, odd, strlen(odd)) == 0);
    CHECK_STR(text + strlen(odd), "|");
    CHECK_STR(base_process_said(p), "");
    base_process_close(&p);
    CHECK(p == NULL);
    p = shell("cat; echo end", "");
    CHECK_EQ(read_all(p, text, sizeof(text)), 0);
    CHECK_STR(text, "end\n"); /* its standard input is empty */
    base_process_close(&p);
    base_process_close(&p);
    base_process_close(NULL);
}

static void test_ends(void)
{
    char text[64];
    struct base_process *p = shell("echo out; echo one >&2; echo two >&2; printf three >&2; exit 7", "");
    CHECK_EQ(read_all(p, text, sizeof(text)), 7);
    CHECK_STR(text, "out\n");
    CHECK_STR(base_process_said(p), "one; three");
    base_process_close(&p);
    p = shell("echo alone >&2; kill -9 $$", "");
    CHECK_EQ(read_all(p, text, sizeof(text)), 128 + 9);
    CHECK_STR(base_process_said(p), "alone");
    base_process_close(&p);
    const char *const nobody[] = {"no-such-program-of-mien", NULL};
    capture_start();
    p = (struct base_process *)text;
    CHECK_EQ(base_process_start(nobody, &p), MIEN_OK);
    CHECK(p == NULL);
    CHECK_EQ(captured_count, 0);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

/* More on both pipes than they hold, in pieces; a line longer than what is kept of one. */
static void test_much(void)
{
    enum { LINES = 40000 };
    struct base_process *p = shell("i=0; while [ $i -lt 40000 ]; do echo 1234567; echo 'a long line of errors' >&2; "
                                   "i=$((i+1)); done; printf '%02000d' 5 >&2",
                                   "");
    char piece[12345];
    size_t total = 0, got = 0;
    int code = -1;
    do {
        CHECK_EQ(base_process_read(p, piece, sizeof(piece), &got), MIEN_OK);
        for (size_t i = 0; i < got; i++)
            if (piece[i] != "1234567\n"[(total + i) % 8])
                code = -2;
        total += got;
    } while (got == sizeof(piece));
    CHECK_EQ(total, LINES * 8);
    CHECK_EQ(code, -1);
    CHECK_EQ(base_process_wait(p, &code), MIEN_OK);
    CHECK_EQ(code, 0);
    CHECK(strncmp(base_process_said(p), "a long line of errors; 0000", 27) == 0);
    CHECK(strlen(base_process_said(p)) < 600);
    base_process_close(&p);
}

/* A program that would never end is ended; none is left as a zombie, no pipe open. */
static size_t open_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static void test_close(void)
{
    char text[9];
    size_t got, before = open_files();
    struct base_process *p = shell("while :; do echo 1234567; done", "");
    CHECK_EQ(base_process_read(p, text, 8, &got), MIEN_OK);
    CHECK(got == 8 && memcmp(text, "1234567\n", 8) == 0);
    base_process_close(&p);
    p = shell("exec sleep 1000", "");
    base_process_close(&p);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    CHECK_EQ(open_files(), before);
}

static void in_thread(void *user)
{
    char text[64];
    struct base_process *p = shell("kill -TERM $$; echo alive", "");
    *(int *)user = read_all(p, text, sizeof(text));
    base_process_close(&p);
}

/* Threads of ours have all signals blocked; a program that they start has not. */
static void test_signals(void)
{
    struct base_thread *thread = NULL;
    int code = 0;
    enum mien_status started = base_thread_start(&thread, in_thread, &code);
    base_thread_join(&thread); /* it counts checks too */
    CHECK_EQ(started, MIEN_OK);
    CHECK_EQ(code, 128 + SIGTERM);
    char text[64];
    signal(SIGCHLD, SIG_IGN); /* children are forgotten: how they end cannot be known */
    struct base_process *p = shell("echo out; exit 3", "");
    CHECK_EQ(read_all(p, text, sizeof(text)), 0);
    base_process_close(&p);
    signal(SIGCHLD, SIG_DFL);
}

/* A program of the working directory is not run where PATH has an empty or a relative element. */
static void test_working_directory(void)
{
    static const char *const paths[] = {"", ":", "::/nowhere", ".", "bin", "bin:", "./bin"};
    static const char script[] = "#!/bin/sh\necho foreign\n";
    const char *const argv[] = {"mien-foreign", NULL};
    char dir[] = "/tmp/mien-path-XXXXXX", here[1024], absolute[64], *kept = strdup(getenv("PATH"));
    struct base_process *p = NULL;
    CHECK(kept && getcwd(here, sizeof(here)) && mkdtemp(dir) && chdir(dir) == 0);
    CHECK_EQ(base_dir_create("bin"), MIEN_OK);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "bin/mien-foreign" : "mien-foreign";
        CHECK_EQ(base_file_write(name, script, strlen(script)), MIEN_OK);
        CHECK(chmod(name, 0700) == 0);
    }
    for (size_t i = 0; i < BASE_COUNT(paths); i++) {
        setenv("PATH", paths[i], 1);
        CHECK_EQ(base_process_start(argv, &p), MIEN_OK);
        CHECK(p == NULL);
        base_process_close(&p);
    }
    snprintf(absolute, sizeof(absolute), "bin::%s/bin", dir);
    setenv("PATH", absolute, 1);
    CHECK_EQ(base_process_start(argv, &p), MIEN_OK);
    CHECK(p != NULL);
    base_process_close(&p);
    setenv("PATH", kept, 1);
    CHECK(chdir(here) == 0);
    CHECK_EQ(base_dir_remove(dir), MIEN_OK);
    free(kept);
}

/* The next line, waited for; what comes is no line when the program has nothing more. */
static enum base_line next_line(struct base_process *p, char *line, size_t size)
{
    enum base_line what;
    while ((what = base_process_line(p, line, size)) == BASE_LINE_NONE)
        base_process_await(&p, 1, 10);
    return what;
}

static void test_lines(void)
{
    char line[20000];
    int code = 0;
    struct base_process *p = shell("printf 'a\\nb'; sleep 0.1; printf 'c\\n\\nlast'; kill -9 $$", "");
    struct base_process *none[2] = {NULL, p};
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "a");
    base_process_await(none, 2, 0);
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "bc");
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "");
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "last"); /* without a newline: the end is one */
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE_END);
    CHECK_EQ(base_process_wait(p, &code), MIEN_OK);
    CHECK_EQ(code, 128 + SIGKILL);
    base_process_close(&p);
    /* longer than what waits: in pieces, and nothing is lost */
    p = shell("printf '%040000d\\n' 7", "");
    size_t all = 0;
    while (next_line(p, line, sizeof(line)) == BASE_LINE)
        all += strlen(line);
    CHECK_EQ(all, 40000);
    base_process_close(&p);
    p = shell("sleep 60", "");
    CHECK_EQ(base_process_line(p, line, sizeof(line)), BASE_LINE_NONE);
    base_process_await(&p, 1, 0.05); /* comes back */
    base_process_close(&p);          /* does not wait for it */
}

/* This program again, wherever it stands. */
static void test_self(void)
{
    static const char *const args[] = {"--again", "with an argument", NULL};
    struct base_process *p = NULL;
    char line[100];
    int code = 0;
    CHECK_EQ(base_process_start_self(args, &p), MIEN_OK);
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "again with an argument");
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE_END);
    CHECK_EQ(base_process_wait(p, &code), MIEN_OK);
    CHECK_EQ(code, 5);
    base_process_close(&p);
}

/* A process and its child, which stay until they are ended; the child holds a lock while it lives. */
static int stay(const char *role, const char *path)
{
    const char *const args[] = {"--child", path, NULL};
    struct base_process *p = NULL;
    struct base_lock *lock = NULL;
    long owner;
    char line[100];
    if (strcmp(role, "--parent") == 0 && base_process_start_self(args, &p) == MIEN_OK)
        (void)next_line(p, line, sizeof(line));
    else if (!base_process_end_with_parent() || base_lock_take(path, &lock, &owner) != MIEN_OK || !lock)
        return 1;
    printf("here\n");
    fflush(stdout);
    for (;;)
        pause();
}

/* One who hangs does not stay behind when its parent is killed. */
static void test_orphan(void)
{
#ifdef __linux__
    static const char *const args[] = {"--parent", "test_process.lock", NULL};
    struct base_process *p = NULL;
    struct base_lock *lock = NULL;
    char line[100];
    long owner;
    CHECK_EQ(base_process_start_self(args, &p), MIEN_OK);
    CHECK_EQ(next_line(p, line, sizeof(line)), BASE_LINE);
    CHECK_STR(line, "here");
    CHECK_EQ(base_lock_take(args[1], &lock, &owner), MIEN_OK);
    CHECK(!lock); /* the child's */
    base_process_close(&p);
    for (int i = 0; i < 500 && !lock; i++) {
        base_sleep_ms(20);
        CHECK_EQ(base_lock_take(args[1], &lock, &owner), MIEN_OK);
    }
    CHECK(lock);
    base_lock_release(&lock);
    (void)remove(args[1]);
#endif
}

int main(int argc, char **argv)
{
    if (argc > 2 && (strcmp(argv[1], "--parent") == 0 || strcmp(argv[1], "--child") == 0))
        return stay(argv[1], argv[2]);
    if (argc > 2 && strcmp(argv[1], "--again") == 0) {
        printf("again %s\n", argv[2]);
        return 5;
    }
    test_lines();
    test_self();
    test_orphan();
    test_working_directory();
    test_arguments();
    test_ends();
    test_much();
    test_close();
    test_signals();
    return check_result();
}
