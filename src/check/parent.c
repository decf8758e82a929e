/* parent.c: starts children, takes their rows, ends those that hang and starts others behind the unit that cost them.
 */
#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JOBS = 16 };

struct worker {
    struct base_process *process; /* NULL: has nothing more to do, or not yet begun */
    uint32_t share, from, first;  /* units: the next one; of this process */
    bool open, done;              /* a unit has begun and not ended; said so */
    struct check_row row;         /* that unit */
    double deadline;
};

struct parent {
    const struct check_parent *how;
    struct check_options options;
    struct mien_check_result *result;
    struct worker worker[MOST_JOBS];
    uint32_t jobs;           /* 0 = not known */
    uint32_t units;          /* in all; 0 = not known */
    size_t shown;            /* rows that were given to the caller, in order */
    enum mien_status broken; /* why no unit can run */
};

static const uint32_t NOT_THERE = UINT32_MAX; /* check_row.unit of rows that have not come */

/* ---- rows in order ----------------------------------------------------------------------------------------------- */

static enum mien_status show_row(struct parent *p, const struct check_row *row)
{
    char text[1200], reason[CHECK_REASON_SIZE], needs[CHECK_NEEDS_SIZE];
    struct mien_check_row shown;
    if (p->how->line) {
        check_row_text(row, p->options.bench, text, sizeof(text));
        p->how->line(p->how->user, text);
    }
    if (p->how->row) {
        check_row_public(row, needs, reason, &shown);
        p->how->row(p->how->user, &shown);
    }
    return base_progress(p->how->progress, p->how->user, p->shown, p->units);
}

