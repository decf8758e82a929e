/* bench_embed: what a picture costs in batches of any size. Sizes take turns, so that the machine's drift is in all of
 * them; the least of each counts, and is compared with that of 8 pictures, a picture. */
#include "base/clock.h"
#include "mien/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 48, MOST = 32, SIZES = 10, OF = 3 };

static const size_t sizes[SIZES] = {1, 2, 4, 8, 9, 12, 16, 17, 24, 32};

/* Least seconds of each size. */
static enum mien_status measure(struct mien_model *model, uint32_t rounds, float *out, double best[SIZES])
{
    static unsigned char pixels[SIDE * SIDE * 3];
    struct mien_input inputs[MOST];
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (unsigned char)(i * 37);
    for (size_t i = 0; i < MOST; i++)
        inputs[i] = (struct mien_input){.pixels = pixels, .width = SIDE, .height = SIDE};
    for (uint32_t round = 0; round < 2 + rounds;
         round++) { /* in the first two pipelines are made and programs replayed */
        for (size_t i = 0; i < SIZES && status == MIEN_OK; i++) {
            uint64_t began = base_clock_ns();
            status = mien_model_embed(model, inputs, sizes[i], NULL, out);
            double took = (double)(base_clock_ns() - began) * 1e-9;
            if (round >= 2)
                best[i] = fmin(best[i], took);
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    struct mien_model_info info = {.size = sizeof info};
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    double best[SIZES];
    if (argc < 2) {
        fprintf(stderr, "usage: bench_embed MODEL [ROUNDS]\n");
        return 2;
    }
    for (size_t i = 0; i < SIZES; i++)
        best[i] = INFINITY;
    enum mien_status status = mien_gpu_create(NULL, &gpu);
    if (status == MIEN_OK)
        status = mien_model_open(gpu, argv[1], NULL, &model);
    if (status == MIEN_OK)
        status = mien_model_describe(model, &info);
    float *out = malloc(MOST * (info.embed + 1) * sizeof(*out));
    if (status == MIEN_OK && out)
        status = measure(model, argc > 2 ? (uint32_t)atoi(argv[2]) : 40, out, best);
    printf("pictures       ms  of 8's, a picture\n");
    for (size_t i = 0; i < SIZES && status == MIEN_OK; i++)
        printf("%8zu %8.3f  %.2f\n", sizes[i], best[i] * 1e3,
               best[i] / (double)sizes[i] / (best[OF] / (double)sizes[OF]));
    free(out);
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
    return mien_status_exit_code(status);
}
