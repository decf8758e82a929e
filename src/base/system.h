/* system.h: this process and what surrounds it. Needs no other part of base: the command uses it beside libmien. */
#ifndef BASE_SYSTEM_H
#define BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A variable of the environment, NULL when it is not set. Lives until the environment is changed. */
const char *base_env(const char *name);
/* Sets one that is not set. No other thread may use the environment meanwhile. */
void base_set_env(const char *name, const char *value);

/* The file of the running program; false when the system does not say it, or it is longer than `size`. */
bool base_program_path(char *path, size_t size);

/* The directory of the running program, whole and without links; false when the system does not say it, or it is longer
 * than `size`. */
bool base_program_dir(char *path, size_t size);

/* Likewise of the shared library that holds this code; of the program where it is linked statically. */
bool base_library_dir(char *path, size_t size);

/* Loads a library from a path, or by its name as the system finds it, for the rest of the process; `global`: what is
 * loaded later may use its symbols. NULL: why it could not be is in `why`. */
void *base_module_open(const char *path, bool global, char *why, size_t size);
/* What a name means in it, or NULL. Functions are data here: copy the pointer's bytes. */
void *base_module_find(void *module, const char *name);

/* Whether the path names something; whether it names a directory. */
bool base_file_exists(const char *path);
bool base_file_is_dir(const char *path);

/* The same of dir/name, without memory that could run out: what has a longer path than the system takes is not there.
 */
bool base_file_exists_in(const char *dir, const char *name);
bool base_file_is_dir_in(const char *dir, const char *name);

/* Why no file of that name could be written (a phrase, static storage): for telling before long work what would be told
 * after it. NULL: nothing stands against it, or it is a device or pipe. */
const char *base_output_trouble(const char *path);
/* Bytes that this user may still write in the file system of a directory; false where it does not say. */
bool base_free_space(const char *dir, uint64_t *bytes);

/* Bytes of memory that this process can still take without harm to others, and that its own limits allow; false where
 * the system does not say. */
bool base_free_memory(uint64_t *bytes);

/* ---- terminals ---- */

enum base_stream { BASE_STDOUT = 1, BASE_STDERR = 2 };

bool base_is_terminal(enum base_stream stream);
/* Columns; 0 when it is no terminal or does not say. */
uint32_t base_terminal_width(enum base_stream stream);

/* ---- being asked to stop ---- */

/* From now on the first SIGINT, SIGTERM or SIGHUP sets the flag, and the second of its kind ends the process; SIGHUP
 * stays ignored where it was (nohup). For programs, not for the library: signals are the process's. */
void base_stop_watch(void);
/* For the first line of a program. From now on a closed pipe, or a file that may grow no more (ulimit -f), does not end
 * the process: writing to it fails. And a standard stream that is closed gives its number to no file that is opened
 * later, so that nothing is printed into a file: what is written to standard error goes nowhere, to standard output
 * fails. */
void base_streams_guard(void);
/* What the handlers set: 0, or the number of the signal. It may be read on any thread at any time. */
const volatile int *base_stop_flag(void);

#endif
