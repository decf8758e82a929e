/* What surrounds the process: the environment, the program's place, terminals, signals that ask to stop. */
#include "check.h"

#include "base/base.h"

#include <signal.h>
#include <stdlib.h>

static void test_environment(void)
{
    CHECK(setenv("MIEN_TEST_WORD", "anger", 1) == 0);
    CHECK_STR(base_env("MIEN_TEST_WORD"), "anger");
    CHECK(unsetenv("MIEN_TEST_WORD") == 0);
    CHECK(!base_env("MIEN_TEST_WORD"));
}

static void test_program(const char *self)
{
    char dir[4096], small[4];
    const char *name = strrchr(self, '/') ? strrchr(self, '/') + 1 : self;
    CHECK(base_program_dir(dir, sizeof(dir)) && dir[0] == '/');
    char *path = base_path_join(dir, name);
    CHECK(path && base_file_exists(path) && !base_file_is_dir(path));
    CHECK(base_file_is_dir(dir));
    base_free(path);
    CHECK(!base_program_dir(small, sizeof(small)));
}

/* ctest reads both streams through pipes; on a terminal the answers are the other ones. */
static void test_terminal(void)
{
    bool terminal = base_is_terminal(BASE_STDOUT);
    CHECK((base_terminal_width(BASE_STDOUT) > 0) <= terminal);
}

static void test_stop(void)
{
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    base_stop_watch();
    base_streams_guard();
    CHECK_EQ(*base_stop_flag(), 0);
    CHECK(raise(SIGHUP) == 0); /* ignored before, ignored now */
    CHECK_EQ(*base_stop_flag(), 0);
    CHECK(raise(SIGPIPE) == 0);
    CHECK(raise(SIGXFSZ) == 0);
    CHECK_EQ(*base_stop_flag(), 0);
    CHECK(raise(SIGTERM) == 0);
    CHECK_EQ(*base_stop_flag(), SIGTERM);
    CHECK(signal(SIGTERM, SIG_DFL) == SIG_DFL); /* the second one ends the process */
    CHECK(signal(SIGINT, SIG_DFL) != SIG_DFL);
}

static void test_endings(void)
{
    static const char *const endings[] = {".png", ".jpeg", NULL};
    CHECK(base_path_ends("a/b.png", endings) && base_path_ends("B.JpEg", endings) && base_path_ends(".png", endings));
    CHECK(!base_path_ends("a.pngx", endings) && !base_path_ends("png", endings) && !base_path_ends("", endings));
}

int main(int argc, char **argv)
{
    (void)argc;
    test_environment();
    test_program(argv[0]);
    test_terminal();
    test_endings();
    test_stop();
    return check_result();
}
