/* planted.c: does the harness catch what it is there to catch? Ops with one fault each are checked by it, in the way
 * that check_ops checks the library's; this program reads its own report. */
#include "check.h"
#include "check_main.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct op_shader planted_shaders[];

/* ---- parts: y = x, and ways to get it wrong ---------------------------------------------------------------------- */

static void reference(const struct op_call *call)
{
    memcpy(call->out_data[0], call->in_data[0], tensor_shape_bytes(&call->in[0]));
}

static void reference_off_by_one(const struct op_call *call)
{
    reference(call);
    float *y = call->out_data[0];
    y[2] += 1e-3f;
}

static void reference_crash(const struct op_call *call)
{
    (void)call;
    raise(SIGSEGV);
}

static void reference_hang(const struct op_call *call)
{
    (void)call;
    for (;;)
        pause();
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    (void)recorder;
    din[0] = use->dout[0];
}

static void grad_doubled(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    static const struct op_attr twice = {.scale = 2};
    din[0] = OP_RECORD(recorder, &op_scale, &twice, use->dout[0]);
}

static void grad_missing(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    (void)recorder, (void)use, (void)din;
}

/* Many workgroups, because lavapipe ends a loop after 65,535 rounds. */
static void steps_hang(struct op_plan *plan)
{
    plan->dispatch[0].groups[0] = plan->dispatch[0].groups[1] = 65535;
}

static bool always(const struct vk_caps *caps, const struct op_call *call)
{
    (void)caps, (void)call;
    return true;
}

static void steps_none(struct op_plan *plan)
{
    (void)plan;
}

/* One element is left out. */
static uint64_t too_few(const struct op_call *call)
{
    return tensor_shape_count(&call->in[0]) - 1;
}

/* x -> scratch -> y, where the first copy's write is declared as a read: no barrier would be placed. */
static void steps_barrier(struct op_plan *plan)
{
    struct op_variant copy = {.name = "copy_fwd", .bind = "x <$0[1]"};
    op_plan_row_kernel(plan, &copy);
    copy.bind = "<$0[1] y";
    op_plan_row_kernel(plan, &copy);
}

/* ---- the ops ----------------------------------------------------------------------------------------------------- */

static const struct op_case cases[] = {{.name = "x", .in = {{3, 43}}, .grad = true}, {0}};
static const struct op_case cases2[] = {{.name = "x", .in = {{3, 43}, {3, 43}}}, {0}};

