/* bench_pictures: bench_pictures ROUNDS FILE...: what a picture takes from the bytes of its file to the model's
 * 224x224, whole and as a draft, in milliseconds of processor time, the least of the rounds. pillow.py is the same by
 * Pillow. */
#include "base/base.h"
#include "data/preprocess.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static enum mien_status measure(const char *path, const char *file, size_t size, bool draft, int rounds)
{
    static float out[3 * 224 * 224];
    enum mien_status status = MIEN_OK;
    struct data_preprocess p;
    double decoding = 1e9, resizing = 1e9;
    data_preprocess_default(224, &p);
    const struct data_image_params params = {.draft = draft ? data_preprocess_draft(&p) : 0};
    for (int i = 0; i < rounds && status == MIEN_OK; i++) {
        struct data_image image;
        double began = now();
        status = data_image_decode(path, file, size, &params, &image);
        double decoded = now();
        if (status == MIEN_OK)
            status = data_preprocess_image(&image, &p, out);
        decoding = BASE_MIN(decoding, decoded - began);
        resizing = BASE_MIN(resizing, now() - decoded);
        data_image_free(&image);
    }
    printf("%s %s: decode %.2f, resize %.2f, both %.2f ms\n", path, draft ? "draft" : "whole", decoding, resizing,
           decoding + resizing);
    return status;
}

int main(int argc, char **argv)
{
    enum mien_status status = MIEN_OK;
    int rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "usage: bench_pictures ROUNDS FILE...\n");
        return 2;
    }
    for (int i = 2; i < argc && status == MIEN_OK; i++) {
        char *file = NULL;
        size_t size = 0;
        status = base_file_read(argv[i], 0, &file, &size);
        for (int draft = 0; draft < 2 && status == MIEN_OK; draft++)
            status = measure(argv[i], file, size, draft, rounds);
        base_free(file);
    }
    return status != MIEN_OK;
}
