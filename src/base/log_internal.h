/* log_internal.h: the log with an argument list already taken; for base alone. */
#ifndef BASE_LOG_INTERNAL_H
#define BASE_LOG_INTERNAL_H

#include "base/log.h"

#include <stdarg.h>

void base_vlog(enum mien_log_level level, const char *fmt, va_list args) MIEN_PRINTF(2, 0);

/* False where this thread's messages are softened or diverted: a failure is then survived by whoever asked for that. */
bool base_log_grave(void);

#endif
