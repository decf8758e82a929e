/* process.c: the only file that starts programs. */
#define _GNU_SOURCE /* pipe2 */
#include "base/os_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __APPLE__
#include <crt_externs.h> /* a shared library has no environ there */
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

/* Neither end is inherited: not by this program, which gets copies, nor by one that another thread starts. */
static bool make_pipe(int ends[2])
{
#ifdef __APPLE__
    bool made = pipe(ends) == 0;
    if (made) {
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
#else
    bool made = pipe2(ends, O_CLOEXEC) == 0;
#endif
    if (!made)
        ends[0] = ends[1] = OS_NONE;
    return made;
}

static void close_end(int *end)
{
    if (*end != OS_NONE)
        close(*end);
    *end = OS_NONE;
}

/* A program's file: a name with a slash as it is, another on PATH in absolute directories only. An empty element there
 * is the working directory, and a relative one begins in it: anybody's file may have the name. */
static bool find_program(const char *name, char *path, size_t size)
{
    const char *list = getenv("PATH"), *end;
    struct stat info;
    if (strchr(name, '/'))
        return snprintf(path, size, "%s", name) < (int)size;
    for (list = list ? list : "/usr/local/bin:/usr/bin:/bin"; *list; list = *end ? end + 1 : end) {
        end = list + strcspn(list, ":");
        int length = snprintf(path, size, "%.*s/%s", (int)(end - list), list, name);
        if (*list == '/' && length > 0 && length < (int)size && access(path, X_OK) == 0 && stat(path, &info) == 0 &&
            S_ISREG(info.st_mode))
            return true;
    }
    return false;
}

/* The error number of posix_spawnp. Signals are as a fresh program expects them, whatever this thread has blocked. */
static int spawn(pid_t *pid, const char *const *argv, int out, int err)
{
    char path[4096];
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
    sigaddset(&usual, SIGXFSZ);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (err != OS_NONE)
        error = error ? error : posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    if (!error && !find_program(argv[0], path, sizeof(path)))
        error = ENOENT;
    if (!error) /* argv is not written to: the type is older than const */
        error = posix_spawn(pid, path, &files, &how, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

enum os_started os_process_start(struct os_process *process, const char *const *argv, bool shares_messages)
{
    int out[2] = {OS_NONE, OS_NONE}, err[2] = {OS_NONE, OS_NONE}, error;
    pid_t pid = 0;
    error = make_pipe(out) && (shares_messages || make_pipe(err)) ? spawn(&pid, argv, out[1], err[1]) : errno;
    close_end(&out[1]);
    close_end(&err[1]);
    *process = (struct os_process){.handle = error ? 0 : pid, .pipes = {out[0], err[0]}};
    if (!error)
        return OS_STARTED;
    os_process_kill(process);
    errno = error;
    /* also where PATH names what is no directory, or one that this user may not search */
    return error == ENOENT || error == ENOTDIR || error == EACCES ? OS_NOT_THERE : OS_FAILED;
}

bool os_process_poll(const struct os_process *process, bool wait, bool ready[OS_PIPES])
{
    struct pollfd ends[OS_PIPES];
    int count;
    for (int i = 0; i < OS_PIPES; i++)
        ends[i] = (struct pollfd){.fd = process->pipes[i], .events = POLLIN}; /* one of -1 is passed over */
    do {
        count = poll(ends, OS_PIPES, wait ? -1 : 0);
    } while (count < 0 && errno == EINTR);
    for (int i = 0; i < OS_PIPES; i++)
        ready[i] = count > 0 && ends[i].revents != 0;
    return count >= 0;
}

void os_process_poll_any(const struct os_process *const *list, size_t count, double seconds)
{
    enum { MOST = 64 };
    struct pollfd ends[MOST];
    size_t n = 0;
    for (size_t i = 0; i < count && n < MOST; i++) {
        if (list[i])
            ends[n++] = (struct pollfd){.fd = list[i]->pipes[OS_OUT], .events = POLLIN};
    }
    double most = seconds < 0 ? 0 : seconds > 3600 ? 3600 : seconds;
    (void)poll(ends, n, (int)(most * 1000) + 1);
}

ptrdiff_t os_pipe_read(struct os_process *process, int pipe, void *data, size_t size)
{
    ssize_t got;
    do {
        got = read(process->pipes[pipe], data, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

void os_pipe_close(struct os_process *process, int pipe)
{
    close_end(&process->pipes[pipe]);
}

bool os_process_wait(struct os_process *process, int *exit_status)
{
    int how = 0;
    pid_t ended;
    do {
        ended = waitpid((pid_t)process->handle, &how, 0);
    } while (ended < 0 && errno == EINTR);
    process->handle = 0;
    *exit_status = ended < 0 ? 0 : WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    return ended >= 0 || errno == ECHILD; /* SIGCHLD is ignored: how this one ended nobody knows */
}

void os_process_kill(struct os_process *process)
{
    int ignored;
    for (int i = 0; i < OS_PIPES; i++)
        close_end(&process->pipes[i]);
    if (process->handle > 0) {
        kill((pid_t)process->handle, SIGKILL);
        (void)os_process_wait(process, &ignored);
    }
}

/* The parent reads the standard output: where it died before the request, nobody does any more. */
bool os_process_end_with_parent(void)
{
#ifdef __linux__
    struct pollfd end = {.fd = STDOUT_FILENO};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return poll(&end, 1, 0) <= 0 || !(end.revents & POLLERR);
#else
    return true;
#endif
}