static enum mien_status finish_row(struct parent *p, struct worker *w, const struct check_row *row)
{
    enum mien_status status = MIEN_OK;
    struct mien_check_result *r = p->result;
    w->from = row->unit + 1;
    w->open = false;
    FAIL_IF(row->unit > UINT32_MAX / 2, MIEN_ERR_DRIVER, "a child process gave a row that cannot be: unit %u",
            row->unit);
    TRY(base_grow(&r->rows, &r->capacity, (size_t)row->unit + 1, sizeof(*r->rows)));
    for (; r->count <= row->unit; r->count++)
        r->rows[r->count] = (struct check_row){.unit = NOT_THERE};
    r->rows[row->unit] = *row;
    while (p->shown < r->count && r->rows[p->shown].unit != NOT_THERE)
        TRY(show_row(p, &r->rows[p->shown++]));
fail:
    return status;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

static void say(struct parent *p, const char *fmt, ...) MIEN_PRINTF(2, 3);
static void say(struct parent *p, const char *fmt, ...)
{
    char text[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (p->how->line)
        p->how->line(p->how->user, text);
}

/* From what the first child says of its device, and of how many children there should be. */
static enum mien_status take_device(struct parent *p, const char *text)
{
    enum mien_status status = MIEN_OK;
    char *end = NULL, table[256];
    const char *name = NULL, *driver = NULL, *api = NULL, *type = NULL;
    p->jobs = (uint32_t)strtoul(text, &end, 10);
    p->units = (uint32_t)strtoul(end, &end, 10);
    p->jobs = BASE_MIN(BASE_MAX(p->jobs, 1), MOST_JOBS);
    TRY(check_head_make(p->result, &p->options, p->how->suite, end));
    TRY(base_json_string(p->result->head, "device", "a device", &name));
    TRY(base_json_string(p->result->head, "driver", "a device", &driver));
    TRY(base_json_string(p->result->head, "api", "a device", &api));
    TRY(base_json_string(p->result->head, "type", "a device", &type));
    say(p, "device %s (%s), driver %s, Vulkan %s; seed %llu", name ? name : "", type ? type : "", driver ? driver : "",
        api ? api : "", (unsigned long long)p->options.seed);
    check_table_head(p->options.bench, table, sizeof(table));
    say(p, "%s", table);
fail:
    return status;
}

/* ---- lines of children ------------------------------------------------------------------------------------------- */

static enum mien_status take_line(struct parent *p, struct worker *w, char *line)
{
    struct check_row row;
    int code = 0, at = 0;
    if (strncmp(line, "@begin", 6) == 0) {
        w->open = check_row_unpack(line + 6, &w->row);
    } else if (check_row_unpack(line, &row)) {
        return finish_row(p, w, &row);
    } else if (strncmp(line, "@device ", 8) == 0) {
        return take_device(p, line + 8);
    } else if (sscanf(line, "@rates %lf %lf", &p->options.flop_rate, &p->options.byte_rate) == 2) {
        return MIEN_OK;
    } else if (strncmp(line, "@done", 5) == 0) {
        w->done = true;
    } else if (sscanf(line, "@broken %d %n", &code, &at) == 1 && at > 0) {
        bool known = code > 0 && code < MIEN_STATUS_COUNT;
        p->broken = base_fail(known ? (enum mien_status)code : MIEN_ERR_FAILED, "%s", line + at);
    } else if (p->how->other) {
        p->how->other(p->how->user, line);
    }
    return MIEN_OK;
}

/* ---- children ---------------------------------------------------------------------------------------------------- */

static enum mien_status start(struct parent *p, struct worker *w)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    const char *words[CHECK_MOST_WORDS];
    size_t count = 0;
    struct check_options options = p->options;
    options.share = w->share;
    options.from = w->from;
    options.first = !p->jobs;
    options.jobs = p->jobs ? p->jobs : p->how->jobs;
    for (; p->how->child[count] && count + 24 < CHECK_MOST_WORDS; count++)
        words[count] = p->how->child[count];
    FAIL_IF(!check_options_words(&options, &arena, words, count), MIEN_ERR_NOMEM,
            "out of host memory for a child's arguments");
    TRY(base_process_start_self(words, &w->process));
    w->open = w->done = false;
    w->first = w->from;
    w->deadline = base_clock_seconds() + p->options.timeout;
fail:
    base_arena_clear(&arena);
    return status;
}

static void how_it_ended(struct worker *w, bool hung, double timeout, char *text, size_t size)
{
    int code = 0;
    if (hung)
        snprintf(text, size, "no answer within %g s", timeout);
    else if (base_process_wait(w->process, &code) == MIEN_OK && code > 128)
        snprintf(text, size, "died of signal %d", code - 128);
    else
        snprintf(text, size, "ended with status %d", code);
}

/* A child has ended, or is ended since it said nothing for too long: another one goes on behind its unit. */
static enum mien_status ended(struct parent *p, struct worker *w, bool hung)
{
    enum mien_status status = MIEN_OK;
    char how[64];
    how_it_ended(w, hung, p->options.timeout, how, sizeof(how));
    base_process_close(&w->process);
    if (w->done || p->broken)
        return p->broken;
    if (w->open) {
        struct check_row row = w->row;
        row.result = hung ? CHECK_HANG : CHECK_CRASH;
        check_fail(&row, "%s", how);
        TRY(finish_row(p, w, &row));
    } else if (p->jobs && p->options.flop_rate <= 0 && !p->options.grad) {
        say(p, "the device could not be timed: %s", how);
        p->options.flop_rate = CHECK_SLOW_FLOPS;
        p->options.byte_rate = CHECK_SLOW_BYTES;
    } else {
        FAIL_IF(w->from == w->first, MIEN_ERR_DRIVER,
                "a child process %s outside any unit%s; the driver's own messages may say more", how,
                p->jobs ? "" : ", while the device was opened");
    }
    return start(p, w);
fail:
    return status;
}

/* All lines that have come from one child, and its end. */
static enum mien_status serve(struct parent *p, struct worker *w)
{
    enum mien_status status = MIEN_OK;
    char line[CHECK_LINE_SIZE];
    enum base_line what = BASE_LINE_NONE;
    while (w->process && (what = base_process_line(w->process, line, sizeof(line))) == BASE_LINE) {
        TRY(take_line(p, w, line));
        w->deadline = base_clock_seconds() + p->options.timeout;
    }
    if (w->process && what == BASE_LINE_END)
        TRY(ended(p, w, false));
    else if (w->process && base_clock_seconds() > w->deadline)
        TRY(ended(p, w, true));
fail:
    return status;
}

/* The others, when the first has said how many there are. */
static enum mien_status start_others(struct parent *p, uint32_t *started)
{
    enum mien_status status = MIEN_OK;
    bool ready = p->options.grad || p->options.flop_rate > 0;
    for (; ready && *started < p->jobs; (*started)++) {
        p->worker[*started].share = *started;
        TRY(start(p, &p->worker[*started]));
    }
fail:
    return status;
}

static enum mien_status work(struct parent *p)
{
    enum mien_status status = MIEN_OK;
    struct base_process *processes[MOST_JOBS];
    uint32_t started = 1;
    TRY(start(p, &p->worker[0]));
    for (;;) {
        double soonest = base_clock_seconds() + 60;
        bool any = false;
        TRY(start_others(p, &started));
        for (uint32_t i = 0; i < MOST_JOBS; i++) {
            struct worker *w = &p->worker[i];
            processes[i] = w->process;
            any = any || w->process;
            if (w->process)
                soonest = BASE_MIN(soonest, w->deadline);
        }
        if (!any)
            return MIEN_OK;
        base_process_await(processes, MOST_JOBS, soonest - base_clock_seconds());
        for (uint32_t i = 0; i < MOST_JOBS; i++)
            TRY(serve(p, &p->worker[i]));
    }
fail:
    return status;
}

enum mien_status check_all(const struct check_options *options, const struct check_parent *how,
                           struct mien_check_result **out)
{
    enum mien_status status = MIEN_OK;
    struct parent *p = base_alloc(1, sizeof(*p));
    char table[256];
    *out = NULL;
    FAIL_IF_NULL(p, "a check");
    p->how = how;
    p->options = *options;
    p->jobs = options->grad ? BASE_MAX(how->jobs, 1) : 0;
    p->result = base_alloc(1, sizeof(*p->result));
    FAIL_IF_NULL(p->result, "a check's result");
    p->result->bench = options->bench;
    p->result->repeat = check_repeat(how->command, options);
    FAIL_IF_NULL(p->result->repeat, "a check's result");
    if (options->grad) {
        TRY(check_head_make(p->result, options, how->suite, ""));
        check_table_head(false, table, sizeof(table));
        say(p, "%s", table);
    }
    TRY(work(p));
    FAIL_IF(p->shown < p->result->count || (p->units && p->shown < p->units), MIEN_ERR_DRIVER,
            "only %zu of %u units were reported by the child processes", p->shown, p->units);
    TRY(check_result_finish(p->result));
    *out = p->result;
    p->result = NULL;
fail:
    for (uint32_t i = 0; p && i < MOST_JOBS; i++)
        base_process_close(&p->worker[i].process);
    if (p)
        mien_check_destroy(&p->result);
    base_free(p);
    return status;
}
