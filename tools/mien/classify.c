/* classify.c: emotion scores of faces in an open vocabulary. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

struct work {
    struct mien_gpu *gpu;
    struct mien_model *model;
    float *labels, *images, *scores; /* embeddings [labels,E], [images,E]; [labels] */
    size_t width;
};

static void print_json(const char *input, const struct templates *labels, size_t best, const float *scores)
{
    printf("{\"input\":");
    print_json_string(input);
    printf(",\"label\":");
    print_json_string(labels->lines[best]);
    printf(",\"scores\":{");
    for (size_t i = 0; i < labels->count; i++) {
        printf("%s", i ? "," : "");
        print_json_string(labels->lines[i]);
        printf(":%.9g", (double)scores[i]);
    }
    printf("}}\n");
}

static void print_text(const char *input, const struct templates *labels, size_t best, const float *scores)
{
    printf("%s: %s", input, labels->lines[best]);
    for (size_t i = 0; i < labels->count; i++)
        printf("%s%s %.3f", i ? ", " : "  (", labels->lines[i], (double)scores[i]);
    printf(")\n");
}

static void print_all(const struct common *common, const struct work *w, const struct templates *labels,
                      const struct arg_list *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        size_t best = 0;
        mien_model_scores(w->model, w->images + i * w->width, w->labels, labels->count, w->scores);
        for (size_t j = 1; j < labels->count; j++)
            best = w->scores[j] > w->scores[best] ? j : best;
        if (common->json)
            print_json(inputs->items[i], labels, best, w->scores);
        else
            print_text(inputs->items[i], labels, best, w->scores);
    }
}

static enum mien_status classify(const struct common *common, const char *dir, const struct templates *labels,
                                 const struct templates *templates, const struct arg_list *inputs, struct work *w)
{
    struct mien_model_info info;
    const struct mien_gpu_params wanted = {.device = common->device, .caps = common->caps};
    enum mien_status status = mien_gpu_create(&wanted, &w->gpu);
    if (status == MIEN_OK)
        status = mien_model_open(w->gpu, dir, &w->model);
    if (status != MIEN_OK)
        return status;
    mien_model_describe(w->model, &info);
    w->width = info.embed;
    w->labels = calloc(labels->count * w->width, sizeof(float));
    w->images = calloc(inputs->count * w->width, sizeof(float));
    w->scores = calloc(labels->count, sizeof(float));
    if (!w->labels || !w->images || !w->scores)
        return MIEN_ERR_NOMEM;
    status = mien_model_embed_images(w->model, inputs->items, inputs->count, 0, w->images);
    if (status == MIEN_OK)
        status = mien_model_embed_labels(w->model, labels->lines, labels->count, templates->lines, templates->count,
                                         w->labels);
    if (status == MIEN_OK)
        print_all(common, w, labels, inputs);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *model = NULL, *label_list = NULL, *template_file = NULL;
    struct templates labels = {0}, templates = {0};
    struct arg_list inputs = {0};
    struct common common;
    struct work work = {0};
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &model},
        {"--labels", ARG_TEXT, "a,b,c", "the words to choose from", &label_list},
        {"--templates", ARG_TEXT, "FILE", "sentences with {} for the label, one a line", &template_file},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (!model || !label_list || inputs.count == 0)
        return complain(command, 2, "%s is missing; see mien classify --help",
                        !model        ? "--model DIR"
                        : !label_list ? "--labels a,b,c"
                                      : "an image");
    if ((result = templates_split(command, label_list, &labels)) != 0)
        return result;
    if (labels.count < 2)
        return complain(command, 2, "--labels %s: at least two labels are needed, separated by commas", label_list);
    if (template_file && (result = templates_read(command, template_file, &templates)) != 0)
        return result;
    result = mien_status_exit_code(classify(&common, model, &labels, &templates, &inputs, &work));
    mien_model_destroy(&work.model);
    mien_gpu_destroy(&work.gpu);
    free(work.labels);
    free(work.images);
    free(work.scores);
    templates_free(&labels);
    templates_free(&templates);
    return result;
}

const struct command command_classify = {
    .name = "classify",
    .synopsis = "--model DIR --labels a,b,c [options] IMAGE ...",
    .summary = "scores faces by words of your choice",
    .help = "Images are cropped faces (PNG, JPEG). Prints the best label and all probabilities; --json prints one "
            "object a\n"
            "line: {\"input\",\"label\",\"scores\"}.",
    .run = run,
};
