/* log.c: the process-wide sink. The only state in Mien that all contexts share, and the only file that may print. */
#include "base/log.h"

#include "base/log_internal.h"
#include "base/os_internal.h"
#include "base/shown.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static mien_log_fn sink_fn; /* NULL: standard error; under os_log_lock, as is sink_user */
static void *sink_user;
static atomic_int sink_lowest = MIEN_LOG_WARN;

/* Set while this thread is inside the sink: a sink that calls Mien must not wait for itself. */
static _Thread_local bool inside_sink;

/* The gravest that this thread's messages are logged as. */
static _Thread_local enum mien_log_level gravest = MIEN_LOG_ERROR;

/* Where this thread's messages go in place of the sink. */
static _Thread_local char *diverted;
static _Thread_local size_t diverted_size;

static void print_to_stderr(enum mien_log_level level, const char *message)
{
    static const char *const prefix[] = {"debug: ", "", "warning: ", "error: "};

    fprintf(stderr, "mien: %s%s\n", prefix[level], message);
}

static void deliver(enum mien_log_level level, const char *message)
{
    if (inside_sink)
        return;
    os_log_lock();
    inside_sink = true;
    if (sink_fn)
        sink_fn(sink_user, level, message);
    else
        print_to_stderr(level, message);
    inside_sink = false;
    os_log_unlock();
}

void mien_log_set(mien_log_fn fn, void *user, enum mien_log_level lowest)
{
    bool locked = inside_sink; /* by this thread, below us on the stack */

    if (!locked)
        os_log_lock();
    sink_fn = fn;
    sink_user = user;
    atomic_store(&sink_lowest, (int)lowest);
    if (!locked)
        os_log_unlock();
}

enum mien_log_level base_log_soften(enum mien_log_level most)
{
    enum mien_log_level before = gravest;

    gravest = most;
    return before;
}

bool base_log_grave(void)
{
    return gravest == MIEN_LOG_ERROR && !diverted;
}

void base_log_divert(char *text, size_t size)
{
    diverted = text;
    diverted_size = size;
    if (text)
        text[0] = 0;
}

/* As a line may have it, to whoever is to see it. */
static void show(enum mien_log_level level, const char *message)
{
    char small[1024];
    char *large = NULL;
    size_t length;

    if (diverted) {
        base_shown(message, diverted, diverted_size);
        return;
    }
    length = base_shown(message, small, sizeof(small));
    if (length >= sizeof(small) && (large = malloc(length + 1)))
        base_shown(message, large, length + 1);
    deliver(level, large ? large : small);
    free(large);
}

void base_vlog(enum mien_log_level level, const char *fmt, va_list args)
{
    char small[512];
    char *large = NULL;
    va_list again;
    int length;

    if (level < MIEN_LOG_SILENT && level > gravest)
        level = gravest;
    if (diverted ? level < MIEN_LOG_WARN : (unsigned)level >= MIEN_LOG_SILENT || (int)level < atomic_load(&sink_lowest))
        return;
    va_copy(again, args);
    length = vsnprintf(small, sizeof(small), fmt, args);
    if (length < 0) /* a broken multibyte argument: the form alone still tells where */
        snprintf(small, sizeof(small), "%s", fmt);
    else if ((size_t)length >= sizeof(small))
        large = malloc((size_t)length + 1);
    if (large)
        vsnprintf(large, (size_t)length + 1, fmt, again);
    va_end(again);
    show(level, large ? large : small);
    free(large);
}

void base_log(enum mien_log_level level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    base_vlog(level, fmt, args);
    va_end(args);
}
