/* parent.c: starts children and keeps what they find: the table's file is written after each call, and before another
 * child starts behind a choice that cost one. */
#include "tune/tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 8 };

struct parent {
    struct mien_tune_params params;
    struct tune_options options;
    struct mien_tune_result *result;
    struct vk_caps caps; /* of the file's head */
    struct vk_tuned table;
    struct base_lock *lock;
    struct base_process *process;
    size_t row_of[TUNE_MOST_CALLS]; /* of a call that is to be measured */
    struct vk_choice begun;         /* the choice that the child is at; call "" = none */
    size_t at;                      /* its call */
    double deadline, until;
    bool done, out, cancelled;
    enum mien_status broken; /* what the child said */
    char why[MIEN_ERROR_SIZE];
};

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* "DIR/.mien-lock-tuned-..." */
static enum mien_status lock_table(struct parent *p)
{
    enum mien_status status = MIEN_OK;
    char name[200];
    const char *file = p->result->file, *last = strrchr(file, '/');
    char *dir = base_path_dir(file), *path = NULL;
    long owner = 0;
    snprintf(name, sizeof(name), ".mien-lock-%s", last ? last + 1 : file);
    FAIL_IF_NULL(dir, "a path");
    TRY(base_dir_create(dir));
    path = base_path_join(dir, name);
    FAIL_IF_NULL(path, "a path");
    TRY(base_lock_take(path, &p->lock, &owner));
    FAIL_IF(!p->lock, MIEN_ERR_ARG, "another process (%ld) tunes %s; wait for its end", owner, p->result->device);
fail:
    base_free(dir);
    base_free(path);
    return status;
}

static enum mien_status write_table(struct parent *p)
{
    return vk_tuned_write(&p->caps, p->result->file, &p->table);
}

