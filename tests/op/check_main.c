/* check_main.c: the harness as a test program, for ops that it is given, with what only those who make kernels want:
 * gradient rules, times, single sizes. `mien check` is the same for users. */
#include "check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: %s [options]\n"
    "Checks every op, case and kernel variant against its reference on a Vulkan device.\n"
    "  --op GLOB, --case GLOB  only these\n"
    "  --mask LIST             one capability mask, as in the table's last column, instead of the walk\n"
    "  --device N|NAME         as MIEN_DEVICE\n"
    "  --caps LIST             as MIEN_CAPS\n"
    "  --seed S                of the inputs\n"
    "  --grad                  gradient rules against finite differences (no device needed)\n"
    "  --bench                 time what passes, for the cases marked so or named by --case\n"
    "  --quick                 small shapes, every op and every variant\n"
    "  --full                  also what is slow on this driver\n"
    "  --max-elements N        only cases whose inputs hold at most N elements\n"
    "  --smallest              only the smallest case of each op\n"
    "  --timeout S             seconds one unit may take (60)\n"
    "  --jobs N                children side by side (2 on a software device, else 1; 1 with --bench)\n"
    "  --csv, --json           the table in another form\n"
    "  --list                  names of ops and cases\n"
    "  --verbose               log messages as they come\n"
    "Exit status: 0 all passed, 1 something failed, 2 wrong usage, 77 no device.\n";

static void print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

/* Takes a word out of the list; true when it was there. */
static bool take_word(const char **words, const char *word)
{
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            for (; words[i]; i++)
                words[i] = words[i + 1];
            return true;
        }
    }
    return false;
}

/* 77 = skipped: nothing to run on, or no validation layer to run with. */
static int exit_status(enum mien_status status)
{
    const char *validate = getenv("MIEN_VALIDATE");
    bool no_layer = status == MIEN_ERR_UNSUPPORTED && validate && strcmp(validate, "0") != 0;
    if (status != MIEN_ERR_NO_DEVICE && !no_layer)
        return mien_status_exit_code(status);
    printf("skipped: %s\n", mien_last_error());
    return 77;
}

static int check(const char *program, const struct check_suite *suite, const struct check_options *options,
                 uint32_t jobs, bool csv, bool json)
{
    static const char *const child[] = {"--child", NULL};
    struct mien_check_result *result;
    struct check_parent parent = {.suite = suite,
                                  .child = child,
                                  .command = program,
                                  .line = csv || json ? NULL : print_line,
                                  .other = print_line,
                                  .jobs = options->bench ? 1 : jobs};
    enum mien_status status = check_all(options, &parent, &result);
    if (status != MIEN_OK)
        return exit_status(status);
    printf("%s%s",
           json  ? mien_check_json(result)
           : csv ? mien_check_csv(result)
                 : mien_check_summary(result),
           csv || json ? "" : "\n");
    bool bad = mien_check_count(result, MIEN_CHECK_FAIL) > 0;
    bool none = !bad && !mien_check_count(result, MIEN_CHECK_PASS);
    if (none)
        fprintf(stderr, "%s: nothing was checked\n", program);
    mien_check_destroy(&result);
    return bad || none;
}

int check_main(int argc, char **argv, const struct check_suite *suite)
{
    const char *words[64] = {NULL};
    struct check_options options;
    for (int i = 1; i < argc && i < 63; i++)
        words[i - 1] = argv[i];
    check_options_default(&options);
    bool child = take_word(words, "--child"), csv = take_word(words, "--csv"), json = take_word(words, "--json");
    bool list = take_word(words, "--list"), help = take_word(words, "--help");
    const char *wrong = help ? NULL : check_options_parse(words, &options);
    if (wrong)
        fprintf(stderr, "%s: cannot use %s here\n", argv[0], wrong);
    if (wrong || help) {
        fprintf(stderr, usage, argv[0]);
        return 2;
    }
    if (list) {
        check_list(suite, options.op_glob, print_line, NULL);
        return 0;
    }
    if (child)
        return check_child(&options, suite, print_line, NULL);
    uint32_t jobs = options.jobs;
    options.jobs = 0;
    return check(argv[0], suite, &options, jobs, csv, json);
}
