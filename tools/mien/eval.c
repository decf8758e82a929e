/* eval.c: evaluation protocols. */
#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "images", "");
    return true;
}

/* ---- JSON ---- */

static void print_number(double value)
{
    if (isnan(value))
        printf("null");
    else
        printf("%.9g", value);
}

static void print_member(const char *key, double value)
{
    printf(",\"%s\":", key);
    print_number(value);
}

static void print_interval(struct mien_interval interval)
{
    printf("[");
    print_number(interval.low);
    printf(",");
    print_number(interval.high);
    printf("]");
}

static void print_text_member(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    print_json_string(text);
}

/* What every result begins with; the caller closes the object. */
static void print_head(const char *task, const char *model, const struct mien_gpu *gpu, const char *split, uint64_t n,
                       uint64_t bad)
{
    printf("{\"task\":\"%s\"", task);
    print_text_member("model", model);
    print_text_member("device", mien_gpu_name(gpu));
    print_text_member("split", split);
    printf(",\"n\":%" PRIu64 ",\"bad\":%" PRIu64, n, bad);
}

static void print_classes(const struct mien_zero_shot *r)
{
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
    printf("],\"recall_interval\":[");
    for (size_t c = 0; c < r->class_count; c++) {
        printf("%s", c ? "," : "");
        print_interval(r->recall_interval[c]);
    }
    printf("],\"confusion\":[");
    for (size_t t = 0; t < r->class_count; t++) {
        printf("%s[", t ? "," : "");
        for (size_t p = 0; p < r->class_count; p++)
            printf("%s%" PRIu64, p ? "," : "", r->confusion[t * r->class_count + p]);
        printf("]");
    }
    printf("]");
}

static void zero_shot_json(const struct mien_zero_shot *r, const char *model, const struct mien_gpu *gpu)
{
    print_head("zero-shot", model, gpu, r->split, r->n, r->bad);
    print_member("war", r->war);
    print_member("uar", r->uar);
    print_member("present", (double)r->present);
    printf(",\"war_interval\":");
    print_interval(r->war_interval);
    printf(",\"uar_interval\":");
    print_interval(r->uar_interval);
    print_classes(r);
    printf(",\"map\":[");
    for (size_t i = 0; i < r->map_count; i++)
        printf("%s[%.4f,%.4f,%" PRIu32 ",%" PRIu32 "]", i ? "," : "", (double)r->map[i].x, (double)r->map[i].y,
               r->map[i].truth, r->map[i].prediction);
    printf("]}\n");
}

static void print_ranks(const char *key, const struct mien_ranks *r)
{
    static const char *const names[] = {"r1", "r5", "r10"};
    printf(",\"%s\":{\"median\":%.9g,\"mean\":%.9g", key, r->median, r->mean);
    for (int k = 0; k < 3; k++) {
        print_member(names[k], r->recall_at[k]);
        printf(",\"%s_interval\":", names[k]);
        print_interval(r->interval[k]);
    }
    printf("}");
}

static void retrieval_json(const struct mien_retrieval *r, const char *model, const struct mien_gpu *gpu)
{
    print_head("retrieval", model, gpu, r->split, r->n, r->bad);
    print_member("chance", r->chance);
    print_ranks("image_text", &r->image_text);
    print_ranks("text_image", &r->text_image);
    printf(",\"examples\":[");
    for (size_t i = 0; i < r->example_count; i++) {
        const struct mien_retrieval_example *e = &r->examples[i];
        printf("%s{\"image\":", i ? "," : "");
        print_json_string(e->image);
        print_text_member("truth", e->truth);
        printf(",\"texts\":[");
        for (size_t k = 0; k < e->count; k++) {
            printf("%s", k ? "," : "");
            print_json_string(e->texts[k]);
        }
        printf("],\"scores\":[");
        for (size_t k = 0; k < e->count; k++)
            printf("%s%.6g", k ? "," : "", (double)e->scores[k]);
        printf("]}");
    }
    printf("]}\n");
}

/* ---- text ---- */