/* A damaged table is made anew. */
static enum mien_status read_table(struct parent *p)
{
    char why[300];
    base_log_divert(why, sizeof(why));
    enum mien_status status = vk_tuned_read(&p->caps, p->result->file, &p->table);
    base_log_divert(NULL, 0);
    if (status != MIEN_ERR_DATA)
        return status == MIEN_OK ? status : base_fail(status, "%s", why);
    LOG_WARN("tuned kernels: %s; it is made anew", why);
    return p->params.list ? MIEN_OK : write_table(p);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void show(struct parent *p, const struct tune_row *row)
{
    struct mien_tune_row shown;
    tune_row_public(row, &shown);
    if (p->params.row)
        p->params.row(p->params.user, &shown);
}

static enum mien_status progress(struct parent *p)
{
    enum mien_status status =
        base_progress(p->params.progress, p->params.user, p->at, BASE_MAX(p->options.call_count, 1));
    p->cancelled = status == MIEN_ERR_CANCELLED;
    return status;
}

/* The row of a call that a child has finished with. */
static struct tune_row *finished(struct parent *p, const char *index)
{
    size_t at = strtoul(index, NULL, 10);
    p->begun.call[0] = 0;
    if (at >= p->options.call_count)
        return NULL;
    p->at = at + 1;
    return &p->result->rows[p->row_of[at]];
}

static enum mien_status skipped(struct parent *p, const char *index, const char *why)
{
    struct tune_row *row = finished(p, index);
    if (!row)
        return MIEN_OK;
    row->outcome = MIEN_TUNE_SKIPPED;
    snprintf(row->choice.why, sizeof(row->choice.why), "%s", why);
    show(p, row);
    return progress(p);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* "@call WORK CHOICES KEY RULE TEXT" */
static enum mien_status take_call(struct parent *p, char *field[FIELDS])
{
    enum mien_status status = MIEN_OK;
    struct mien_tune_result *r = p->result;
    TRY(base_grow(&r->rows, &r->capacity, r->count + 1, sizeof(*r->rows)));
    struct tune_row *row = &r->rows[r->count++];
    *row = (struct tune_row){.choice = {.gain = 1}, .outcome = MIEN_TUNE_SKIPPED};
    row->work = strtod(field[1], NULL);
    row->choices = (uint32_t)strtoul(field[2], NULL, 10);
    row->choice.key = strtoull(field[3], NULL, 16);
    snprintf(row->rule, sizeof(row->rule), "%s", field[4]);
    snprintf(row->choice.variant, sizeof(row->choice.variant), "%s", field[4]);
    snprintf(row->choice.call, sizeof(row->choice.call), "%s", field[5]);
fail:
    return status;
}

/* "@begin CALL KEY VARIANT TILE" */
static void take_begin(struct parent *p, char *field[FIELDS])
{
    size_t at = strtoul(field[1], NULL, 10);
    if (at >= p->options.call_count)
        return;
    p->begun = (struct vk_choice){.key = strtoull(field[2], NULL, 16), .gain = 1};
    snprintf(p->begun.call, sizeof(p->begun.call), "%s", p->options.calls[at]);
    snprintf(p->begun.variant, sizeof(p->begun.variant), "%s", field[3]);
    snprintf(p->begun.tile, sizeof(p->begun.tile), "%s", field[4]);
    p->at = at;
}

/* "@best CALL KEY VARIANT TILE GAIN MS LOST" */
static enum mien_status take_best(struct parent *p, char *field[FIELDS])
{
    enum mien_status status = MIEN_OK;
    struct tune_row *row = finished(p, field[1]);
    if (!row)
        return MIEN_OK;
    snprintf(row->choice.variant, sizeof(row->choice.variant), "%s", field[3]);
    snprintf(row->choice.tile, sizeof(row->choice.tile), "%s", field[4]);
    row->choice.gain = strtod(field[5], NULL);
    row->ms = strtod(field[6], NULL);
    row->lost = (uint32_t)strtoul(field[7], NULL, 10);
    row->choice.why[0] = 0;
    row->outcome = row->choice.gain > 1 ? MIEN_TUNE_FASTER : MIEN_TUNE_RULE;
    TRY(vk_tuned_put(&p->table, &row->choice));
    TRY(write_table(p));
    show(p, row);
    TRY(progress(p));
fail:
    return status;
}

static enum mien_status take_line(struct parent *p, char *line)
{
    char *field[FIELDS], *next = line;
    size_t count = 0;
    for (; count < FIELDS; count++) {
        field[count] = next ? next : line + strlen(line);
        char *tab = next ? strchr(next, '\t') : NULL;
        if (tab)
            *tab = 0;
        next = tab ? tab + 1 : NULL;
    }
    if (strcmp(field[0], "@call") == 0)
        return take_call(p, field);
    if (strcmp(field[0], "@best") == 0)
        return take_best(p, field);
    if (strcmp(field[0], "@skip") == 0)
        return skipped(p, field[1], field[2]);
    if (strcmp(field[0], "@begin") == 0)
        take_begin(p, field);
    if (strcmp(field[0], "@warn") == 0)
        LOG_WARN("%s", field[1]);
    p->done = p->done || strcmp(field[0], "@done") == 0;
    p->out = p->out || strcmp(field[0], "@out") == 0;
    if (strcmp(field[0], "@broken") == 0) {
        long code = strtol(field[1], NULL, 10);
        p->broken = code > 0 && code < MIEN_STATUS_COUNT ? (enum mien_status)code : MIEN_ERR_FAILED;
        snprintf(p->why, sizeof(p->why), "%s", field[2]);
    }
    return MIEN_OK;
}

/* ---- children ---------------------------------------------------------------------------------------------------- */

static void how_it_ended(struct parent *p, bool hung)
{
    int code = 0;
    if (hung)
        snprintf(p->why, sizeof(p->why), "no answer within %g s", p->params.timeout);
    else if (p->broken != MIEN_OK)
        return; /* it has said so itself */
    else if (base_process_wait(p->process, &code) == MIEN_OK && code > 128)
        snprintf(p->why, sizeof(p->why), "its process died of signal %d", code - 128);
    else
        snprintf(p->why, sizeof(p->why), "its process ended with status %d", code);
}

/* Until the child ends, says something wrong, or nothing for too long. */
static enum mien_status listen(struct parent *p, bool *hung)
{
    enum mien_status status = MIEN_OK;
    char line[TUNE_LINE];
    enum base_line what = BASE_LINE_NONE;
    *hung = false;
    while (what != BASE_LINE_END && !*hung) {
        base_process_await(&p->process, 1, BASE_MAX(p->deadline - base_clock_seconds(), 0.0));
        while ((what = base_process_line(p->process, line, sizeof(line))) == BASE_LINE) {
            /* self-tests, then runs, each with a wait of its own */
            p->deadline = base_clock_seconds() + 2 * p->params.timeout + 10;
            TRY(take_line(p, line));
        }
        *hung = what != BASE_LINE_END && base_clock_seconds() > p->deadline;
    }
fail:
    return status;
}

/* One child from beginning to end; the choice that cost it is kept as lost. */
static enum mien_status run_child(struct parent *p)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    bool hung = false;
    p->done = false;
    p->broken = MIEN_OK;
    p->begun.call[0] = 0;
    p->options.from = p->at;
    p->options.seconds = BASE_MAX(p->until - base_clock_seconds(), 0.0);
    const char **words = tune_options_words(&p->options, p->params.child, &arena);
    FAIL_IF_NULL(words, "a child's arguments");
    TRY(base_process_start_self(words, &p->process));
    p->deadline = base_clock_seconds() + BASE_MAX(4 * p->params.timeout, 120.0); /* a training reads its data first */
    TRY(listen(p, &hung));
    if (p->done)
        goto fail;
    how_it_ended(p, hung);
    FAIL_IF(!p->begun.call[0], p->broken != MIEN_OK ? p->broken : MIEN_ERR_DRIVER, "%s%s",
            p->broken != MIEN_OK ? "" : "tuning: a child process ended where no kernel was measured: ", p->why);
    snprintf(p->begun.why, sizeof(p->begun.why), "%.150s", p->why);
    p->begun.why[base_utf8_prefix(p->begun.why, strlen(p->begun.why))] = 0;
    LOG_WARN("%s, kernel %s%s%s: %s; it is not measured again", p->begun.call, p->begun.variant,
             p->begun.tile[0] ? " " : "", p->begun.tile, p->why);
    TRY(vk_tuned_lose(&p->table, &p->begun));
    TRY(write_table(p));
fail:
    base_process_close(&p->process);
    base_arena_clear(&arena);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int heavier(const void *a, const void *b)
{
    const struct tune_row *x = a, *y = b;
    if (x->work != y->work)
        return x->work < y->work ? 1 : -1;
    return strcmp(x->choice.call, y->choice.call);
}

/* Sorts the calls, and gives the children those that are not known; the others' rows are done. */
static void choose_calls(struct parent *p)
{
    struct mien_tune_result *r = p->result;
    qsort(r->rows, r->count, sizeof(*r->rows), heavier);
    for (size_t i = 0; i < r->count; i++) {
        struct tune_row *row = &r->rows[i];
        const struct vk_choice *known = vk_tuned_find(&p->table, row->choice.call, row->choice.key);
        if (known && !p->params.again) {
            row->choice = *known;
            row->outcome = MIEN_TUNE_KNOWN;
        } else if (p->params.list) {
            snprintf(row->choice.why, sizeof(row->choice.why), "%u choices, by default %.96s", row->choices, row->rule);
        } else if (p->options.call_count == TUNE_MOST_CALLS) {
            snprintf(row->choice.why, sizeof(row->choice.why), "more calls than are measured at a time");
        } else {
            snprintf(row->choice.why, sizeof(row->choice.why), "time was over");
            p->row_of[p->options.call_count] = i;
            p->options.calls[p->options.call_count++] = row->choice.call;
            continue;
        }
        show(p, row);
    }
}

static enum mien_status measure(struct parent *p)
{
    enum mien_status status = MIEN_OK;
    p->at = 0;
    p->out = false;
    if (p->params.again) { /* lost ones too */
        base_free(p->table.lost);
        p->table.lost = NULL;
        p->table.lost_count = p->table.lost_capacity = 0;
        TRY(write_table(p));
    }
    TRY(progress(p));
    while (p->at < p->options.call_count && !p->out && base_clock_seconds() < p->until) {
        TRY(run_child(p));
        if (p->done && !p->out)
            p->at = p->options.call_count;
    }
    p->result->in_time = p->at >= p->options.call_count;
fail:
    return status;
}

static enum mien_status check_params(struct parent *p, const struct mien_tune_params *given)
{
    enum mien_status status = MIEN_OK;
    struct mien_tune_params *params = &p->params;
    TRY(SIZED_READ(params, given));
    NEED(params->child);
    FAIL_IF(!(params->seconds >= 0) || !(params->timeout >= 0), MIEN_ERR_ARG,
            "mien_tune: %g seconds in all and %g for a choice cannot be", params->seconds, params->timeout);
    FAIL_IF(params->set_count > TUNE_MOST_SETS || (params->set_count && (!params->config || !params->sets)),
            MIEN_ERR_ARG, "mien_tune: settings are for a configuration file, and at most %d", TUNE_MOST_SETS);
    params->seconds = params->seconds > 0 ? params->seconds : 120;
    params->timeout = params->timeout > 0 ? params->timeout : 30;
    p->options = (struct tune_options){.device = params->device,
                                       .caps = params->caps,
                                       .cache_dir = params->cache_dir,
                                       .model = params->model,
                                       .config = params->config,
                                       .only = params->only,
                                       .precision = mien_dtype_name(params->precision),
                                       .set_count = params->set_count,
                                       .timeout = params->timeout};
    for (size_t i = 0; i < params->set_count; i++) {
        FAIL_IF(!params->sets[i], MIEN_ERR_ARG, "mien_tune: setting %zu is NULL", i);
        p->options.sets[i] = params->sets[i];
    }
fail:
    return status;
}

static enum mien_status tune(struct parent *p)
{
    enum mien_status status = MIEN_OK;
    const struct mien_gpu_params find = {
        .size = sizeof(find), .device = p->params.device, .cache_dir = p->params.cache_dir};
    TRY(tune_find(&find, p->result, &p->caps));
    if (!p->params.list)
        TRY(lock_table(p));
    TRY(read_table(p));
    p->until = base_clock_seconds() + 1e9; /* which calls there are takes its own time */
    TRY(run_child(p));
    FAIL_IF(p->result->count == 0, MIEN_ERR_ARG, "there is nothing to tune%s%s: no call has a second kernel",
            p->params.only ? " of the name " : "", p->params.only ? p->params.only : "");
    choose_calls(p);
    p->until = base_clock_seconds() + p->params.seconds;
    if (p->params.list)
        p->result->in_time = true;
    else
        TRY(measure(p));
fail:
    return status;
}

enum mien_status mien_tune(const struct mien_tune_params *given, struct mien_tune_result **out)
{
    enum mien_status status = MIEN_OK;
    struct parent *p = NULL;
    NEED(out);
    *out = NULL;
    NEED(given);
    p = base_alloc(1, sizeof(*p));
    FAIL_IF_NULL(p, "tuning");
    TRY(check_params(p, given));
    p->result = base_alloc(1, sizeof(*p->result));
    FAIL_IF_NULL(p->result, "a result");
    TRY(tune(p));
    for (size_t i = 0; i < p->result->count && !p->params.list; i++) { /* what time was not enough for */
        if (p->result->rows[i].ms == 0 && strcmp(p->result->rows[i].choice.why, "time was over") == 0)
            show(p, &p->result->rows[i]);
    }
    *out = p->result;
    p->result = NULL;
fail:
    if (p) {
        base_process_close(&p->process);
        base_lock_release(&p->lock);
        vk_tuned_clear(&p->table);
        mien_tune_destroy(&p->result);
    }
    base_free(p);
    return status;
}
