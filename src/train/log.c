/* log.c: writes log.jsonl, and the event file from its rows. */
#include "train/log.h"

#include "base/number.h"
#include "train/events.h"

#include <math.h>
#include <string.h>

struct train_log {
    struct base_out *out, *events; /* the latter may be NULL */
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

/* The event file of all rows of a log. */
static enum mien_status make_events(const char *events, const char *text, size_t size, const char *path)
{
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;
    size_t at = 0;
    TRY(base_out_open_own(events, &out));
    TRY(train_events_begin(out));
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        TRY(train_events_row(out, text + at, length, path));
        at += length + 1;
    }
    TRY(base_out_commit(&out));
fail:
    base_out_abandon(&out);
    return status;
}

/* `events` may be NULL: there are none. */
static enum mien_status cut(const char *path, const char *events, uint64_t steps)
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
    TRY(base_file_write_own(path, text ? text : "", size)); /* first: see is_unbegun in rundir.c */
    if (events)
        TRY(make_events(events, text ? text : "", size, path));
fail:
    base_free(text);
    return status;
}

enum mien_status train_log_open(const char *dir, uint64_t steps, bool events, struct train_log **out)
{
    enum mien_status status = MIEN_OK;
    struct train_log *log = base_alloc(1, sizeof(*log));
    char *beside = events ? base_path_join(dir, TRAIN_EVENTS_NAME) : NULL;
    *out = NULL;
    FAIL_IF(!log || (events && !beside), MIEN_ERR_NOMEM, "out of host memory for a log");
    log->path = base_path_join(dir, "log.jsonl");
    FAIL_IF_NULL(log->path, "a log");
    TRY(cut(log->path, beside, steps));
    TRY(base_out_append(log->path, &log->out));
    if (events)
        TRY(base_out_append(beside, &log->events));
    *out = log;
    log = NULL;
fail:
    base_free(beside);
    train_log_close(&log);
    return status;
}

void train_log_close(struct train_log **log)
{
    if (!log || !*log)
        return;
    base_out_abandon(&(*log)->out); /* each row has been flushed */
    base_out_abandon(&(*log)->events);
    base_free((*log)->path);
    base_free(*log);
    *log = NULL;
}

static enum mien_status flush(struct train_log *log, bool to_disk)
{
    enum mien_status status = base_out_flush(log->out, to_disk);
    return status == MIEN_OK && log->events ? base_out_flush(log->events, to_disk) : status;
}

enum mien_status train_log_flush(struct train_log *log)
{
    return flush(log, true);
}

/* A row, into both files. */
static enum mien_status add_row(struct train_log *log, const char *line, size_t size)
{
    enum mien_status status = MIEN_OK;
    base_out_printf(log->out, "%s\n", line); /* what fails here is what the flush says */
    if (log->events)
        TRY(train_events_row(log->events, line, size, log->path));
    TRY(flush(log, false));
fail:
    return status;
}

static void write_bins(struct base_text *line, const char *name, const float *bins, uint32_t count)
{
    base_text_print(line, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++)
        base_text_print(line, "%s%.0f", i ? "," : "", (double)bins[i]);
    base_text_print(line, "]");
}

static void write_similarity(struct base_text *line, const struct train_log_step *step)
{
    if (!step->similarity[0] || !step->similarity[1])
        return;
    base_text_print(line, "\"similarity\":{");
    write_bins(line, "text", step->similarity[0], step->bins);
    base_text_print(line, ",");
    write_bins(line, "image", step->similarity[1], step->bins);
    base_text_print(line, "},");
}

/* %.9g: what was an fp32 on the device reads back bit for bit. */
static void write_number(struct base_text *line, const char *before, double value)
{
    char text[BASE_NUMBER_SIZE];
    base_text_print(line, "%s%s", before, base_number_text(value, 9, text));
}

enum mien_status train_log_write(struct train_log *log, const struct train_log_step *step)
{
    struct base_text line = {0};
    char rate[BASE_NUMBER_SIZE];
    base_text_print(&line, "{\"kind\":\"step\",\"step\":%llu", (unsigned long long)step->step);
    write_number(&line, ",\"loss\":", step->loss);
    write_number(&line, ",\"loss_global\":", step->loss_global);
    write_number(&line, ",\"loss_local\":", step->loss_local);
    if (step->has_head)
        write_number(&line, ",\"loss_head\":", step->loss_head);
    write_number(&line, ",\"lr\":", step->lr);
    write_number(&line, ",\"grad_norm\":", step->grad_norm);
    write_number(&line, ",\"logit_scale\":", step->logit_scale);
    write_number(&line, ",\"positives\":{\"text\":", step->positives[0]);
    write_number(&line, ",\"image\":", step->positives[1]);
    base_text_print(&line, "},");
    if (step->loss_scale > 0)
        base_text_print(&line, "\"loss_scale\":%.0f,\"skipped\":%llu,", step->loss_scale,
                        (unsigned long long)step->skipped);
    write_similarity(&line, step);
    base_text_print(&line, "\"samples_per_s\":%s}", base_number_text(step->samples_per_s, 4, rate));
    enum mien_status status = line.status == MIEN_OK ? add_row(log, line.data, line.size) : line.status;
    base_text_clear(&line);
    return status;
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
    TRY(add_row(log, text, strlen(text)));
fail:
    base_free(text);
    return status;
}
