/* threads.c: two threads, each with a device and a model of its own, look at one picture.     threads MODEL_DIR PICTURE
 */
#include <mien/mien.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct looker {
    const char *model, *picture;
    float *embed; /* [width] */
    size_t width;
    enum mien_status status;
    char error[MIEN_ERROR_SIZE];
};

/* A gpu belongs to one thread at a time, and so does what is made on it: the thread makes its own. */
static void *look(void *user)
{
    struct looker *l = user;
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    struct mien_model_info info = {.size = sizeof info};
    l->status = mien_gpu_create(NULL, &gpu);
    if (l->status == MIEN_OK)
        l->status = mien_model_open(gpu, l->model, NULL, &model);
    if (l->status == MIEN_OK) {
        mien_model_describe(model, &info);
        l->width = info.embed;
        l->embed = malloc(l->width * sizeof(float));
        l->status = l->embed ? mien_model_embed(model, &(struct mien_input){.path = l->picture}, 1, NULL, l->embed)
                             : MIEN_ERR_NOMEM;
    }
    if (l->status != MIEN_OK) /* each thread has its own last error */
        snprintf(l->error, sizeof l->error, "%s", mien_last_error());
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    return NULL;
}

int main(int argc, char **argv)
{
    struct looker lookers[2] = {{0}};
    pthread_t threads[2];
    int result = 0, started = 0;
    if (argc != 3)
        return 2;
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT); /* the log is the process's; errors are read from each thread */
    for (; started < 2; started++) {
        lookers[started].model = argv[1];
        lookers[started].picture = argv[2];
        if (pthread_create(&threads[started], NULL, look, &lookers[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        if (lookers[i].status != MIEN_OK) {
            fprintf(stderr, "thread %d: %s\n", i, lookers[i].error);
            result = mien_status_exit_code(lookers[i].status);
        }
    }
    if (result == 0 && started == 2) {
        size_t bytes = lookers[0].width * sizeof(float);
        int same = lookers[0].width == lookers[1].width && memcmp(lookers[0].embed, lookers[1].embed, bytes) == 0;
        printf("2 threads, %s numbers\n", same ? "the same" : "other");
        result = same ? 0 : 1;
    }
    free(lookers[0].embed);
    free(lookers[1].embed);
    return started == 2 ? result : 1;
}
