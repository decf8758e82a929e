/* tiny_run.h: training runs on the data set of tiny.h, and what they leave behind. */
#ifndef TESTS_TRAIN_TINY_RUN_H
#define TESTS_TRAIN_TINY_RUN_H

#include "base/capture.h"
#include "mien/train.h"
#include "train/tiny.h"

static struct mien_gpu *gpu;

/* c.json with settings. */
static inline enum mien_status train_sets(const char *const *sets, size_t count, struct mien_train_summary *summary)
{
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = count};
    capture_start();
    return mien_train(gpu, &params, summary);
}

/* Into the run directory `run`, with up to two more settings. */
static inline enum mien_status train(const char *run, const char *set_a, const char *set_b,
                                     struct mien_train_summary *summary)
{
    char dir[128];
    const char *sets[3] = {dir, set_a, set_b};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    return train_sets(sets, set_a ? set_b ? 3 : 2 : 1, summary);
}

static uint64_t stop_at;

static inline bool stop_after(void *user, uint64_t step, uint64_t steps)
{
    (void)steps;
    if (step == stop_at)
        *(volatile int *)user = 1;
    return true;
}

/* A run that is stopped once `step` has ended, with up to three more settings; two more steps may be under way. */
static inline void stopped_run(const char *run, uint64_t step, const char *const *more, size_t count)
{
    volatile int stop = 0;
    char dir[128], model[128];
    const char *sets[4] = {dir};
    struct mien_train_summary summary = {sizeof summary};
    struct mien_train_params params = {.size = sizeof params,
                                       .config = tiny_path("c.json"),
                                       .sets = sets,
                                       .set_count = 1 + count,
                                       .progress = stop_after,
                                       .user = (void *)&stop,
                                       .stop = &stop};
    for (size_t i = 0; i < count && i < 3; i++)
        sets[1 + i] = more[i];
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    stop_at = step;
    capture_start();
    CHECK_EQ(mien_train(gpu, &params, &summary), MIEN_OK);
    CHECK(summary.stopped && summary.steps >= step && summary.steps <= step + 2 && !*summary.model);
    CHECK(base_file_is_dir(summary.checkpoint));
    snprintf(model, sizeof(model), "%s/model", run);
    CHECK(!base_file_exists(tiny_path(model)));
}

static inline bool equal_files(const char *a, const char *b)
{
    char *data_a = NULL, *data_b = NULL;
    size_t size_a = 0, size_b = 0;
    bool equal = base_file_read(tiny_path(a), 0, &data_a, &size_a) == MIEN_OK &&
                 base_file_read(tiny_path(b), 0, &data_b, &size_b) == MIEN_OK && size_a == size_b &&
                 memcmp(data_a, data_b, size_a) == 0;
    base_free(data_a);
    base_free(data_b);
    return equal;
}

/* The log without its only field that depends on time, which is the last of a line. */
static inline char *log_text(const char *run)
{
    char name[128], *text = NULL, *to;
    size_t size;
    snprintf(name, sizeof(name), "%s/log.jsonl", run);
    if (base_file_read(tiny_path(name), 0, &text, &size) != MIEN_OK)
        return NULL;
    to = text;
    for (const char *from = text; *from;) {
        if (strncmp(from, ",\"samples_per_s\":", 17) == 0)
            from += strcspn(from, "}");
        else
            *to++ = *from++;
    }
    *to = 0;
    return text;
}

static inline bool equal_logs(const char *a, const char *b)
{
    char *text_a = log_text(a), *text_b = log_text(b);
    bool equal = text_a && text_b && strcmp(text_a, text_b) == 0;
    base_free(text_a);
    base_free(text_b);
    return equal;
}

#endif
