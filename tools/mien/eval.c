/* eval.c: evaluation protocols. */
#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void on_progress(void *user, size_t done, size_t total)
{
    progress_show(user, done, total, "images", "");
}

static void print_number(double value)
{
    if (isnan(value))
        printf("null");
    else
        printf("%.9g", value);
}

static void print_json(const struct mien_zero_shot *r)
{
    printf("{\"task\":\"zero-shot\",\"split\":\"%s\",\"n\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"war\":", r->split, r->n,
           r->bad);
    print_number(r->war);
    printf(",\"uar\":");
    print_number(r->uar);
    printf(",\"classes\":[");
    for (size_t c = 0; c < r->class_count; c++) {
        printf("%s", c ? "," : "");
        print_json_string(r->classes[c]);
    }
    printf("],\"recall\":[");
    for (size_t c = 0; c < r->class_count; c++) {
        printf("%s", c ? "," : "");
        print_number(r->recall[c]);
    }
    printf("],\"confusion\":[");
    for (size_t t = 0; t < r->class_count; t++) {
        printf("%s[", t ? "," : "");
        for (size_t p = 0; p < r->class_count; p++)
            printf("%s%" PRIu64, p ? "," : "", r->confusion[t * r->class_count + p]);
        printf("]");
    }
    printf("]}\n");
}

static void print_text(const struct mien_zero_shot *r)
{
    printf("%-14s %6s %7s  predicted as, in this order\n", "class", "n", "recall");
    for (size_t t = 0; t < r->class_count; t++) {
        uint64_t support = 0;
        for (size_t p = 0; p < r->class_count; p++)
            support += r->confusion[t * r->class_count + p];
        printf("%-14s %6" PRIu64 " %7.3f ", r->classes[t], support, r->recall[t]);
        for (size_t p = 0; p < r->class_count; p++)
            printf(" %4" PRIu64, r->confusion[t * r->class_count + p]);
        printf("\n");
    }
    if (r->bad)
        printf("%" PRIu64 " images could not be read\n", r->bad);
    printf("split %s, n %" PRIu64 "\nzero-shot UAR %.3f WAR %.3f\n", r->split, r->n, r->uar, r->war);
}

static enum mien_status evaluate(const struct common *common, const char *dir, struct mien_zero_shot_params *params)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    struct mien_zero_shot *result = NULL;
    struct progress progress;
    const struct mien_gpu_params wanted = {.device = common->device, .caps = common->caps};
    enum mien_status status = mien_gpu_create(&wanted, &gpu);
    if (status == MIEN_OK)
        status = mien_model_open(gpu, dir, &model);
    progress_begin(&progress, "eval", common->quiet);
    params->progress = on_progress;
    params->user = &progress;
    if (status == MIEN_OK)
        status = mien_eval_zero_shot(model, params, &result);
    progress_end(&progress);
    if (status == MIEN_OK && common->json)
        print_json(result);
    else if (status == MIEN_OK)
        print_text(result);
    mien_zero_shot_destroy(&result);
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const char *const tasks[] = {"zero-shot", NULL};
    struct mien_zero_shot_params params = {0};
    const char *model = NULL, *task = NULL;
    struct common common;
    struct templates templates = {0};
    const char *template_file = NULL;
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &model},
        {"--manifest", ARG_TEXT, "FILE", "the data, JSON Lines", &params.manifest},
        {"--task", ARG_TEXT, "TASK", "zero-shot", &task},
        {"--split", ARG_TEXT, "SPLIT", "train, val, test or all (default: test, else val, else all)", &params.split},
        {"--templates", ARG_TEXT, "FILE", "sentences with {} for the label, one a line", &template_file},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    if (!model || !params.manifest || !task)
        return complain(command, 2, "%s is missing; see mien eval --help",
                        !model             ? "--model DIR"
                        : !params.manifest ? "--manifest FILE"
                                           : "--task TASK");
    if (strcmp(task, tasks[0]) != 0)
        return complain(command, 2, "--task %s is not supported by this version; it is one of: zero-shot", task);
    if (template_file && (result = templates_read(command, template_file, &templates)) != 0)
        return result;
    params.templates = templates.lines;
    params.template_count = templates.count;
    result = mien_status_exit_code(evaluate(&common, model, &params));
    templates_free(&templates);
    return result;
}

const struct command command_eval = {
    .name = "eval",
    .synopsis = "--model DIR --manifest FILE --task zero-shot [--split SPLIT] [options]",
    .summary = "evaluates a model over a manifest",
    .help =
        "zero-shot: each image goes to the label whose sentences are most like it. Prints the confusion matrix (rows:\n"
        "truth), recall per class, WAR (accuracy) and UAR (mean recall); --json prints one object.",
    .run = run,
};
