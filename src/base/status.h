/* status.h: how a function in Mien fails.
 *
 *   enum mien_status f(struct x **out)
 *   {
 *       enum mien_status status = MIEN_OK;
 *       struct x *x = NULL;
 *       *out = NULL;
 *       TRY(g(&x));
 *       FAIL_IF(x->n == 0, MIEN_ERR_DATA, "%s: no rows; check the file", path);
 *       *out = x;
 *       return MIEN_OK;
 *   fail:
 *       x_destroy(&x);
 *       return status;
 *   }
 *
 * The message is logged once, where the failure is found; TRY only passes it on. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/log.h"
#include "mien/common.h"

/* Evaluates an expression of type enum mien_status; on failure sets the local `status` and goes to the label `fail`. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != MIEN_OK)                                                                                         \
            goto fail;                                                                                                 \
    } while (0)

/* Logs an error (printf form) and goes to `fail` with `code` when `cond` holds. */
#define FAIL_IF(cond, code, ...)                                                                                       \
    do {                                                                                                               \
        if (cond) {                                                                                                    \
            status = base_fail((code), __VA_ARGS__);                                                                   \
            goto fail;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* The first lines of a public function: arguments that may not be NULL, in all builds. */
#define NEED(cond) FAIL_IF(!(cond), MIEN_ERR_ARG, "%s: an argument is missing: wanted is %s", __func__, #cond)

/* Host allocation that fails as above. `what` names the thing for the message. */
#define FAIL_IF_NULL(pointer, what) FAIL_IF(!(pointer), MIEN_ERR_NOMEM, "out of host memory for %s", (what))

/* Makes the error of another thread, which worked for this one, its last one; "" is none. */
void base_take_error(const char *text);

/* Logs the message at error level, keeps it for mien_last_error, and returns `code`. */
enum mien_status base_fail(enum mien_status code, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* What a call of the system that failed gives: MIEN_ERR_NOMEM where errno says that memory ran out, else `code`. */
enum mien_status base_errno_status(enum mien_status code);

/* Tells progress; MIEN_ERR_CANCELLED, without an error in the log, when the answer is to stop. fn may be NULL. */
enum mien_status base_progress(mien_progress_fn fn, void *user, uint64_t done, uint64_t total);

#endif
