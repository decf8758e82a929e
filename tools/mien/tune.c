/* tune.c: which kernels are the fastest on this device. */
#include "command.h"

#include <stdio.h>
#include <string.h>

struct asked {
    bool show, clear, list, again;
    const char *model, *config, *only;
    struct arg_list sets;
    uint64_t seconds, timeout;
    struct progress progress;
};

static void print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

static bool show_progress(void *user, uint64_t done, uint64_t total)
{
    struct asked *asked = user;
    progress_show(&asked->progress, done, total, "calls", "");
    return true;
}

static int print(const struct command *command, const struct common *common, struct mien_tune_result *result)
{
    const char *text = common->json ? mien_tune_json(result) : mien_tune_text(result);
    if (!*text)
        return complain(command, 1, "out of memory");
    if (!common->quiet || common->json)
        printf("%s%s", text, common->json ? "\n" : "");
    return 0;
}

static int measure(const struct command *command, const struct common *common, struct asked *asked)
{
    static const char *const child[] = {"tune", "--child", NULL};
    struct mien_tune_result *result = NULL;
    const struct mien_tune_params params = {.size = sizeof params,
                                            .child = child,
                                            .device = common->device,
                                            .caps = common->caps,
                                            .model = asked->model,
                                            .config = asked->config,
                                            .sets = asked->sets.items,
                                            .set_count = asked->sets.count,
                                            .precision = common->precision,
                                            .only = asked->only,
                                            .list = asked->list,
                                            .again = asked->again,
                                            .seconds = (double)asked->seconds,
                                            .timeout = (double)asked->timeout,
                                            .progress = show_progress,
                                            .user = asked};
    progress_begin(&asked->progress, "tune", common->quiet || asked->list);
    enum mien_status status = mien_tune(&params, &result);
    progress_end(&asked->progress);
    int code = status == MIEN_OK ? print(command, common, result) : mien_status_exit_code(status);
    mien_tune_destroy(&result);
    return code;
}

static int keep(const struct command *command, const struct common *common, const struct asked *asked)
{
    const struct mien_gpu_params params = {.size = sizeof params, .device = common->device};
    struct mien_tune_result *result = NULL;
    if (asked->clear)
        return mien_status_exit_code(mien_tune_clear(&params));
    enum mien_status status = mien_tune_read(&params, &result);
    int code = status == MIEN_OK ? print(command, common, result) : mien_status_exit_code(status);
    mien_tune_destroy(&result);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct asked asked = {0};
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the sizes of this model in use", &asked.model},
        {"--config", ARG_TEXT, "FILE", "the sizes of this training", &asked.config},
        {"--set", ARG_LIST, "KEY=VALUE", "settings of the training", &asked.sets},
        {"--only", ARG_TEXT, "GLOB", "only operations of such names, as \"matmul\" or \"attention*\"", &asked.only},
        {"--seconds", ARG_NUMBER, "S", "all of it takes about so long at most (default: 120)", &asked.seconds},
        {"--timeout", ARG_NUMBER, "S", "a kernel that takes longer hangs (default: 30)", &asked.timeout},
        {"--again", ARG_FLAG, NULL, "measure what is known, too", &asked.again},
        {"--list", ARG_FLAG, NULL, "measure nothing: what would be, the heaviest first, and what serves by default",
         &asked.list},
        {"--show", ARG_FLAG, NULL, "measure nothing: what is known of the device", &asked.show},
        {"--clear", ARG_FLAG, NULL, "measure nothing: forget what is known of the device", &asked.clear},
        {0}};
    struct common common;
    if (argc > 0 && strcmp(argv[0], "--child") == 0) /* how mien_tune starts this program once more */
        return mien_tune_child((const char *const *)(argv + 1), print_line, NULL);
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    if (asked.show + asked.clear + asked.list > 1)
        return complain(command, 2, "--list, --show and --clear: one of them");
    if ((asked.show || asked.clear) && (asked.model || asked.config || asked.sets.count || asked.only || asked.again))
        return complain(command, 2, "--show and --clear are of the whole table: beside them only --device and --json");
    if (asked.sets.count && !asked.config)
        return complain(command, 2, "--set is for a training: give its --config FILE too");
    return asked.show || asked.clear ? keep(command, &common, &asked) : measure(command, &common, &asked);
}

const struct command command_tune = {
    .name = "tune",
    .synopsis = "[--model DIR] [--config FILE [--set KEY=VALUE ...]] [--seconds S] [options]",
    .summary = "measures which kernels are the fastest on a device, and keeps the choice",
    .help =
        "For most operations there are several kernels and tiles. Rules of each class of devices choose among them\n"
        "(--list is the table of that; of another class: --list --caps class=mobile); tune times all that could\n"
        "serve, for the sizes of a model in use, of a training, or (without either) of the models of mien bench, and\n"
        "keeps the best of each for this device and driver in a file beside the compiled kernels. Whatever runs later\n"
        "goes by it; MIEN_TUNE=off leaves it out, mien devices tells of it. The heaviest calls come first; what was\n"
        "measured earlier is not measured again, so that another mien tune goes on where time was over.\n"
        "Kernels run in a child process: one that hangs or crashes costs itself only, and is remembered. One is taken\n"
        "when it is right, spills no more than the rules', and is faster by 5 % in two measurements.\n"
        "Embeddings and scores keep their bits. A training's weights are the same to the bit with the same table; a\n"
        "run keeps the table that it was begun with, also when it is resumed.\n"
        "A line of the result: how many times as fast as by the rules, the operation on its inputs, kernel and tile\n"
        "(\"8x4/3\": rows, columns, parts that a sum is cut into).",
    .run = run,
    .halves = true,
    .lacks = LACKS_SEED,
};
