/* log.h: one message to the process-wide sink (mien_log_set). Thread-safe. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "mien/common.h"

void base_log(enum mien_log_level level, const char *fmt, ...) MIEN_PRINTF(2, 3);

#define LOG_DEBUG(...) base_log(MIEN_LOG_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) base_log(MIEN_LOG_INFO, __VA_ARGS__)
#define LOG_WARN(...) base_log(MIEN_LOG_WARN, __VA_ARGS__)
#define LOG_ERROR(...) base_log(MIEN_LOG_ERROR, __VA_ARGS__)

#endif
