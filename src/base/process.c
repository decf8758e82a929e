/* process.c: the only file that starts programs. */
#define _GNU_SOURCE /* pipe2 */
#include "base/process.h"

#include "base/arena.h"
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __APPLE__
#include <crt_externs.h> /* a shared library has no environ there */
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

enum { LINE = 400, NONE = -1 };

struct base_process {
    pid_t pid;                 /* 0: not started, or waited for */
    int out, err;              /* our ends of the pipes, or NONE */
    char first[LINE];          /* lines of standard error; what is longer is cut */
    char last[LINE], at[LINE]; /* ...; the one that is coming in */
    char said[2 * LINE + 4];
    size_t used; /* of `at` */
};

/* Neither end is inherited: not by this program, which gets copies, nor by one that another thread starts. */
static enum mien_status make_pipe(int ends[2])
{
    enum mien_status status = MIEN_OK;
#ifdef __APPLE__
    int failed = pipe(ends);
    if (!failed) {
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
#else
    int failed = pipe2(ends, O_CLOEXEC);
#endif
    if (failed)
        ends[0] = ends[1] = NONE;
    FAIL_IF(failed, MIEN_ERR_FAILED, "cannot make a pipe: %s; raise the limit of open files (ulimit -n)",
            strerror(errno));
fail:
    return status;
}

static void close_end(int *end)
{
    if (*end != NONE)
        close(*end);
    *end = NONE;
}

/* The error number of posix_spawnp. Signals are as a fresh program expects them, whatever this thread has blocked. */
static int spawn(struct base_process *p, const char *const *argv, int out, int err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return error;
    if ((error = posix_spawnattr_init(&how)) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    error = error ? error : posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    if (!error) /* argv is not written to: the type is older than const */
        error = posix_spawnp(&p->pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv, environ);
    if (error)
        p->pid = 0;
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

enum mien_status base_process_start(const char *const *argv, struct base_process **out)
{
    enum mien_status status = MIEN_OK;
    int output[2] = {NONE, NONE}, errors[2] = {NONE, NONE}, error = 0;
    struct base_process *p = base_alloc(1, sizeof(*p));
    *out = NULL;
    FAIL_IF_NULL(p, "a process");
    p->out = p->err = NONE;
    TRY(make_pipe(output));
    p->out = output[0];
    TRY(make_pipe(errors));
    p->err = errors[0];
    error = spawn(p, argv, output[1], errors[1]);
    /* also where PATH names what is no directory, or one that this user may not search */
    bool nowhere = error == ENOENT || error == ENOTDIR || error == EACCES;
    FAIL_IF(error && !nowhere, MIEN_ERR_FAILED, "cannot start %s: %s", argv[0], strerror(error));
    if (!error) {
        *out = p;
        p = NULL;
    }
fail:
    close_end(&output[1]);
    close_end(&errors[1]);
    base_process_close(&p);
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
    ssize_t got = read(p->err, text, sizeof(text));
    if (got < 0 && errno == EINTR)
        return;
    for (ssize_t i = 0; i < got; i++) {
        if (text[i] == '\n' || text[i] == '\r')
            end_line(p);
        else if (p->used + 1 < LINE)
            p->at[p->used++] = text[i];
    }
    if (got <= 0) {
        end_line(p);
        close_end(&p->err);
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
    struct pollfd ends[2] = {{.fd = p->out, .events = POLLIN}, {.fd = p->err, .events = POLLIN}};
    enum mien_status status = MIEN_OK;
    *ready = false;
    int count = poll(ends, 2, -1); /* an end of -1 is passed over */
    if (count < 0 && errno == EINTR)
        return MIEN_OK;
    FAIL_IF(count < 0, MIEN_ERR_IO, "cannot wait for a program's output: %s", strerror(errno));
    if (ends[1].revents)
        listen_to(p);
    *ready = ends[0].revents != 0;
fail:
    return status;
}

enum mien_status base_process_read(struct base_process *process, void *data, size_t size, size_t *got)
{
    enum mien_status status = MIEN_OK;
    struct base_process *p = process;
    *got = 0;
    while (*got < size && p->out != NONE) {
        bool ready;
        TRY(wait_for_output(p, &ready));
        ssize_t some = ready ? read(p->out, (char *)data + *got, size - *got) : 0;
        FAIL_IF(some < 0 && errno != EINTR, MIEN_ERR_IO, "cannot read a program's output: %s", strerror(errno));
        if (ready && some == 0)
            close_end(&p->out);
        *got += some > 0 ? (size_t)some : 0;
    }
fail:
    return status;
}

enum mien_status base_process_wait(struct base_process *process, int *exit_status)
{
    enum mien_status status = MIEN_OK;
    struct base_process *p = process;
    int how = 0;
    pid_t ended;
    while (p->err != NONE)
        listen_to(p);
    do {
        ended = waitpid(p->pid, &how, 0);
    } while (ended < 0 && errno == EINTR);
    p->pid = 0;
    /* ECHILD: the application has all of its children forgotten (SIGCHLD ignored): how this one ended nobody knows */
    FAIL_IF(ended < 0 && errno != ECHILD, MIEN_ERR_FAILED, "cannot wait for a program: %s", strerror(errno));
    *exit_status = ended < 0 ? 0 : WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
fail:
    return status;
}

void base_process_close(struct base_process **process)
{
    struct base_process *p = process ? *process : NULL;
    if (!p)
        return;
    close_end(&p->out);
    close_end(&p->err);
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    base_free(p);
    *process = NULL;
}
