/* log.c: writes log.jsonl. */
#include "train/log.h"

#include <errno.h>
#include <string.h>

struct train_log {
    FILE *file;
    char *path;
};

enum mien_status train_log_open(const char *dir, struct train_log **out)
{
    enum mien_status status = MIEN_OK;
    struct train_log *log = base_alloc(1, sizeof(*log));
    *out = NULL;
    FAIL_IF_NULL(log, "a log");
    log->path = base_path_join(dir, "log.jsonl");
    FAIL_IF_NULL(log->path, "a path");
    log->file = fopen(log->path, "wb");
    FAIL_IF(!log->file, MIEN_ERR_IO, "%s: the log cannot be created: %s", log->path, strerror(errno));
    *out = log;
    return MIEN_OK;
fail:
    train_log_close(&log);
    return status;
}

void train_log_close(struct train_log **log)
{
    if (!log || !*log)
        return;
    if ((*log)->file)
        fclose((*log)->file);
    base_free((*log)->path);
    base_free(*log);
    *log = NULL;
}

enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step)
{
    /* %.9g: what was an fp32 on the device reads back bit for bit. */
    int written = fprintf(log->file,
                          "{\"kind\":\"step\",\"step\":%llu,\"loss\":%.9g,\"loss_global\":%.9g,\"loss_local\":0,"
                          "\"lr\":%.9g,\"grad_norm\":%.9g,\"logit_scale\":%.9g,\"positives\":{\"text\":1,\"image\":1},"
                          "\"samples_per_s\":%.4g}\n",
                          (unsigned long long)step->step, step->loss, step->loss, step->lr, step->grad_norm,
                          step->logit_scale, step->samples_per_s);
    if (written < 0 || fflush(log->file) != 0)
        return base_fail(MIEN_ERR_IO, "%s: the log cannot be written: %s", log->path, strerror(errno));
    return MIEN_OK;
}
