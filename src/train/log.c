/* log.c: writes log.jsonl. */
#include "train/log.h"

#include "base/number.h"

#include <math.h>
#include <string.h>

struct train_log {
    struct base_out *out;
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
        uint64_t exhausted = base_exhausted_count();
        size = kept_length(text, size, path, steps);
        FAIL_IF(base_exhausted_count() != exhausted, MIEN_ERR_NOMEM, "out of host memory for %s", path);
    }
    TRY(base_file_write_own(path, text ? text : "", size));
fail:
    base_free(text);
    return status;
}

enum mien_status train_log_open(const char *dir, uint64_t steps, struct train_log **out)
{
    enum mien_status status = MIEN_OK;
    struct train_log *log = base_alloc(1, sizeof(*log));
    char *path = base_path_join(dir, "log.jsonl");
    *out = NULL;
    FAIL_IF(!log || !path, MIEN_ERR_NOMEM, "out of host memory for a log");
    TRY(cut(path, steps));
    TRY(base_out_append(path, &log->out));
    *out = log;
    log = NULL;
fail:
    base_free(path);
    train_log_close(&log);
    return status;
}

void train_log_close(struct train_log **log)
{
    if (!log || !*log)
        return;
    base_out_abandon(&(*log)->out); /* each row has been flushed */
    base_free(*log);
    *log = NULL;
}

enum mien_status train_log_flush(struct train_log *log)
{
    return base_out_flush(log->out, true);
}

static void write_bins(struct base_out *out, const char *name, const float *bins, uint32_t count)
{
    base_out_printf(out, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++)
        base_out_printf(out, "%s%.0f", i ? "," : "", (double)bins[i]);
    base_out_printf(out, "]");
}

static void write_similarity(struct base_out *out, const struct train_log_step *step)
{
    if (!step->similarity[0] || !step->similarity[1])
        return;
    base_out_printf(out, "\"similarity\":{");
    write_bins(out, "text", step->similarity[0], step->bins);
    base_out_printf(out, ",");
    write_bins(out, "image", step->similarity[1], step->bins);
    base_out_printf(out, "},");
}

/* %.9g: what was an fp32 on the device reads back bit for bit. */
static void write_number(struct base_out *out, const char *before, double value)
{
    char text[BASE_NUMBER_SIZE];
    base_out_printf(out, "%s%s", before, base_number_text(value, 9, text));
}

/* A failure on the way is kept by the output, and is what the flush at the end says. */
enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step)
{
    char rate[BASE_NUMBER_SIZE];
    base_out_printf(log->out, "{\"kind\":\"step\",\"step\":%llu", (unsigned long long)step->step);
    write_number(log->out, ",\"loss\":", step->loss);
    write_number(log->out, ",\"loss_global\":", step->loss_global);
    write_number(log->out, ",\"loss_local\":", step->loss_local);
    if (step->has_head)
        write_number(log->out, ",\"loss_head\":", step->loss_head);
    write_number(log->out, ",\"lr\":", step->lr);
    write_number(log->out, ",\"grad_norm\":", step->grad_norm);
    write_number(log->out, ",\"logit_scale\":", step->logit_scale);
    write_number(log->out, ",\"positives\":{\"text\":", step->positives[0]);
    write_number(log->out, ",\"image\":", step->positives[1]);
    base_out_printf(log->out, "},");
    if (step->loss_scale > 0)
        base_out_printf(log->out, "\"loss_scale\":%.0f,\"skipped\":%llu,", step->loss_scale,
                        (unsigned long long)step->skipped);
    write_similarity(log->out, step);
    base_out_printf(log->out, "\"samples_per_s\":%s}\n", base_number_text(step->samples_per_s, 4, rate));
    return base_out_flush(log->out, false);
}

enum mien_status train_log_eval(struct train_log *log, uint64_t step, double loss, double war, double uar, double head,
                                uint64_t n)
{
    static const char *const names[] = {"loss", "war", "uar", "head"};
    const double values[] = {loss, war, uar, head};
    enum mien_status status = MIEN_OK;
    struct base_json line = base_json_object_begin();
    char *text = NULL;
    base_put_text(&line, "kind", "eval");
    base_put_number(&line, "step", (double)step);
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (isfinite(values[i]))
            base_put_number(&line, names[i], values[i]); /* in full: mien eval's numbers to the last digit */
    base_put_number(&line, "n", (double)n);
    cJSON *tree = base_json_end(&line);
    text = tree ? base_json_print(tree, false) : NULL;
    cJSON_Delete(tree);
    FAIL_IF_NULL(text, "a line of the log");
    base_out_printf(log->out, "%s\n", text);
    TRY(base_out_flush(log->out, false));
fail:
    base_free(text);
    return status;
}
