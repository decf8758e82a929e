/* log.c: writes log.jsonl. */
#include "train/log.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

struct train_log {
    FILE *file;
    char *path;
};

/* Whether a line is a row of one of the first `steps` steps. */
static bool is_kept(const char *line, size_t size, const char *path, uint64_t steps)
{
    cJSON *row = NULL;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* a torn line is no failure */
    double step = -1;
    bool good = base_json_parse(line, size, path, &row) == MIEN_OK && cJSON_IsObject(row) &&
                base_json_number(row, "step", path, &step) == MIEN_OK;
    base_log_soften(before);
    cJSON_Delete(row);
    return good && step >= 0 && step <= (double)steps;
}

/* The length of the beginning that is to be kept. */
static size_t kept_length(const char *text, size_t size, const char *path, uint64_t steps)
{
    size_t at = 0;
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        if (!end || !is_kept(text + at, (size_t)(end - text) - at, path, steps))
            break;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

static enum mien_status cut(const char *path, uint64_t steps)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size = 0;
    if (steps > 0 && base_file_exists(path)) {
        TRY(base_file_read(path, 0, &text, &size));
        size = kept_length(text, size, path, steps);
    }
    TRY(base_file_write(path, text ? text : "", size));
fail:
    base_free(text);
    return status;
}

enum mien_status train_log_open(const char *dir, uint64_t steps, struct train_log **out)
{
    enum mien_status status = MIEN_OK;
    struct train_log *log = base_alloc(1, sizeof(*log));
    *out = NULL;
    FAIL_IF_NULL(log, "a log");
    log->path = base_path_join(dir, "log.jsonl");
    FAIL_IF_NULL(log->path, "a path");
    TRY(cut(log->path, steps));
    log->file = fopen(log->path, "ab");
    FAIL_IF(!log->file, MIEN_ERR_IO, "%s: the log cannot be opened: %s", log->path, strerror(errno));
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

static enum mien_status failed(const struct train_log *log)
{
    return base_fail(MIEN_ERR_IO, "%s: the log cannot be written: %s; make room and go on with --resume", log->path,
                     strerror(errno));
}

enum mien_status train_log_flush(struct train_log *log)
{
    return fflush(log->file) == 0 && fsync(fileno(log->file)) == 0 ? MIEN_OK : failed(log);
}

static int write_bins(FILE *file, const char *name, const float *bins, uint32_t count)
{
    int written = fprintf(file, "\"%s\":[", name);
    for (uint32_t i = 0; i < count && written >= 0; i++)
        written = fprintf(file, "%s%.0f", i ? "," : "", (double)bins[i]);
    return written < 0 ? written : fprintf(file, "]");
}

static int write_similarity(FILE *file, const struct train_log_step *step)
{
    int written = 0;
    if (!step->similarity[0] || !step->similarity[1])
        return 0;
    written = fprintf(file, "\"similarity\":{");
    if (written >= 0)
        written = write_bins(file, "text", step->similarity[0], step->bins);
    if (written >= 0)
        written = fprintf(file, ",");
    if (written >= 0)
        written = write_bins(file, "image", step->similarity[1], step->bins);
    return written < 0 ? written : fprintf(file, "},");
}

enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step)
{
    /* %.9g: what was an fp32 on the device reads back bit for bit. */
    int written = fprintf(log->file,
                          "{\"kind\":\"step\",\"step\":%llu,\"loss\":%.9g,\"loss_global\":%.9g,\"loss_local\":%.9g,"
                          "\"lr\":%.9g,\"grad_norm\":%.9g,\"logit_scale\":%.9g,\"positives\":{\"text\":%.9g,"
                          "\"image\":%.9g},",
                          (unsigned long long)step->step, step->loss, step->loss_global, step->loss_local, step->lr,
                          step->grad_norm, step->logit_scale, step->positives[0], step->positives[1]);
    if (written >= 0)
        written = write_similarity(log->file, step);
    if (written >= 0)
        written = fprintf(log->file, "\"samples_per_s\":%.4g}\n", step->samples_per_s);
    return written >= 0 && fflush(log->file) == 0 ? MIEN_OK : failed(log);
}

enum mien_status train_log_eval(struct train_log *log, uint64_t step, double loss, double war, double uar, uint64_t n)
{
    static const char *const names[] = {"loss", "war", "uar"};
    const double values[] = {loss, war, uar};
    int written = fprintf(log->file, "{\"kind\":\"eval\",\"step\":%llu", (unsigned long long)step);
    for (size_t i = 0; i < BASE_COUNT(names) && written >= 0; i++) {
        if (isfinite(values[i]))
            written = fprintf(log->file, ",\"%s\":%.9g", names[i], values[i]);
    }
    if (written >= 0)
        written = fprintf(log->file, ",\"n\":%llu}\n", (unsigned long long)n);
    return written >= 0 && fflush(log->file) == 0 ? MIEN_OK : failed(log);
}