#define PLANTED_WITH(op_name, takes, op_cases, most, ...)                                                              \
    static const struct op_desc op_name = {                                                                            \
        .name = #op_name, .signature = takes, .cases = op_cases, .tolerance = {.nmse = most}, __VA_ARGS__}
#define PLANTED(op_name, ...) PLANTED_WITH(op_name, "x[...] -> y[...]", cases, 1e-12, __VA_ARGS__)
/* One variant, whose fields are given. */
#define BY(shader, ...)                                                                                                \
    .variants = (const struct op_variant[])                                                                            \
    {                                                                                                                  \
        {.name = shader, __VA_ARGS__},                                                                                 \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define COPY BY("copy_fwd", .bind = "x y")

PLANTED(good, .reference = reference, .grad = grad, COPY);
PLANTED(wrong_value, .reference = reference_off_by_one, .no_grad = "-", COPY);
PLANTED(nan_output, .reference = reference, .no_grad = "-", BY("copy_fwd", .bind = "x y", .rows = too_few));
PLANTED(write_past_end, .reference = reference, .no_grad = "-", BY("planted_oob", .bind = "x y"));
PLANTED(read_past_end, .reference = reference, .no_grad = "-", BY("planted_peek", .bind = "x y"));
PLANTED(too_wide, .reference = reference, .no_grad = "-", BY("planted_wide", .bind = "x y"));
PLANTED(gpu_hang, .reference = reference, .no_grad = "-", BY("planted_hang", .bind = "x y", .steps = steps_hang));
PLANTED(host_hang, .reference = reference_hang, .no_grad = "-", COPY);
PLANTED(crash, .reference = reference_crash, .no_grad = "-", COPY);
PLANTED_WITH(changed_input, "x[...] other[...] -> y[...]", cases2, 1e-12, .reference = reference, .no_grad = "-",
             BY("copy_fwd", .bind = "x >other"));
PLANTED(missing_barrier, .reference = reference, .no_grad = "-", BY("copy_fwd", .steps = steps_barrier));
PLANTED(wrong_access, .reference = reference, .no_grad = "-", BY("copy_fwd", .bind = "x <y"));
PLANTED(no_shader, .reference = reference, .no_grad = "-", BY("no_such_shader", .bind = "x y"));
PLANTED(no_dispatch, .reference = reference, .no_grad = "-", BY("copy_fwd", .steps = steps_none));
PLANTED(no_variant, .reference = reference, .no_grad = "-");
PLANTED_WITH(loose, "x[...] -> y[...]", cases, 1e-3, .reference = reference, .no_grad = "-", COPY);
PLANTED(needy, .reference = reference, .no_grad = "-", BY("copy_fwd", .needs = VK_CAP_SUBGROUP, .bind = "x y"));
PLANTED(picky, .reference = reference, .no_grad = "-", BY("copy_fwd", .fits = always, .bind = "x y"));
PLANTED(wrong_gradient, .reference = reference, .grad = grad_doubled, COPY);
PLANTED(missing_gradient, .reference = reference, .grad = grad_missing, COPY);
PLANTED(no_gradient, .reference = reference, COPY);
PLANTED(last_good, .reference = reference, .grad = grad, COPY);

/* What must be reported: result, and words of the note. */
static const struct expected {
    const struct op_desc *op;
    const char *result, *note, *grad_result;
} expected[] = {
    {&good, "pass", "", "pass"},
    {&wrong_value, "fail", "output 0: 1 of 129 wrong, first at [0,2] (index 2)", NULL},
    {&nan_output, "fail", "output 0: 1 of 129 wrong, first at [2,42] (index 128)", NULL},
    {&write_past_end, "fail", "past the end of output 0", NULL},
    {&read_past_end, "fail", "got nan", NULL},
    {&too_wide, "fail", "20000 bytes of shared memory; 16384 allowed", NULL},
    {&gpu_hang, "fail", "hang: no answer within", NULL},
    {&host_hang, "fail", "hang: no answer within", NULL},
    {&crash, "fail", "crash: died of signal 11", NULL},
    {&changed_input, "fail", "input 1 was changed, first at byte 0", NULL},
    {&missing_barrier, "fail", "writeonly in the shader", NULL},
    {&wrong_access, "fail", "writeonly in the shader", NULL},
    {&no_shader, "fail", "is not embedded", NULL},
    {&no_dispatch, "fail", "planned no dispatch", NULL},
    {&no_variant, "fail", "no kernel variant", NULL},
    {&loose, "fail", "above the ceiling", NULL},
    {&needy, "fail", "no kernel variant", NULL},
    {&picky, "fail", "is not plain", NULL},
    {&wrong_gradient, "pass", "", "fail"},
    {&missing_gradient, "pass", "", "fail"},
    {&no_gradient, "pass", "", "fail"},
    {&last_good, "pass", "", "pass"},
};

/* ---- reading the report ------------------------------------------------------------------------------------------ */

/* A line of CSV for the op, or NULL. */
static const char *row_of(const char *report, const char *op)
{
    char key[64];
    snprintf(key, sizeof(key), ",%s,x,", op);
    const char *at = strstr(report, key);
    while (at && at > report && at[-1] != '\n')
        at--;
    return at;
}

/* What a command prints; "" when it cannot be run. Exit status into *status. */
static void run_command(const char *command, char *report, size_t size, int *status)
{
    FILE *pipe = popen(command, "r");
    size_t used = pipe ? fread(report, 1, size - 1, pipe) : 0;
    report[used] = '\0';
    *status = pipe ? pclose(pipe) : -1;
}

/* This program's own report with some options. */
static void run_self(const char *self, const char *options, char *report, size_t size, int *status)
{
    char command[4096];
    snprintf(command, sizeof(command), "'%s' --csv --timeout 5 %s", self, options);
    run_command(command, report, size, status);
}

static void expect_row(const char *report, const char *op, const char *result, const char *note)
{
    const char *row = row_of(report, op);
    char line[1024] = "";
    snprintf(line, sizeof(line), "%.*s", row ? (int)strcspn(row, "\n") : 0, row ? row : "");
    bool right = strncmp(line, result, strlen(result)) == 0 && strstr(line, note);
    CHECK(right);
    if (!right)
        fprintf(stderr, "    %s: expected %s \"%s\", got: %s\n", op, result, note, row ? line : "no row");
}

/* The command that repeats a failure alone does. */
static void judge_repeat(const char *self)
{
    char report[1 << 14], command[4096];
    int status;
    snprintf(command, sizeof(command), "'%s' --op wrong_value", self);
    run_command(command, report, sizeof(report), &status);
    char *at = strstr(report, "repeats each alone:");
    at = at ? strstr(at, "\n    ") : NULL;
    CHECK(at && WIFEXITED(status) && WEXITSTATUS(status) == 1);
    if (!at)
        return;
    snprintf(command, sizeof(command), "%.*s --csv", (int)strcspn(at + 5, "\n"), at + 5);
    CHECK(strstr(command, "--case 'x' --mask '"));
    run_command(command, report, sizeof(report), &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    expect_row(report, "wrong_value", "fail", "output 0: 1 of 129 wrong");
    /* the heading and one row */
    const char *heading_end = strchr(report, '\n'), *row_end = heading_end ? strchr(heading_end + 1, '\n') : NULL;
    CHECK(row_end && row_end[1] == 0);
}

/* A crash as a row of a file that can be read again. */
static void judge_json(const char *self)
{
    static char report[1 << 17];
    char command[4096];
    int status, crashes = 0;
    struct mien_check_result *result = NULL;
    struct mien_check_row row = {sizeof(row)};
    snprintf(command, sizeof(command), "'%s' --json --timeout 5 --op 'cr*' >planted.json", self);
    run_command(command, report, sizeof(report), &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK_EQ(mien_check_read("planted.json", &result), MIEN_OK);
    for (size_t i = 0; mien_check_row(result, i, &row); i++)
        crashes += strcmp(row.op, "crash") == 0 && strcmp(row.reason, "crash: died of signal 11") == 0;
    CHECK(crashes > 0);
    CHECK(strstr(mien_check_summary(result), "crash x copy_fwd: crash: died of signal 11"));
    mien_check_destroy(&result);
    remove("planted.json");
}

static int judge(const char *self)
{
    static char report[1 << 16];
    int status;
    run_self(self, "", report, sizeof(report), &status);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        CHECK_SKIP("%s", report);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    for (size_t i = 0; i < BASE_COUNT(expected); i++)
        expect_row(report, expected[i].op->name, expected[i].result, expected[i].note);

    judge_repeat(self);
    judge_json(self);
    run_self(self, "--grad", report, sizeof(report), &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    for (size_t i = 0; i < BASE_COUNT(expected); i++) {
        if (expected[i].op->grad && expected[i].grad_result)
            expect_row(report, expected[i].op->name, expected[i].grad_result, "");
    }
    CHECK(strstr(report, "fail,no_gradient,-"));
    return check_result();
}

int main(int argc, char **argv)
{
    const struct op_desc *ops[BASE_COUNT(expected) + 1] = {NULL};
    for (size_t i = 0; i < BASE_COUNT(expected); i++)
        ops[i] = expected[i].op;
    struct check_suite suite = {.ops = ops, .shaders = planted_shaders};
    return argc > 1 ? check_main(argc, argv, &suite) : judge(argv[0]);
}
