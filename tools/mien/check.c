/* check.c: is every kernel right on this device? */
#include "command.h"

#include <stdio.h>
#include <string.h>

static void print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

struct asked {
    bool quick, full, csv, list, compare;
    const char *op, *case_name, *mask, *export, *shaders;
    uint64_t timeout, jobs;
    struct progress progress;
};

static bool show_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "units", "");
    return true;
}

static int check(const struct command *command, const struct common *common, struct asked *asked)
{
    static const char *const child[] = {"check", "--child", NULL};
    struct mien_check_params params = {.size = sizeof params,
                                       .child = child,
                                       .device = common->device,
                                       .caps = common->caps,
                                       .op = asked->op,
                                       .case_name = asked->case_name,
                                       .mask = asked->mask,
                                       .seed = common->seed_given ? common->seed : 0,
                                       .timeout = (double)asked->timeout,
                                       .jobs = (uint32_t)asked->jobs,
                                       .user = &asked->progress};
    struct mien_check_result *result = NULL;
    bool data = common->json || asked->csv;
    params.tier = asked->quick ? MIEN_CHECK_QUICK : asked->full ? MIEN_CHECK_FULL : MIEN_CHECK_STANDARD;
    if (common->seed_given && common->seed > UINT64_C(1) << 53)
        return complain(command, 2, "--seed: at most 2^53, which results can hold as a number");
    if (asked->jobs > 16)
        return complain(command, 2, "--jobs: at most 16");
    if (!data && !common->quiet)
        params.line = print_line;
    progress_begin(&asked->progress, "check", common->quiet || !data);
    params.progress = show_progress;
    enum mien_status status = mien_check(&params, &result);
    progress_end(&asked->progress);
    if (status == MIEN_OK)
        printf("%s%s",
               common->json ? mien_check_json(result)
               : asked->csv ? mien_check_csv(result)
                            : mien_check_summary(result),
               data ? "" : "\n");
    int failed = mien_check_count(result, MIEN_CHECK_FAIL) > 0;
    if (failed && data) /* what repeats each is nowhere else */
        fprintf(stderr, "%s\n", mien_check_summary(result));
    mien_check_destroy(&result);
    return status == MIEN_OK ? failed : mien_status_exit_code(status);
}

/* Written before anything is checked: a driver that hangs is still worth them. */
static int export_files(const struct command *command, const struct common *common, const struct asked *asked)
{
    const struct mien_check_export_params params = {.size = sizeof params,
                                                    .device = common->device,
                                                    .caps = common->caps,
                                                    .op = asked->op,
                                                    .fossil = asked->export,
                                                    .shaders = asked->shaders};
    struct mien_check_export_summary summary = {.size = sizeof summary};
    int trouble = asked->export ? output_check(command, asked->export) : 0;
    if (trouble)
        return trouble;
    enum mien_status status = mien_check_export(&params, &summary);
    if (status != MIEN_OK)
        return mien_status_exit_code(status);
    if (!common->json && !asked->csv && !common->quiet)
        printf("%s%s%s: %u pipelines, %u of them chosen on this device\n", asked->export ? asked->export : "",
               asked->export && asked->shaders ? ", " : "", asked->shaders ? asked->shaders : "", summary.pipelines,
               summary.chosen);
    return 0;
}

/* Beside files to write: whether a check is asked for too. */
static bool is_check(const struct common *common, const struct asked *asked)
{
    return asked->quick || asked->full || common->json || asked->csv || asked->case_name || asked->mask;
}

