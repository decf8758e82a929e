/* signals.c: signals that ask a program to stop. Handlers are the process's, and so is what they set. */
#include "base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static volatile int stop_flag;

static void on_stop(int number)
{
    stop_flag = number;
}

static void watch(int number)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND}; /* the second one ends it */
    sigaction(number, &action, NULL);
}

void base_stop_watch(void)
{
    struct sigaction before;
    watch(SIGINT);
    watch(SIGTERM);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        watch(SIGHUP);
}

void base_streams_guard(void)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignored, NULL);
    sigaction(SIGXFSZ, &ignored, NULL); /* a file that may grow no more fails as on a full disk, with a message */
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) /* open gives the lowest number that is free: this one */
            (void)open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    }
}

const volatile int *base_stop_flag(void)
{
    return &stop_flag;
}
