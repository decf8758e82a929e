/* process.c: another program: its output, and what it says on the way. */
#include "base/process.h"

#include "base/arena.h"
#include "base/os_internal.h"
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 400 };

struct base_process {
    struct os_process os;
    char first[LINE];          /* lines of standard error; what is longer is cut */
    char last[LINE], at[LINE]; /* ...; the one that is coming in */
    char said[2 * LINE + 4];
    size_t used; /* of `at` */
};

enum mien_status base_process_start(const char *const *argv, struct base_process **out)
{
    enum mien_status status = MIEN_OK;
    struct base_process *p = base_alloc(1, sizeof(*p));
    *out = NULL;
    FAIL_IF_NULL(p, "a process");
    enum os_started started = os_process_start(&p->os, argv);
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
    FAIL_IF(!os_process_poll(&p->os, can), base_errno_status(MIEN_ERR_IO), "cannot wait for a program's output: %s",
            strerror(errno));
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
    base_free(*process);
    *process = NULL;
}