/* Exit status 2 for files that are no results: they are what was asked for wrongly. */
static int compare(const struct command *command, const struct common *common, const struct arg_list *files)
{
    struct mien_check_result *results[2] = {NULL};
    struct mien_check_difference *difference = NULL;
    if (files->count != 2)
        return complain(command, 2, "--compare wants two files that mien check --json has written");
    enum mien_status status = mien_check_read(files->items[0], &results[0]);
    if (status == MIEN_OK)
        status = mien_check_read(files->items[1], &results[1]);
    if (status == MIEN_ERR_DATA)
        status = MIEN_ERR_ARG;
    if (status == MIEN_OK)
        status = mien_check_compare(results[0], results[1], NULL, &difference);
    if (status == MIEN_OK && common->json)
        printf("%s", mien_check_difference_json(difference));
    else if (status == MIEN_OK)
        printf("%s\n", mien_check_difference_text(difference));
    int worse = mien_check_regressions(difference) > 0;
    mien_check_difference_destroy(&difference);
    mien_check_destroy(&results[0]);
    mien_check_destroy(&results[1]);
    return status == MIEN_OK ? worse : mien_status_exit_code(status);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct asked asked = {0};
    const struct arg args[] = {
        {"--quick", ARG_FLAG, NULL, "small shapes, every op and every variant", &asked.quick},
        {"--full", ARG_FLAG, NULL, "also what takes over a second a run on this device", &asked.full},
        {"--op", ARG_TEXT, "GLOB", "only these ops (* and ? match)", &asked.op},
        {"--case", ARG_TEXT, "GLOB", "only these cases", &asked.case_name},
        {"--mask", ARG_TEXT, "LIST", "one capability mask, as in the table's last column, instead of all", &asked.mask},
        {"--timeout", ARG_NUMBER, "S", "seconds that one unit may take (default: 60, with --full 900)", &asked.timeout},
        {"--jobs", ARG_NUMBER, "N", "processes side by side (default: 2 on a software device, else 1)", &asked.jobs},
        {"--csv", ARG_FLAG, NULL, "rows as CSV", &asked.csv},
        {"--compare", ARG_FLAG, NULL, "A.json B.json: what B does worse than A; exit status 1 when there is any",
         &asked.compare},
        {"--list", ARG_FLAG, NULL, "names of ops, variants and cases", &asked.list},
        {"--export", ARG_TEXT, "FILE.foz", "write all pipelines as a Fossilize database", &asked.export},
        {"--shaders", ARG_TEXT, "DIR", "write all pipelines as SPIR-V, with an index", &asked.shaders},
        {0}};
    struct common common;
    struct arg_list files;
    if (argc > 0 && strcmp(argv[0], "--child") == 0) /* how mien_check starts this program once more */
        return mien_check_child((const char *const *)(argv + 1), print_line, NULL);
    int result = args_parse(command, argc, argv, args, &common, &files);
    if (result != ARGS_RUN)
        return result;
    if ((asked.list || asked.compare) && (asked.export || asked.shaders))
        return complain(command, 2, "--list and --compare write no files; leave out --export and --shaders");
    if (asked.compare && (asked.op || asked.csv || asked.list || asked.jobs || asked.timeout || asked.quick ||
                          asked.full || asked.case_name || asked.mask))
        return complain(command, 2, "--compare takes two files and checks nothing: beside it only --json is of use");
    if (asked.compare)
        return compare(command, &common, &files);
    if (files.count)
        return complain(command, 2, "unexpected \"%s\"; see mien check --help", files.items[0]);
    if (asked.quick && asked.full)
        return complain(command, 2, "--quick and --full exclude each other");
    if (common.json && asked.csv)
        return complain(command, 2, "--json and --csv exclude each other");
    if (asked.list)
        return mien_status_exit_code(mien_check_list(asked.op, print_line, NULL));
    if (asked.export || asked.shaders) {
        result = export_files(command, &common, &asked);
        if (result || !is_check(&common, &asked))
            return result;
    }
    return check(command, &common, &asked);
}

const struct command command_check = {
    .name = "check",
    .synopsis = "[--quick|--full] [--op GLOB] [--json|--csv] [--compare A.json B.json] [options]",
    .summary = "checks every kernel against its reference on a device",
    .help =
        "Each op, on each of its shapes, by each kernel variant that the device could be given (under capability\n"
        "masks from nothing to all that it has): right values, nothing written beside them, the same bits twice.\n"
        "A row is one of these: error is the largest as a share of the tolerance (above 1 fails), ms one run.\n"
        "Units run in child processes: one that hangs or crashes costs itself only. No file is written, no home\n"
        "directory is needed. Each failure comes with the command that repeats it alone.\n"
        "--export and --shaders write what a driver's compiler would get on this device: each pipeline of each "
        "variant\n"
        "and case, chosen or not, for tools such as fossilize-replay, or SPIR-V with the values of its specialisation\n"
        "constants and a line for each in DIR/index.jsonl. Nothing is then checked unless --quick, --full, --json,\n"
        "--csv, --case or --mask is given too.\n"
        "--json prints one object, {\"head\": {...}, \"rows\": [...]}. Exit status: 0 all passed, 1 something failed,\n"
        "2 wrong usage, 3 no usable device.",
    .run = run,
};
