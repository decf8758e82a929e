/* classify.c: emotion scores of faces in an open vocabulary. */
#include "command.h"

#include "base/system.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const char *model, *label_list, *template_file, *descriptions, *average;
    struct words words;
    struct mien_texts *templates;
    char own_weights[4096];
    struct arg_list inputs;
    struct looking looking;
    bool skip_bad;
    struct common common;
    struct use use;
    struct mien_labels *labels;
    struct progress progress;
    size_t printed, bad;
    enum mien_status failed;        /* of scores */
    float *embeds, *scores;         /* [inputs,E], [labels] */
    bool *ok;                       /* [inputs] */
    struct mien_clip_frames *clips; /* [inputs] zeros where it is none */
};

static void print_json(const struct job *job, size_t at, size_t best)
{
    printf("{\"input\":");
    print_json_string(job->inputs.items[at]);
    printf(",\"label\":");
    print_json_string(job->words.lines[best]);
    printf(",\"scores\":{");
    for (size_t i = 0; i < job->words.count; i++) {
        printf("%s", i ? "," : "");
        print_json_string(job->words.lines[i]);
        putchar(':');
        print_json_number((double)job->scores[i], 9);
    }
    printf("}");
    if (job->clips[at].there)
        printf(",\"frames\":%" PRIu64 ",\"frames_there\":%" PRIu64, job->clips[at].used, job->clips[at].there);
    printf("}\n");
}

static void print_text(const struct job *job, size_t at, size_t best)
{
    print_shown(job->inputs.items[at]);
    printf(": ");
    print_shown(job->words.lines[best]);
    for (size_t i = 0; i < job->words.count; i++) {
        printf("%s", i ? ", " : "  (");
        print_shown(job->words.lines[i]);
        printf(" %.3f", (double)job->scores[i]);
    }
    printf(")");
    if (job->clips[at].there)
        printf(", clip of %" PRIu64 " of %" PRIu64 " frames", job->clips[at].used, job->clips[at].there);
    printf("\n");
}

/* Lines of the inputs up to `done` that have none yet. */
static void print_new(struct job *job, size_t done)
{
    progress_clear(&job->progress);
    for (size_t i = job->printed; i < done; i++) {
        size_t best = 0;
        job->bad += !job->ok[i];
        if (!job->ok[i])
            continue;
        job->failed = mien_labels_scores(job->labels, job->embeds + i * job->use.info.embed, job->scores);
        if (job->failed != MIEN_OK)
            return;
        for (size_t j = 1; j < job->words.count; j++)
            best = job->scores[j] > job->scores[best] ? j : best;
        (job->common.json ? print_json : print_text)(job, i, best);
    }
    job->printed = done;
    fflush(stdout);
}

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    struct job *job = user;
    print_new(job, (size_t)done);
    progress_show(&job->progress, done, total, "inputs", "");
    return job->failed == MIEN_OK;
}

static enum mien_status classify_all(struct job *job)
{
    size_t count = job->inputs.count;
    struct mien_input *inputs = take(count, sizeof(*inputs));
    enum mien_status status = MIEN_ERR_NOMEM;
    job->embeds = take(count * job->use.info.embed, sizeof(float));
    job->ok = take(count, sizeof(bool));
    job->clips = take(count, sizeof(*job->clips));
    if (inputs && job->embeds && job->ok && job->clips) {
        struct mien_embed_params params = looking_params(&job->looking);
        for (size_t i = 0; i < count; i++)
            inputs[i] = looking_input(&job->looking, job->inputs.items[i]);
        params.ok = job->ok;
        params.clips = job->clips;
        params.progress = on_progress;
        params.user = job;
        progress_begin(&job->progress, "classify", job->common.quiet);
        status = mien_model_embed(job->use.model, inputs, count, &params, job->embeds);
        progress_end(&job->progress);
    }
    free(inputs);
    return status;
}

/* Labels come first: what pictures need of the driver's compiler is made beside them. */
static enum mien_status expect_pictures(struct job *job)
{
    for (size_t i = 0; i < job->inputs.count; i++) {
        if (!looking_input(&job->looking, job->inputs.items[i]).path)
            return MIEN_OK; /* a clip: as many as it has */
    }
    return mien_model_expect(job->use.model, job->inputs.count);
}

static enum mien_status make_labels(struct job *job)
{
    const struct mien_labels_params params = {
        .size = sizeof params,
        .templates = job->templates ? job->templates->lines : NULL,
        .template_count = job->templates ? job->templates->count : 0,
        .descriptions = job->descriptions,
        .average = job->average && strcmp(job->average, "logits") == 0 ? MIEN_AVERAGE_LOGITS : MIEN_AVERAGE_EMBEDS};
    struct mien_label *labels = take(job->words.count, sizeof(*labels));
    enum mien_status status = MIEN_ERR_NOMEM;
    job->scores = take(job->words.count, sizeof(float));
    if (labels && job->scores) {
        for (size_t i = 0; i < job->words.count; i++)
            labels[i].name = job->words.lines[i];
        status = mien_labels_create(job->use.model, labels, job->words.count, &params, &job->labels);
    }
    free(labels);
    return status;
}

