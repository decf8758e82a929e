/* report.c: a page about runs and evaluations. */
#include "command.h"

#include <stdio.h>

static int run(const struct command *command, int argc, char **argv)
{
    struct common common;
    struct arg_list inputs = {0};
    const char *out = NULL;
    const struct arg args[] = {
        {"--out", ARG_TEXT, "FILE", "the page to write, HTML", &out},
        {"-o", ARG_TEXT, "FILE", "the same", &out},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (!out || inputs.count == 0)
        return complain(command, 2, "%s is missing; see mien report --help",
                        out ? "an input (a run directory, or what mien eval --json printed)" : "-o FILE");
    if ((result = output_check(command, out)) != 0)
        return result;
    enum mien_status status = mien_report(inputs.items, inputs.count, out);
    if (status == MIEN_OK && !common.quiet)
        printf("report %s\n", out);
    return mien_status_exit_code(status);
}

const struct command command_report = {
    .name = "report",
    .synopsis = "RUN_DIR|EVAL.json|ABLATION.json ... -o FILE.html",
    .summary = "writes a page about training runs and evaluations",
    .help =
        "RUN_DIR is a directory that mien train wrote; EVAL.json is what mien eval --json printed, also of a suite;\n"
        "ABLATION.json is what tools/recipes/ablation wrote. The page opens with the headline figures, device,\n"
        "parameters, duration and data, and holds curves, confusion matrix, recall with intervals, faces taken for\n"
        "another class, scores over the frames of clips, a map of the embeddings, captions with the faces nearest to\n"
        "them, a radar beside published figures (of a suite), an ablation's tables and the configuration. Several\n"
        "runs stand side by side: figures, the settings that differ, curves over each other. The page needs no other\n"
        "file and no script. Pictures are looked for as the evaluation named them: from the folder of EVAL.json, from\n"
        "this one, and from those above EVAL.json.",
    .run = run,
    .lacks = LACKS_DEVICE | LACKS_SEED | LACKS_JSON,
};
