/* signals.c: signals that ask a program to stop. Handlers are the process's, and so is what they set. */
#include "base/system.h"

#include <signal.h>

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
    struct sigaction before, ignored = {.sa_handler = SIG_IGN};
    watch(SIGINT);
    watch(SIGTERM);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        watch(SIGHUP);
    sigaction(SIGPIPE, &ignored, NULL);
}

const volatile int *base_stop_flag(void)
{
    return &stop_flag;
}