static void zero_shot_text(const struct mien_zero_shot *r)
{
    printf("%-14s %6s %7s  %-14s predicted as, in this order\n", "class", "n", "recall", "95 % interval");
    for (size_t t = 0; t < r->class_count; t++) {
        uint64_t support = 0;
        for (size_t p = 0; p < r->class_count; p++)
            support += r->confusion[t * r->class_count + p];
        printf("%-14s %6" PRIu64 " %7.3f  %.3f to %.3f", r->classes[t], support, r->recall[t],
               r->recall_interval[t].low, r->recall_interval[t].high);
        for (size_t p = 0; p < r->class_count; p++)
            printf(" %4" PRIu64, r->confusion[t * r->class_count + p]);
        printf("\n");
    }
    if (r->bad)
        printf("%" PRIu64 " images could not be read\n", r->bad);
    printf("split %s, n %" PRIu64 ", 95 %% intervals: UAR %.3f to %.3f, WAR %.3f to %.3f\n", r->split, r->n,
           r->uar_interval.low, r->uar_interval.high, r->war_interval.low, r->war_interval.high);
    printf("zero-shot UAR %.3f WAR %.3f\n", r->uar, r->war);
}

static void ranks_text(const char *name, const struct mien_ranks *r)
{
    printf("%-14s %6.3f %6.3f %6.3f %12.1f %10.1f\n", name, r->recall_at[0], r->recall_at[1], r->recall_at[2],
           r->median, r->mean);
}

static void retrieval_text(const struct mien_retrieval *r)
{
    printf("%-14s %6s %6s %6s %12s %10s\n", "query", "R@1", "R@5", "R@10", "median rank", "mean rank");
    ranks_text("image", &r->image_text);
    ranks_text("text", &r->text_image);
    if (r->bad)
        printf("%" PRIu64 " images could not be read\n", r->bad);
    printf("split %s, n %" PRIu64 ", chance of R@1 %.4f, 95 %% interval of R@1 %.3f to %.3f\n", r->split, r->n,
           r->chance, r->image_text.interval[0].low, r->image_text.interval[0].high);
    printf("retrieval R@1 %.3f\n", r->image_text.recall_at[0]);
}

/* ---- the command ---- */

enum task_kind { TASK_ZERO_SHOT, TASK_RETRIEVAL };
static const char *const tasks[] = {"zero-shot", "retrieval", NULL};
static const char *const texts[] = {"caption", "global", "summary", NULL};
static const char *const averages[] = {"embeddings", "logits", NULL};

struct request {
    const char *model, *manifest, *split, *descriptions;
    uint32_t task, text, average;
    uint64_t limit;
    struct templates templates, labels;
};

static enum mien_status zero_shot(const struct common *common, const struct request *q, struct mien_model *model,
                                  const struct mien_gpu *gpu, struct progress *progress)
{
    struct mien_zero_shot *result = NULL;
    const struct mien_zero_shot_params params = {.manifest = q->manifest,
                                                 .split = q->split,
                                                 .classes = q->labels.lines,
                                                 .class_count = q->labels.count,
                                                 .labels = {.templates = q->templates.lines,
                                                            .template_count = q->templates.count,
                                                            .descriptions = q->descriptions,
                                                            .average = (enum mien_average)q->average},
                                                 .seed = common->seed,
                                                 .progress = on_progress,
                                                 .user = progress};
    enum mien_status status = mien_eval_zero_shot(model, &params, &result);
    progress_end(progress);
    if (status == MIEN_OK && common->json)
        zero_shot_json(result, q->model, gpu);
    else if (status == MIEN_OK)
        zero_shot_text(result);
    mien_zero_shot_destroy(&result);
    return status;
}

static enum mien_status retrieval(const struct common *common, const struct request *q, struct mien_model *model,
                                  const struct mien_gpu *gpu, struct progress *progress)
{
    struct mien_retrieval *result = NULL;
    const struct mien_retrieval_params params = {.manifest = q->manifest,
                                                 .split = q->split,
                                                 .text = (enum mien_retrieval_text)q->text,
                                                 .limit = q->limit,
                                                 .seed = common->seed,
                                                 .progress = on_progress,
                                                 .user = progress};
    enum mien_status status = mien_eval_retrieval(model, &params, &result);
    progress_end(progress);
    if (status == MIEN_OK && common->json)
        retrieval_json(result, q->model, gpu);
    else if (status == MIEN_OK)
        retrieval_text(result);
    mien_retrieval_destroy(&result);
    return status;
}

