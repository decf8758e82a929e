/* bench.c: times kernels, towers and whole training steps, and compares results. */
#include "command.h"

#include <stdio.h>
#include <string.h>

struct options {
    const char *only, *compare;
    bool quick, slow, csv;
    struct arg_list inputs;
};

static bool show(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "samples", "");
    return true;
}

/* A gpu whose kernels are compiled here and not read from the disk, for the times that compiling takes. */
static enum mien_status measure(const struct common *common, const struct options *options, struct mien_bench **out)
{
    const struct mien_gpu_params gpu_params = {
        .size = sizeof(gpu_params), .device = common->device, .caps = common->caps, .pipeline_cache = MIEN_OFF};
    struct mien_gpu *gpu = NULL;
    struct progress progress;
    enum mien_status status = mien_gpu_create(&gpu_params, &gpu);
    progress_begin(&progress, "bench", common->quiet);
    const struct mien_bench_params params = {.size = sizeof(params),
                                             .only = options->only,
                                             .quick = options->quick,
                                             .progress = show,
                                             .user = &progress,
                                             .slow = options->slow};
    if (status == MIEN_OK)
        status = mien_bench_run(gpu, &params, out);
    progress_end(&progress);
    mien_gpu_destroy(&gpu);
    return status;
}

/* Names what has got worse, for who reads no table; returns the exit status. */
static int report(const struct command *command, struct mien_bench *bench)
{
    int result = 0;
    struct mien_bench_row row = {.size = sizeof(row)};
    for (uint32_t i = 0; i < mien_bench_count(bench) && mien_bench_row_at(bench, i, &row) == MIEN_OK; i++) {
        if (row.outcome == MIEN_BENCH_FAILED)
            result = complain(command, 1, "%s failed: %s; mien bench --only '%s' repeats it", row.name, row.reason,
                              row.name);
        if (row.change == MIEN_BENCH_SLOWER)
            result = complain(command, 1, "%s is slower: %.4g ms before, %.4g now, %.2f times (noise: %.2f)", row.name,
                              row.before_ms, row.ms, row.ratio, 1 + row.noise);
    }
    return result;
}

/* A file that is no result is a wrong argument. */
static int read_result(const char *path, struct mien_bench **out)
{
    enum mien_status status = mien_bench_read(path, out);
    return status == MIEN_ERR_DATA ? 2 : mien_status_exit_code(status);
}

static int print(const struct command *command, const struct common *common, const struct options *options,
                 struct mien_bench *bench, const struct mien_bench *before)
{
    const char *text;
    if (before && mien_bench_compare(bench, before, NULL) != MIEN_OK)
        return 1;
    text = common->json ? mien_bench_json(bench) : options->csv ? mien_bench_csv(bench) : mien_bench_text(bench);
    if (!*text)
        return complain(command, 1, "out of memory");
    printf("%s%s", text, common->json ? "\n" : "");
    fflush(stdout);
    return report(command, bench);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct common common;
    struct options options = {0};
    struct mien_bench *bench = NULL, *before = NULL;
    const struct arg args[] = {
        {"--quick", ARG_FLAG, NULL, "the smallest case of each kernel, and small towers", &options.quick},
        {"--slow", ARG_FLAG, NULL, "also what takes longer than seconds a run on a software device", &options.slow},
        {"--only", ARG_TEXT, "GLOB", "only rows of such names, as \"matmul/*\"; the peaks are measured always",
         &options.only},
        {"--csv", ARG_FLAG, NULL, "the rows as a table for programs", &options.csv},
        {"--compare", ARG_TEXT, "FILE", "an earlier result (--json): ratios, and what is slower beyond the noise",
         &options.compare},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &options.inputs);
    if (result != ARGS_RUN)
        return result;
    if (common.json && options.csv)
        return complain(command, 2, "--json and --csv: one of the two");
    if (options.inputs.count > 1 || (options.inputs.count && (options.quick || options.slow || options.only)))
        return complain(command, 2, "RESULT.json stands for a measurement: one, without --quick, --slow and --only");
    result = options.compare ? read_result(options.compare, &before) : 0;
    if (result == 0)
        result = options.inputs.count ? read_result(options.inputs.items[0], &bench)
                                      : mien_status_exit_code(measure(&common, &options, &bench));
    if (result == 0)
        result = print(command, &common, &options, bench, before);
    mien_bench_destroy(&bench);
    mien_bench_destroy(&before);
    return result;
}

const struct command command_bench = {
    .name = "bench",
    .synopsis = "[--quick] [--slow] [--only GLOB] [--compare FILE.json] [RESULT.json]",
    .summary = "times kernels, towers and training steps",
    .help =
        "Each kernel is held against its reference first, then timed at the shapes of models; so are the towers of\n"
        "small CLIP models and of ViT-B/32, and whole training steps on random pictures and texts. Beside each time\n"
        "stand its spread (the middle half of the samples), GFLOP/s, GB/s, and the share of what this device can\n"
        "do at most, which is measured in the same run: of multiply-adds in fp32 (fma) or of copies, whichever\n"
        "sets the limit; what runs on matrix units, whose peak is not measured, may be above 100 %. compile is\n"
        "what the first run took beyond the next, in ms. The samples of all rows take turns, so that a drift of\n"
        "the machine is shared by all. What would take long on a software device is skipped by name.\n"
        "--compare sets this measurement, or RESULT.json, against an earlier one: the ratio of the times, and what\n"
        "is slower by more than both spreads and 5 %, at its best too. Exit status 1: a row failed, or is slower;\n"
        "2: a file is no result. Drivers that keep a cache of kernels make compile look short; Mesa's is off with\n"
        "MESA_SHADER_CACHE_DISABLE=1.",
    .run = run,
    .lacks = LACKS_SEED,
};
