/* clock.c: monotonic time and sleep. */
#include "base/clock.h"

#include <errno.h>
#include <time.h>

uint64_t base_clock_ns(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double base_clock_seconds(void)
{
    return (double)base_clock_ns() * 1e-9;
}

void base_sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}
