/* capture.h: a log sink that keeps the last message and counts, so that tests can read what a failure says. */
#ifndef TESTS_BASE_CAPTURE_H
#define TESTS_BASE_CAPTURE_H

#include "base/base.h"

#include <stdio.h>
#include <string.h>

static char captured[4096];
static int captured_count;
static enum mien_log_level captured_level; /* of the last message */

static inline void capture(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    captured_level = level;
    captured_count++;
    snprintf(captured, sizeof(captured), "%s", message);
}

static inline void capture_start(void)
{
    captured[0] = '\0';
    captured_count = 0;
    mien_log_set(capture, NULL, MIEN_LOG_WARN);
}

/* Exactly one message came since capture_start, and it holds `part`. */
static inline bool captured_once(const char *part)
{
    bool good = captured_count == 1 && strstr(captured, part) != NULL;

    if (!good)
        fprintf(stderr, "%d messages, the last: \"%s\"; looked for \"%s\"\n", captured_count, captured, part);
    return good;
}

#endif
