/* main.c: options, and the parent that starts children, waits for their rows and kills those that hang. */
#include "check_main.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "usage: %s [options]\n"
    "Checks every op, case and kernel variant against its reference on a Vulkan device.\n"
    "  --op GLOB, --case GLOB  only these\n"
    "  --mask LIST             one capability mask, as in the table's last column, instead of the walk\n"
    "  --device N|NAME         as MIEN_DEVICE\n"
    "  --seed S                of the inputs\n"
    "  --grad                  gradient rules against finite differences (no device needed)\n"
    "  --bench                 time what passes, for the cases marked so or named by --case\n"
    "  --full                  also what is slow on this driver\n"
    "  --max-elements N        only cases whose inputs hold at most N elements\n"
    "  --smallest              only the smallest case of each op\n"
    "  --timeout S             seconds one unit may take (60)\n"
    "  --csv, --json           the table in another form\n"
    "  --list                  names of ops and cases\n"
    "  --verbose               log messages as they come\n"
    "Exit status: 0 all passed, 1 something failed, 2 wrong usage, 77 no device.\n";

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool parse_flag(const char *word, struct check_options *o)
{
    const struct {
        const char *name;
        bool *value;
    } flags[] = {{"--grad", &o->grad},       {"--bench", &o->bench}, {"--full", &o->full},
                 {"--csv", &o->csv},         {"--json", &o->json},   {"--list", &o->list},
                 {"--verbose", &o->verbose}, {"--child", &o->child}, {"--smallest", &o->smallest}};
    for (size_t i = 0; i < BASE_COUNT(flags); i++) {
        if (strcmp(word, flags[i].name) == 0) {
            *flags[i].value = true;
            return true;
        }
    }
    return false;
}

static bool parse_value(const char *word, const char *value, struct check_options *o)
{
    const struct {
        const char *name, **value;
    } texts[] = {{"--op", &o->op_glob}, {"--case", &o->case_glob}, {"--mask", &o->mask}, {"--device", &o->device}};
    const struct {
        const char *name;
        double *value;
    } numbers[] = {{"--timeout", &o->timeout}, {"--flop-rate", &o->flop_rate}, {"--byte-rate", &o->byte_rate}};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        if (strcmp(word, texts[i].name) == 0) {
            *texts[i].value = value;
            return true;
        }
    }
    char *end = NULL;
    for (size_t i = 0; i < BASE_COUNT(numbers); i++) {
        if (strcmp(word, numbers[i].name) == 0) {
            *numbers[i].value = strtod(value, &end);
            return *value && !*end && *numbers[i].value > 0;
        }
    }
    unsigned long long n = strtoull(value, &end, 10);
    if (!*value || *end)
        return false;
    if (strcmp(word, "--seed") == 0)
        o->seed = n;
    else if (strcmp(word, "--from") == 0)
        o->from = (uint32_t)n;
    else if (strcmp(word, "--max-elements") == 0)
        o->max_elements = n;
    else
        return false;
    return true;
}

static bool parse(int argc, char **argv, struct check_options *options)
{
    *options = (struct check_options){.seed = 1, .timeout = 60};
    for (int i = 1; i < argc; i++) {
        if (parse_flag(argv[i], options))
            continue;
        if (i + 1 >= argc || !parse_value(argv[i], argv[i + 1], options)) {
            if (strcmp(argv[i], "--help") != 0)
                fprintf(stderr, "%s: cannot use %s here\n", argv[0], argv[i]);
            return false;
        }
        i++;
    }
    return true;
}

/* ---- the child as a process -------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int pipe;
    char buffer[4096];
    size_t used;
};

/* The same program and options again, with --child and where to go on. */
static void become_child(int argc, char **argv, const struct check_options *options, int output)
{
    char from[16], flops[32], bytes[32];
    char **args = calloc((size_t)argc + 10, sizeof(*args));
    if (!args || dup2(output, STDOUT_FILENO) < 0)
        _exit(126);
    int n = 0;
    for (; n < argc; n++)
        args[n] = argv[n];
    snprintf(from, sizeof(from), "%u", options->from);
    args[n++] = "--child";
    args[n++] = "--from";
    args[n++] = from;
    if (options->flop_rate > 0) {
        snprintf(flops, sizeof(flops), "%.17g", options->flop_rate);
        snprintf(bytes, sizeof(bytes), "%.17g", options->byte_rate);
        args[n++] = "--flop-rate";
        args[n++] = flops;
        args[n++] = "--byte-rate";
        args[n++] = bytes;
    }
    execv("/proc/self/exe", args);
    execvp(argv[0], args);
    _exit(127);
}

static bool child_start(struct child *child, int argc, char **argv, const struct check_options *options)
{
    int ends[2];
    fflush(NULL);
    if (pipe(ends) != 0)
        return false;
    *child = (struct child){.pid = fork(), .pipe = ends[0]};
    if (child->pid == 0) {
        close(ends[0]);
        become_child(argc, argv, options, ends[1]);
    }
    close(ends[1]);
    return child->pid > 0;
}

enum read_result { READ_LINE, READ_END, READ_TIMEOUT };

