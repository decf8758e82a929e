/* cancel.c: a long call that is ended from its progress; what was done until then is kept.     cancel MODEL_DIR PICTURE
 */
#include <mien/mien.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 300, ENOUGH = 100 };

/* On the thread that called mien_model_embed. A real application asks a flag that its window or signal handler sets. */
static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    (void)total;
    *(uint64_t *)user = done;
    return done < ENOUGH;
}

/* So many times the same picture, until it is enough. */
static enum mien_status look(struct mien_model *model, const char *picture)
{
    static struct mien_input inputs[COUNT];
    struct mien_model_info info = {.size = sizeof info};
    uint64_t done = 0;
    const struct mien_embed_params params = {.size = sizeof params, .progress = on_progress, .user = &done};
    mien_model_describe(model, &info);
    float *embeds = calloc(COUNT + 1, info.embed * sizeof(float));
    for (int i = 0; i < COUNT; i++)
        inputs[i].path = picture;
    enum mien_status status = embeds ? mien_model_embed(model, inputs, COUNT, &params, embeds) : MIEN_ERR_NOMEM;
    if (status ==
        MIEN_ERR_CANCELLED) { /* no failure: rows up to `done` are final, and the model is as good as before */
        printf("cancelled after %llu of %d\n", (unsigned long long)done, COUNT);
        float *again = embeds + (size_t)COUNT * info.embed;
        status = mien_model_embed(model, inputs, 1, NULL, again);
        for (uint64_t i = 0; status == MIEN_OK && i < done; i++) {
            if (memcmp(embeds + i * info.embed, again, info.embed * sizeof(float)) != 0)
                status = MIEN_ERR_FAILED;
        }
    }
    free(embeds);
    return status;
}

int main(int argc, char **argv)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    enum mien_status status = argc == 3 ? mien_gpu_create(NULL, &gpu) : MIEN_ERR_ARG;
    if (status == MIEN_OK)
        status = mien_model_open(gpu, argv[1], NULL, &model);
    if (status == MIEN_OK)
        status = look(model, argv[2]);
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    return mien_status_exit_code(status);
}
