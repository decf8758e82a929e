/* support.h: what the io and data tests share: the last log message, scratch paths, the shared test data. */
#ifndef TESTS_IO_SUPPORT_H
#define TESTS_IO_SUPPORT_H

#include "base/base.h"
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static char support_last[2048]; /* the last error message */
static int support_warnings;

static inline void support_sink(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    if (level == MIEN_LOG_ERROR)
        snprintf(support_last, sizeof(support_last), "%s", message);
    if (level == MIEN_LOG_WARN)
        support_warnings++;
}

/* Keeps messages instead of printing them. */
static inline void support_capture(void)
{
    mien_log_set(support_sink, NULL, MIEN_LOG_WARN);
}

/* "prefix/name" in one of a few rotating buffers. */
static inline const char *support_path(const char *prefix, const char *name)
{
    static char buffers[8][1024];
    static int next;
    char *b = buffers[next++ % 8];
    if (strlen(prefix) + strlen(name) + 2 > sizeof(buffers[0]))
        return "path too long for a test";
    strcpy(b, prefix);
    strcat(b, "/");
    strcat(b, name);
    return b;
}

static inline const char *support_shared(const char *name)
{
    return support_path(MIEN_SHARED_DIR "/data", name);
}

/* A fresh directory for this process, removed by support_clean. */
static inline const char *support_scratch(void)
{
    static char dir[64];
    if (!dir[0]) {
        snprintf(dir, sizeof(dir), "/tmp/mien-test-%ld", (long)getpid());
        base_dir_create(dir);
    }
    return dir;
}

static inline const char *support_file(const char *name)
{
    return support_path(support_scratch(), name);
}

static inline void support_clean(void)
{
    base_dir_remove(support_scratch());
}

/* The message of the last failure holds `text`. */
#define CHECK_SAYS(text)                                                                                               \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!strstr(support_last, (text))) {                                                                           \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: \"%s\" does not say \"%s\"\n", __FILE__, __LINE__, support_last, (text));          \
        }                                                                                                              \
    } while (0)

#endif
