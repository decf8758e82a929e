/* process.h: another program, whose output is read here. One thread at a time. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "mien/common.h"

struct base_process;

/* Starts argv[0], which is looked for in the absolute directories of PATH, never in the working directory, with
 * argv[1], ... as they are; NULL ends the list, no shell reads it. Its standard input is empty. *out is NULL with
 * MIEN_OK, and nothing is logged, where there is no such program, or none that this user may run: only the caller knows
 * what it was wanted for. MIEN_ERR_FAILED: it cannot be started. */
enum mien_status base_process_start(const char *const *argv, struct base_process **out);

/* For a program that base_process_start_self has started: from now on it does not outlive the thread that did, not even
 * where that was killed while this one hangs in a driver; false: that one is gone already. Where the system knows no
 * such thing (it is Linux's) the next line that it writes ends it. */
bool base_process_end_with_parent(void);

/* Starts the running program once more, from its own file wherever that lies, with these arguments (ended by NULL).
 * Its messages are this program's: what it says on standard error is not read here. MIEN_ERR_FAILED: its file cannot be
 * found, or it cannot be started. */
enum mien_status base_process_start_self(const char *const *args, struct base_process **out);

/* Reading by lines, in place of base_process_read, from programs of base_process_start_self. Waits until there may be
 * something to take from one of them (NULL in the list is passed over), `seconds` at most. */
void base_process_await(struct base_process *const *list, size_t count, double seconds);
enum base_line { BASE_LINE_NONE, BASE_LINE, BASE_LINE_END };
/* The next line without its newline, if it has come, cut to `size`; never waits. */
enum base_line base_process_line(struct base_process *process, char *line, size_t size);

/* The next `size` bytes of its standard output; *got is less only at its end. MIEN_ERR_IO. */
enum mien_status base_process_read(struct base_process *process, void *data, size_t size, size_t *got);

/* After the end of its output: waits for its end. *exit_status is its own, or 128 and the number of the signal that
 * ended it. */
enum mien_status base_process_wait(struct base_process *process, int *exit_status);

/* What it has said on standard error so far: the first line and, where it is another, the last, joined by "; ". "" when
 * nothing. Lives as long as the process. */
const char *base_process_said(struct base_process *process);

/* Ends it if it still runs, frees, clears; accepts NULL. */
void base_process_close(struct base_process **process);

#endif