/* The next line without its newline, within `seconds`. */
static enum read_result child_line(struct child *child, double seconds, char *line, size_t size)
{
    double deadline = base_clock_seconds() + seconds;
    for (;;) {
        char *newline = memchr(child->buffer, '\n', child->used);
        if (newline) {
            size_t length = (size_t)(newline - child->buffer);
            snprintf(line, size, "%.*s", (int)length, child->buffer);
            child->used -= length + 1;
            memmove(child->buffer, newline + 1, child->used);
            return READ_LINE;
        }
        size_t room = sizeof(child->buffer) - child->used;
        if (room == 0) { /* not a line of ours */
            child->used = 0;
            room = sizeof(child->buffer);
        }
        double left = deadline - base_clock_seconds();
        struct pollfd poll_for = {.fd = child->pipe, .events = POLLIN};
        int ready = left > 0 ? poll(&poll_for, 1, (int)(left * 1000) + 1) : 0;
        if (ready == 0)
            return READ_TIMEOUT;
        ssize_t n = ready < 0 ? -1 : read(child->pipe, child->buffer + child->used, room);
        if (n == 0 || (n < 0 && errno != EINTR))
            return READ_END;
        child->used += n > 0 ? (size_t)n : 0;
    }
}

static int child_stop(struct child *child, bool kill_it)
{
    int status = 0;
    if (kill_it)
        kill(child->pid, SIGKILL);
    close(child->pipe);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* ---- the parent -------------------------------------------------------------------------------------------------- */

struct report {
    struct check_options options;
    uint32_t counts[CHECK_RESULTS];
    bool open;            /* a unit has begun and not ended */
    struct check_row row; /* that unit */
    bool done;
    int broken; /* exit status when no unit can run, 0 = none */
};

static void finish_row(struct report *report, const struct check_row *row)
{
    report->counts[row->result]++;
    report->options.from = row->unit + 1;
    report->open = false;
    check_row_print(&report->options, row, stdout);
}

static void take_line(struct report *report, char *line)
{
    struct check_row row;
    char name[256] = "";
    if (strncmp(line, "@begin", 6) == 0) {
        report->open = check_row_receive(line + 6, &report->row);
    } else if (check_row_receive(line, &row)) {
        finish_row(report, &row);
    } else if (sscanf(line, "@rates %lf %lf %255[^\n]", &report->options.flop_rate, &report->options.byte_rate, name) ==
               3) {
        if (!report->options.csv && !report->options.json)
            printf("device %s: about %.2f GFLOP/s, %.2f GB/s; seed %llu\n", name, report->options.flop_rate * 1e-9,
                   report->options.byte_rate * 1e-9, (unsigned long long)report->options.seed);
        check_table_head(&report->options, stdout);
    } else if (strcmp(line, "@done") == 0) {
        report->done = true;
    } else if (sscanf(line, "@broken %d", &report->broken) == 1) {
        printf("%s: %s\n", report->broken == 77 ? "skipped" : "failed", strchr(line + strlen("@broken "), ' ') + 1);
    } else {
        printf("%s\n", line);
    }
}

/* Runs one child to its end. False when nothing more can be done. */
static bool run_child(struct report *report, int argc, char **argv)
{
    struct child child;
    char line[2048];
    enum read_result result;
    uint32_t from = report->options.from;
    if (!child_start(&child, argc, argv, &report->options)) {
        fprintf(stderr, "%s: cannot start a child process: %s\n", argv[0], strerror(errno));
        return false;
    }
    while ((result = child_line(&child, report->options.timeout, line, sizeof(line))) == READ_LINE)
        take_line(report, line);
    int status = child_stop(&child, result == READ_TIMEOUT);
    if (report->open) {
        struct check_row row = report->row;
        row.result = result == READ_TIMEOUT ? CHECK_HANG : CHECK_CRASH;
        if (result == READ_TIMEOUT)
            check_fail(&row, "no answer within %g s", report->options.timeout);
        else
            check_fail(&row, WIFSIGNALED(status) ? "died of signal %d" : "ended with status %d",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        finish_row(report, &row);
    } else if (!report->done && !report->broken && !report->options.grad && report->options.flop_rate <= 0) {
        printf("the device could not be timed: %s\n", result == READ_TIMEOUT ? "no answer in time" : "the child died");
        report->options.flop_rate = CHECK_SLOW_FLOPS;
        report->options.byte_rate = CHECK_SLOW_BYTES;
    } else if (!report->done && !report->broken && report->options.from == from) {
        printf("failed: the child ended outside any unit (%s %d)\n", WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        report->broken = 1;
    }
    return !report->done && !report->broken;
}

static void list(const struct check_suite *suite, const struct check_options *options)
{
    for (const struct op_desc *const *op = suite->ops; *op; op++) {
        if (!check_glob(options->op_glob, (*op)->name))
            continue;
        printf("%s: %s\n    %s\n", (*op)->name, (*op)->summary, (*op)->signature);
        for (const struct op_variant *v = (*op)->variants; v && v->name; v++)
            printf("    variant %s\n", v->name);
        for (struct check_case c = {.op = *op}; check_case_next(&c);)
            printf("    case %s%s%s%s%s%s\n", c.given->name, c.forward ? ", of " : "", c.forward ? c.forward->name : "",
                   c.given->grad && !c.forward ? ", gradient" : "", c.given->bench ? ", bench" : "",
                   c.given->slow ? ", slow" : "");
    }
}

int check_main(int argc, char **argv, const struct check_suite *suite)
{
    struct report report = {0};
    if (!parse(argc, argv, &report.options)) {
        fprintf(stderr, usage, argv[0]);
        return 2;
    }
    if (report.options.list) {
        list(suite, &report.options);
        return 0;
    }
    if (report.options.child)
        return check_child(&report.options, suite, stdout);
    if (report.options.grad)
        check_table_head(&report.options, stdout);
    while (run_child(&report, argc, argv))
        ;
    if (report.broken)
        return report.broken;
    check_table_end(&report.options, report.counts, stdout);
    uint32_t bad = report.counts[CHECK_FAIL] + report.counts[CHECK_HANG] + report.counts[CHECK_CRASH];
    bool none = !bad && !report.counts[CHECK_PASS];
    if (none)
        fprintf(stderr, "%s: nothing was checked\n", argv[0]);
    return bad || none;
}
