/* eval.c: evaluation tasks. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "images", "");
    return true;
}

static const char *const levels[] = {"caption", "global", "summary", NULL};
static const char *const averages[] = {"embeddings", "logits", NULL};

struct request {
    const char *model, *level, *average, *labels, *template_file, *embeddings, *compat, *threshold, *suite;
    struct mien_eval_params params;
    struct mien_labels_params sentences;
    struct looking looking;
    struct mien_texts *templates;
    struct words classes;
};

static enum mien_status evaluate(const struct common *common, struct request *q, bool leads)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    struct mien_result *result = NULL;
    struct mien_store *store = NULL;
    struct progress progress;
    enum mien_status status = q->suite ? mien_eval_suite_check(q->suite, &q->params) : mien_eval_check(&q->params);
    if (status == MIEN_OK)
        status = gpu_open(common, &gpu);
    if (status == MIEN_OK)
        status = model_open(common, gpu, q->model, &model);
    progress_begin(&progress, "eval", common->quiet);
    q->params.seed = common->seed_given ? common->seed : 0;
    q->params.progress = on_progress;
    q->params.user = &progress;
    if (status == MIEN_OK && q->embeddings)
        status = mien_store_read(model, q->embeddings, &store);
    q->params.store = store;
    if (status == MIEN_OK)
        status =
            q->suite ? mien_eval_suite(model, q->suite, &q->params, &result) : mien_eval(model, &q->params, &result);
    progress_end(&progress);
    if (status == MIEN_OK && leads && common->json)
        printf("%s\n", mien_result_json(result));
    else if (status == MIEN_OK && leads)
        print_shown(mien_result_summary(result));
    mien_result_destroy(&result);
    mien_store_destroy(&store);
    mien_model_destroy(&model);
    return gpu_close(&gpu, status);
}

static int evaluate_as_rank(struct common *common, struct request *q)
{
    struct ranks ranks;
    enum mien_status status = ranks_open(&ranks, common);
    if (status == MIEN_OK)
        status = evaluate(common, q, ranks_lead(&ranks));
    return ranks_close(&ranks, mien_status_exit_code(status));
}

/* Index of a word in a list that NULL ends. */
static bool choose(const char *word, const char *const *list, uint32_t *out)
{
    for (uint32_t i = 0; list[i]; i++) {
        if (strcmp(word, list[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* With --suite the list says what else there is to say. */
static int read_suite(const struct command *command, const struct request *q)
{
    const struct mien_eval_params *p = &q->params;
    if (!q->model)
        return complain(command, 2, "--model DIR is missing; see mien eval --help");
    if (p->manifest || p->task || p->split || p->columns || p->folds || p->by || p->sessions || p->shots || p->seeds ||
        p->limit || q->level || q->average || q->labels || q->template_file || q->compat || q->threshold ||
        q->sentences.descriptions)
        return complain(command, 2,
                        "--suite FILE says what is evaluated and how; beside it go --model, --data, --class, "
                        "--embeddings, --frame-count and the common options");
    return 0;
}

static bool read_threshold(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out > 0 && *out < 1e9;
}

/* What is said in words; 0, or the exit status after a message. */
static int read_words(const struct command *command, struct request *q)
{
    enum mien_status status = MIEN_OK;
    uint32_t level = 0, average = 0;
    int result;
    if (q->suite)
        return read_suite(command, q);
    if (q->params.data)
        return complain(command, 2, "--data DIR is the directory of the manifests of a suite; --suite FILE is missing");
    if (!q->model || !q->params.manifest || !q->params.task)
        return complain(command, 2, "%s is missing; see mien eval --help",
                        !q->model             ? "--model DIR"
                        : !q->params.manifest ? "--manifest FILE"
                                              : "--task TASK (or --suite FILE)");
    if (q->threshold && !read_threshold(q->threshold, &q->params.threshold))
        return complain(command, 2, "--threshold %s: a number above 0 is wanted", q->threshold);
    if (q->level && !choose(q->level, levels, &level))
        return complain(command, 2, "--level %s: it is one of: caption, global, summary", q->level);
    if (q->average && !choose(q->average, averages, &average))
        return complain(command, 2, "--average %s: it is one of: embeddings, logits", q->average);
    if (q->template_file)
        status = mien_texts_read(q->template_file, 0, &q->templates);
    if (status != MIEN_OK)
        return mien_status_exit_code(status);
    if (q->labels && (result = labels_split(command, q->labels, &q->classes)) != 0)
        return result;
    q->params.level = (enum mien_text_level)level;
    q->sentences.average = (enum mien_average)average;
    if (q->templates) {
        q->sentences.templates = q->templates->lines;
        q->sentences.template_count = q->templates->count;
    }
    q->params.labels = &q->sentences;
    q->params.classes = q->classes.lines;
    q->params.class_count = q->classes.count;
    return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct request q = {.params = {.size = sizeof q.params},
                        .sentences = {.size = sizeof q.sentences},
                        .looking.frame_count = LOOKING_USUAL};
    struct mien_eval_params *p = &q.params;
    struct common common;
    uint64_t limit = 0, shots = 0, seeds = 0;
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &q.model},
        {"--manifest", ARG_TEXT, "FILE", "the data, JSON Lines or a table (mien manifest)", &p->manifest},
        {"--column", ARG_TEXT, "KEY=NAME,...", "of a table: image=path,caption=text", &p->columns},
        {"--task", ARG_TEXT, "TASK", "one of the tasks above", &p->task},
        {"--suite", ARG_TEXT, "FILE", "in place of --manifest and --task: a list of evaluations", &q.suite},
        {"--data", ARG_TEXT, "DIR", "of a suite: its manifests are in DIR; without one an entry is skipped", &p->data},
        {"--split", ARG_TEXT, "SPLIT",
         "train, val (rows without a split are of both), test or all (default: test, else val, else all)", &p->split},
        {"--embeddings", ARG_TEXT, "FILE", STORED_HELP, &q.embeddings},
        {"--frame-count", ARG_NUMBER, "N", LOOKING_FRAMES, &q.looking.frame_count},
        {"--labels", ARG_TEXT, "a,b,c", "the classes (default: all labels of the manifest)", &q.labels},
        {"--templates", ARG_TEXT, "FILE", "sentences with {} for the label, one a line", &q.template_file},
        {"--descriptions", ARG_TEXT, "FILE", "JSON, {\"label\": \"sentence\" or [...]}", &q.sentences.descriptions},
        {"--average", ARG_TEXT, "WHAT", "of a label's sentences: embeddings (default) or logits", &q.average},
        {"--level", ARG_TEXT, "WHICH", "of captions: caption (all sentences; default), global or summary", &q.level},
        {"--limit", ARG_NUMBER, "N", "at most N images, evenly spaced (default 1000)", &limit},
        {"--class", ARG_TEXT, "NAME", "of leave-one-out: the class that training left out", &p->class_name},
        {"--folds", ARG_TEXT, "HOW", "what is fitted to what: split, fold or subject (each by the others)", &p->folds},
        {"--shots", ARG_NUMBER, "K", "samples of a class (default: 1, 2, 4, 8 and 16)", &shots},
        {"--seeds", ARG_NUMBER, "N", "draws of them (default 5)", &seeds},
        {"--sessions", ARG_FLAG, NULL, "the mean over the rows of a subject is what counts", &p->sessions},
        {"--by", ARG_TEXT, "HOW", "of action units: sentence or probe (default: probe with a train split)", &p->by},
        {"--threshold", ARG_TEXT, "X", "a unit is present from this value on (default 0.5)", &q.threshold},
        {"--compat", ARG_TEXT, "CODE", "emoclip: PCC and CCC with the 1e-5 of its code", &q.compat},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    p->frames = looking_frames(&q.looking);
    p->limit = (size_t)limit;
    p->shots = (uint32_t)shots;
    p->seeds = (uint32_t)seeds;
    p->emoclip = q.compat != NULL && !q.suite;
    result = looking_check(command, &q.looking);
    if (result == 0)
        result = read_words(command, &q);
    if (result == 0 && (shots > UINT32_MAX || seeds > UINT32_MAX))
        result = complain(command, 2, "--shots and --seeds take small numbers");
    if (result == 0 && q.compat && strcmp(q.compat, "emoclip") != 0)
        result = complain(command, 2, "--compat %s: it is: emoclip", q.compat);
    if (result == 0)
        result = evaluate_as_rank(&common, &q);
    mien_texts_destroy(&q.templates);
    words_free(&q.classes);
    return result;
}

static void print_tasks(void)
{
    const struct mien_eval_info *info;
    printf("TASK is one of:\n");
    for (size_t i = 0; (info = mien_eval_describe(i)); i++) {
        printf("  %-13s  ", info->name);
        print_wrapped(info->summary, 17);
        if (!info->options[0])
            continue;
        printf("%*stakes", 17, "");
        for (size_t k = 0; info->options[k]; k++)
            printf(" --%s", info->options[k]);
        printf("\n");
    }
}

const struct command command_eval = {
    .name = "eval",
    .synopsis = "--model DIR (--manifest FILE --task TASK [--split SPLIT] [options] | --suite FILE.json)",
    .summary = "evaluates a model over a manifest",
    .help =
        "Rows are images or clips. Videos are decoded by ffmpeg, which must be installed. --json prints one\n"
        "object, which mien report reads.\n\n"
        "A suite is a list of evaluations of one model, in a file:\n"
        "  [{\"manifest\": \"rafdb.jsonl\", \"task\": \"zero-shot\"},\n"
        "   {\"manifest\": \"disfa.jsonl\", \"task\": \"au\", \"folds\": \"subject\", \"name\": \"DISFA\"}]\n"
        "with the options below by their names without the dashes (columns for --column, frame_count, labels as\n"
        "a list, sessions true), a seed, and a name for tables. Paths are relative to the file. All entries are\n"
        "checked before the first is run; one JSON holds all results. With --data DIR manifests are looked for in\n"
        "DIR, entries whose manifest is not there are skipped and named, and entries of leave-one-out without a\n"
        "class take that of --class. \"metric\" is the value that stands for an entry (such as war), and\n"
        "\"published\" lists what others report: [{\"model\": \"X\", \"value\": 0.629, \"error\": 0.003, \"source\":\n"
        "\"...\"}]; mien report draws it beside what was found.",
    .print_more = print_tasks,
    .run = run,
    .traces = true,
    .halves = true,
};
