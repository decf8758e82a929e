/* log.h: one message to the process-wide sink (mien_log_set). Thread-safe. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "mien/common.h"

/* Control characters, line breaks among them, and bytes that are no UTF-8 become escapes: one message, one line. */
void base_log(enum mien_log_level level, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* Until it is called again, this thread's messages above `most` are logged as `most`: for a caller that survives a
 * failure, whose message must not look like one. Returns what was set before (at first MIEN_LOG_ERROR), to be put back.
 */
enum mien_log_level base_log_soften(enum mien_log_level most);

/* Until it is called with NULL, this thread's messages go to `text`, of which the last one stays, cut to `size`, and
 * not to the sink: for a caller that reports a failure in a list of its own. */
void base_log_divert(char *text, size_t size);

#define LOG_DEBUG(...) base_log(MIEN_LOG_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) base_log(MIEN_LOG_INFO, __VA_ARGS__)
#define LOG_WARN(...) base_log(MIEN_LOG_WARN, __VA_ARGS__)
#define LOG_ERROR(...) base_log(MIEN_LOG_ERROR, __VA_ARGS__)

#endif
