/* process.c: another program: its output, and what it says on the way. */
#include "base/process.h"

#include "base/arena.h"
#include "base/os_internal.h"
#include "base/status.h"
#include "base/system.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 400, OUTPUT = 16384 };

struct base_process {
    struct os_process os;
    char first[LINE];          /* lines of standard error; what is longer is cut */
    char last[LINE], at[LINE]; /* ...; the one that is coming in */
    char said[2 * LINE + 4];
    size_t used; /* of `at` */
    /* by lines */
    char *output; /* [OUTPUT] */
    size_t waiting;
    bool ended;
};

static enum mien_status start(const char *const *argv, bool shares_messages, struct base_process **out)
{
    enum mien_status status = MIEN_OK;
    struct base_process *p = base_alloc(1, sizeof(*p));
    *out = NULL;
    FAIL_IF_NULL(p, "a process");
    enum os_started started = os_process_start(&p->os, argv, shares_messages);
    FAIL_IF(started == OS_FAILED, base_errno_status(MIEN_ERR_FAILED), "cannot start %s: %s%s", argv[0], strerror(errno),
            errno == EMFILE ? "; raise the limit of open files (ulimit -n)" : "");
    if (started == OS_STARTED) {
        *out = p;
        p = NULL;
    }
fail:
    base_free(p);
    return status;
}

enum mien_status base_process_start(const char *const *argv, struct base_process **out)
{
    return start(argv, false, out);
}

enum mien_status base_process_start_self(const char *const *args, struct base_process **out)
{
    enum mien_status status = MIEN_OK;
    char path[4096];
    const char **argv = NULL;
    size_t count = 0;
    *out = NULL;
    while (args[count])
        count++;
    FAIL_IF(!base_program_path(path, sizeof(path)), MIEN_ERR_FAILED,
            "the system does not say where the running program lies; it cannot be started once more");
    argv = base_alloc(count + 2, sizeof(*argv));
    FAIL_IF_NULL(argv, "a program's arguments");
    argv[0] = path;
    memcpy(argv + 1, args, count * sizeof(*argv));
    TRY(start(argv, true, out));
    FAIL_IF(!*out, MIEN_ERR_FAILED, "%s: the running program's file cannot be started once more", path);
fail:
    base_free(argv);
    return status;
}

bool base_process_end_with_parent(void)
{
    return os_process_end_with_parent();
}

/* ---- standard error ---- */

static void end_line(struct base_process *p)
{
    p->at[p->used] = 0;
    if (p->used && !p->first[0])
        memcpy(p->first, p->at, p->used + 1);
    if (p->used)
        memcpy(p->last, p->at, p->used + 1);
    p->used = 0;
}

/* What can be read now; closes at the end. */
static void listen_to(struct base_process *p)
{
    char text[1024];
    ptrdiff_t got = os_pipe_read(&p->os, OS_ERR, text, sizeof(text));
    for (ptrdiff_t i = 0; i < got; i++) {
        if (text[i] == '\n' || text[i] == '\r')
            end_line(p);
        else if (p->used + 1 < LINE)
            p->at[p->used++] = text[i];
    }
    if (got <= 0) {
        end_line(p);
        os_pipe_close(&p->os, OS_ERR);
    }
}

const char *base_process_said(struct base_process *process)
{
    bool both = strcmp(process->first, process->last) != 0;
    snprintf(process->said, sizeof(process->said), "%s%s%s", process->first, both ? "; " : "",
             both ? process->last : "");
    return process->said;
}

/* ---- standard output ---- */

/* Waits until one of the pipes has something, and takes what stands in standard error: a program that cannot get rid of
 * its messages writes no output either. */
static enum mien_status wait_for_output(struct base_process *p, bool *ready)
{
    enum mien_status status = MIEN_OK;
    bool can[OS_PIPES];
    *ready = false;
    FAIL_IF(!os_process_poll(&p->os, true, can), base_errno_status(MIEN_ERR_IO),
            "cannot wait for a program's output: %s", strerror(errno));
    if (can[OS_ERR])
        listen_to(p);
    *ready = can[OS_OUT];
fail:
    return status;
}

enum mien_status base_process_read(struct base_process *process, void *data, size_t size, size_t *got)
{
    enum mien_status status = MIEN_OK;
    struct base_process *p = process;
    *got = 0;
    while (*got < size && p->os.pipes[OS_OUT] != OS_NONE) {
        bool ready;
        TRY(wait_for_output(p, &ready));
        ptrdiff_t some = ready ? os_pipe_read(&p->os, OS_OUT, (char *)data + *got, size - *got) : 0;
        FAIL_IF(some < 0, base_errno_status(MIEN_ERR_IO), "cannot read a program's output: %s", strerror(errno));
        if (ready && some == 0)
            os_pipe_close(&p->os, OS_OUT);
        *got += (size_t)some;
    }
fail:
    return status;
}

void base_process_await(struct base_process *const *list, size_t count, double seconds)
{
    const struct os_process *processes[64] = {NULL};
    count = count < 64 ? count : 64;
    for (size_t i = 0; i < count; i++)
        processes[i] = list[i] ? &list[i]->os : NULL;
    os_process_poll_any(processes, count, seconds);
}

/* The first `length` bytes that wait are the line; `taken` go. */
static enum base_line take_line(struct base_process *p, size_t length, size_t taken, char *line, size_t size)
{
    snprintf(line, size, "%.*s", (int)length, p->output);
    p->waiting -= taken;
    memmove(p->output, p->output + taken, p->waiting);
    return BASE_LINE;
}

enum base_line base_process_line(struct base_process *p, char *line, size_t size)
{
    bool can[OS_PIPES];
    if (!p->output && !(p->output = base_alloc(1, OUTPUT)))
        return BASE_LINE_END;
    for (;;) {
        const char *newline = memchr(p->output, '\n', p->waiting);
        if (newline)
            return take_line(p, (size_t)(newline - p->output), (size_t)(newline - p->output) + 1, line, size);
        if (p->waiting == OUTPUT || (p->ended && p->waiting))
            return take_line(p, p->waiting, p->waiting, line, size);
        if (p->ended)
            return BASE_LINE_END;
        if (!os_process_poll(&p->os, false, can) || !can[OS_OUT])
            return BASE_LINE_NONE;
        ptrdiff_t got = os_pipe_read(&p->os, OS_OUT, p->output + p->waiting, OUTPUT - p->waiting);
        p->ended = got <= 0;
        p->waiting += got > 0 ? (size_t)got : 0;
    }
}

enum mien_status base_process_wait(struct base_process *process, int *exit_status)
{
    enum mien_status status = MIEN_OK;
    while (process->os.pipes[OS_ERR] != OS_NONE)
        listen_to(process);
    FAIL_IF(!os_process_wait(&process->os, exit_status), base_errno_status(MIEN_ERR_FAILED),
            "cannot wait for a program: %s", strerror(errno));
fail:
    return status;
}

void base_process_close(struct base_process **process)
{
    if (!process || !*process)
        return;
    os_process_kill(&(*process)->os);
    base_free((*process)->output);
    base_free(*process);
    *process = NULL;
}
