/* face.c: an application of Mien: which emotion does the picture of a face show?     face MODEL_DIR PICTURE */
#include <mien/mien.h>

#include <stdio.h>
#include <stdlib.h>

enum { LABELS = 4 };
static const struct mien_label words[LABELS] = {
    {.name = "joy"}, {.name = "sorrow"}, {.name = "anger"}, {.name = "a smile"}};

static enum mien_status look(struct mien_model *model, const struct mien_input *face, float scores[LABELS])
{
    struct mien_model_info info = {.size = sizeof info};
    struct mien_labels *labels = NULL;
    mien_model_describe(model, &info);
    float *embed = malloc(info.embed * sizeof(float));
    enum mien_status status = embed ? mien_labels_create(model, words, LABELS, NULL, &labels) : MIEN_ERR_NOMEM;
    if (status == MIEN_OK && (status = mien_model_embed(model, face, 1, NULL, embed)) == MIEN_OK)
        mien_labels_scores(labels, embed, scores);
    mien_labels_destroy(&labels);
    free(embed);
    return status;
}

int main(int argc, char **argv)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    float scores[LABELS];
    enum mien_status status = argc == 3 ? mien_gpu_create(NULL, &gpu) : MIEN_ERR_ARG;
    if (status == MIEN_OK)
        status = mien_model_open(gpu, argv[1], NULL, &model);
    if (status == MIEN_OK)
        status = look(model, &(struct mien_input){.path = argv[2]}, scores);
    for (int i = 0; status == MIEN_OK && i < LABELS; i++)
        printf("%-14s %.3f\n", words[i].name, (double)scores[i]);
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    return mien_status_exit_code(status); /* a failure has been explained on standard error */
}
