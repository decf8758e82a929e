/* status.c: what the outcomes are called, and the one place where a failure becomes a message. */
#include "base/status.h"

#include "base/arena.h"
#include "base/log_internal.h"
#include "base/shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_entry {
    int exit_code;
    const char *text;
};

static const struct status_entry entries[] = {
#define STATUS_ENTRY(name, exit_code, text) {exit_code, text},
    MIEN_STATUS_LIST(STATUS_ENTRY)
#undef STATUS_ENTRY
};

const char *mien_status_text(enum mien_status status)
{
    return (unsigned)status < MIEN_STATUS_COUNT ? entries[status].text : "unknown status";
}

int mien_status_exit_code(enum mien_status status)
{
    return (unsigned)status < MIEN_STATUS_COUNT ? entries[status].exit_code : 1;
}

#define TEXT(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *mien_version(void)
{
    return VERSION_TEXT(MIEN_VERSION_MAJOR, MIEN_VERSION_MINOR, MIEN_VERSION_PATCH);
}

/* ---- the last error of each thread ---- */

static _Thread_local char last_error[MIEN_ERROR_SIZE];

const char *mien_last_error(void)
{
    return last_error;
}

void base_take_error(const char *text)
{
    if (text[0])
        snprintf(last_error, sizeof last_error, "%s", text);
}

/* A cut text ends with a whole character: its first byte is none of 10xxxxxx. */
static void drop_cut_character(char *text)
{
    size_t at = strlen(text);
    while (at > 0 && (text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && (text[at - 1] & 0x80))
        text[at - 1] = 0;
}

enum mien_status base_fail(enum mien_status code, const char *fmt, ...)
{
    va_list args;
    char text[MIEN_ERROR_SIZE], shown[MIEN_ERROR_SIZE]; /* the arguments may hold the last error */

    if (code == MIEN_ERR_NOMEM)
        base_exhausted_note();
    if (base_log_grave()) {
        va_start(args, fmt);
        if (vsnprintf(text, sizeof text, fmt, args) >= (int)sizeof text)
            drop_cut_character(text);
        va_end(args);
        base_shown(text, shown, sizeof shown);
    }
    va_start(args, fmt);
    base_vlog(MIEN_LOG_ERROR, fmt, args);
    va_end(args);
    if (base_log_grave())
        memcpy(last_error, shown, strlen(shown) + 1);
    return code;
}

enum mien_status base_progress(mien_progress_fn fn, void *user, uint64_t done, uint64_t total)
{
    if (!fn || fn(user, done, total))
        return MIEN_OK;
    LOG_INFO("cancelled after %llu", (unsigned long long)done); /* whoever asked for it knows */
    return MIEN_ERR_CANCELLED;
}

enum mien_status base_errno_status(enum mien_status code)
{
    return errno == ENOMEM ? MIEN_ERR_NOMEM : code;
}