static enum mien_status evaluate(const struct common *common, const struct request *q)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    struct progress progress;
    enum mien_status status = gpu_open(common, &gpu);
    if (status == MIEN_OK)
        status = model_open(common, gpu, q->model, &model);
    progress_begin(&progress, "eval", common->quiet);
    if (status == MIEN_OK && q->task == TASK_ZERO_SHOT)
        status = zero_shot(common, q, model, gpu, &progress);
    else if (status == MIEN_OK)
        status = retrieval(common, q, model, gpu, &progress);
    mien_model_destroy(&model);
    return gpu_close(&gpu, status);
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

static int run(const struct command *command, int argc, char **argv)
{
    struct request q = {0};
    struct common common;
    const char *template_file = NULL, *task = NULL, *text = NULL, *average = NULL, *labels = NULL;
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &q.model},
        {"--manifest", ARG_TEXT, "FILE", "the data, JSON Lines", &q.manifest},
        {"--task", ARG_TEXT, "TASK", "zero-shot or retrieval", &task},
        {"--split", ARG_TEXT, "SPLIT", "train, val, test or all (default: test, else val, else all)", &q.split},
        {"--labels", ARG_TEXT, "a,b,c", "zero-shot: the classes (default: all labels of the manifest)", &labels},
        {"--templates", ARG_TEXT, "FILE", "zero-shot: sentences with {} for the label, one a line", &template_file},
        {"--descriptions", ARG_TEXT, "FILE", "zero-shot: JSON, {\"label\": \"sentence\" or [...]}", &q.descriptions},
        {"--average", ARG_TEXT, "WHAT", "zero-shot: of a label's sentences: embeddings (default) or logits", &average},
        {"--level", ARG_TEXT, "WHICH", "retrieval: caption (all its sentences; default), global or summary", &text},
        {"--limit", ARG_NUMBER, "N", "retrieval: at most N images, evenly spaced (default 1000)", &q.limit},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    if (!q.model || !q.manifest || !task)
        return complain(command, 2, "%s is missing; see mien eval --help",
                        !q.model      ? "--model DIR"
                        : !q.manifest ? "--manifest FILE"
                                      : "--task TASK");
    if (!choose(task, tasks, &q.task))
        return complain(command, 2, "--task %s is not supported by this version; it is one of: zero-shot, retrieval",
                        task);
    if (text && !choose(text, texts, &q.text))
        return complain(command, 2, "--level %s: it is one of: caption, global, summary", text);
    if (average && !choose(average, averages, &q.average))
        return complain(command, 2, "--average %s: it is one of: embeddings, logits", average);
    if (template_file && (result = templates_read(command, template_file, &q.templates)) != 0)
        return result;
    if (labels && (result = labels_split(command, labels, &q.labels)) != 0)
        return result;
    result = mien_status_exit_code(evaluate(&common, &q));
    templates_free(&q.templates);
    templates_free(&q.labels);
    return result;
}

const struct command command_eval = {
    .name = "eval",
    .synopsis = "--model DIR --manifest FILE --task TASK [--split SPLIT] [options]",
    .summary = "evaluates a model over a manifest",
    .help =
        "Rows are images or clips; of a clip 32 frames at equal spacing are used. Videos are decoded by ffmpeg, which "
        "must\n"
        "be installed.\n"
        "zero-shot: each image goes to the label whose sentences are most like it (several labels of a row are one\n"
        "compound class; the classes are all labels of the manifest, whatever the split, or those of --labels).\n"
        "Prints the confusion matrix (rows: truth), recall per class, WAR (accuracy) and UAR (mean recall), with 95 %\n"
        "bootstrap intervals; training chooses best/ by the same UAR.\n"
        "retrieval: images and captions look for each other: R@1, R@5, R@10, median and mean rank both ways.\n"
        "--json prints one object, which mien report reads.",
    .run = run,
    .traces = true,
    .halves = true,
};