static int classify(const struct command *command, struct job *job)
{
    enum mien_status status = use_open(&job->use, &job->common, job->model);
    if (status == MIEN_OK)
        status = expect_pictures(job);
    if (status == MIEN_OK)
        status = make_labels(job);
    if (status == MIEN_OK)
        status = classify_all(job);
    if (job->failed != MIEN_OK)
        status = job->failed;
    mien_labels_destroy(&job->labels);
    int result = mien_status_exit_code(use_close(&job->use, status));
    bool lost = job->bad && (!job->skip_bad || job->bad == job->inputs.count);
    if (result == 0 && lost)
        result = job->inputs.count == 1 ? 4
                                        : complain(command, 4,
                                                   "%zu of %zu inputs could not be read; they are named "
                                                   "above",
                                                   job->bad, job->inputs.count);
    free(job->embeds);
    free(job->ok);
    free(job->clips);
    free(job->scores);
    return result;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* At least two labels, all different. */
static int check_labels(const struct command *command, const struct job *job)
{
    if (job->words.count < 2)
        return complain(command, 2, "--labels %s: at least two labels are needed, separated by commas",
                        job->label_list);
    const char **sorted = malloc(job->words.count * sizeof(*sorted)), *twice = NULL;
    if (!sorted)
        return complain(command, 1, "out of memory");
    memcpy(sorted, job->words.lines, job->words.count * sizeof(*sorted));
    qsort(sorted, job->words.count, sizeof(*sorted), by_text);
    for (size_t i = 1; i < job->words.count && !twice; i++)
        twice = strcmp(sorted[i - 1], sorted[i]) == 0 ? sorted[i] : NULL;
    free(sorted);
    return twice ? complain(command, 2, "--labels %s: \"%s\" stands there twice", job->label_list, twice) : 0;
}

static int check(const struct command *command, struct job *job)
{
    enum mien_status status = MIEN_OK;
    int result;
    if (!job->label_list || job->inputs.count == 0)
        return complain(command, 2, "%s is missing; see mien classify --help",
                        !job->label_list ? "--labels a,b,c" : "an image");
    if (job->average && strcmp(job->average, "logits") != 0 && strcmp(job->average, "embeddings") != 0)
        return complain(command, 2, "--average %s: embeddings or logits is wanted", job->average);
    if ((result = looking_check(command, &job->looking)) != 0)
        return result;
    if ((result = labels_split(command, job->label_list, &job->words)) != 0)
        return result;
    if ((result = check_labels(command, job)) != 0)
        return result;
    if (job->template_file)
        status = mien_texts_read(job->template_file, 0, &job->templates);
    if (status == MIEN_OK && !job->model) {
        status = mien_default_weights(NULL, job->own_weights, sizeof(job->own_weights));
        job->model = job->own_weights;
        if (status == MIEN_OK && !job->common.quiet) /* so that nobody takes them for more than they are */
            fprintf(stderr, "mien: using the weights %s, trained on drawn faces alone; --model names others\n",
                    job->model);
    }
    return mien_status_exit_code(status);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct job job = {.looking.frame_count = LOOKING_USUAL};
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR",
         "the model directory (default: small weights that come with Mien, of drawn faces alone)", &job.model},
        {"--labels", ARG_TEXT, "a,b,c", "the words to choose from", &job.label_list},
        {"--templates", ARG_TEXT, "FILE", "sentences with {} for the label, one a line", &job.template_file},
        {"--descriptions", ARG_TEXT, "FILE",
         "JSON, {\"label\": \"text\" or [\"text\", ...]}: used in place of templates", &job.descriptions},
        {"--average", ARG_TEXT, "WORD", "of a label's sentences: embeddings or logits (default: embeddings)",
         &job.average},
        {"--frame-count", ARG_NUMBER, "N", LOOKING_FRAMES, &job.looking.frame_count},
        {"--box", ARG_TEXT, "x,y,w,h", "look at this part of every picture", &job.looking.box_text},
        {"--no-exif", ARG_FLAG, NULL, "do not turn pictures as their EXIF orientation says", &job.looking.no_exif},
        {"--jpeg-draft", ARG_FLAG, NULL, LOOKING_DRAFT, &job.looking.jpeg_draft},
        {"--skip-bad", ARG_FLAG, NULL, "exit status 0 though some inputs cannot be read", &job.skip_bad},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &job.common, &job.inputs);
    if (result != ARGS_RUN)
        return result;
    if ((result = check(command, &job)) == 0)
        result = classify(command, &job);
    words_free(&job.words);
    mien_texts_destroy(&job.templates);
    return result;
}

const struct command command_classify = {
    .name = "classify",
    .synopsis = "[--model DIR] --labels a,b,c [options] INPUT ...",
    .summary = "scores faces by words of your choice",
    .help =
        "An INPUT is a cropped face (PNG, JPEG), a folder of frames, or a video (by its name's ending: .mp4, .mkv,\n"
        "...), which ffmpeg decodes: it must be installed. Prints the best label and all probabilities; --json prints\n"
        "one object a line: {\"input\",\"label\",\"scores\"}. A folder is one clip; how many of its frames were looked "
        "at\n"
        "is said (in JSON frames, frames_there). An input that cannot be read is named; the others are scored, and "
        "the\n"
        "exit status is 4.",
    .run = run,
    .lacks = LACKS_SEED,
    .traces = true,
    .halves = true,
};
