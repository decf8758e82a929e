/* os_internal.h: what base's portable half asks of the operating system. A folder beside this file implements it, and
 * the functions of system.h and clock.h, for one system (src/base/posix); CMake picks the folder. These functions know
 * nothing of Mien: no status, no log, no counted memory. A failure's reason is in errno unless said otherwise. */
#ifndef BASE_OS_INTERNAL_H
#define BASE_OS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- files ---- */

enum os_open {
    OS_READ,   /* never waits: for files */
    OS_WRITE,  /* what is there, from its beginning */
    OS_APPEND, /* at its end, never through a link; made when it is not there */
    OS_NEW,    /* must not be there */
    OS_OWN,    /* to lock: what is there, never through a link */
    OS_OWN_NEW /* the same; made when it is not there */
};
/* The number of the open file, which no other program inherits, or -1. */
int os_open(const char *path, enum os_open how);
bool os_close(int file);
ptrdiff_t os_read(int file, void *data, size_t size); /* bytes, 0 at the end, -1 */
ptrdiff_t os_read_at(int file, uint64_t offset, void *data, size_t size);
ptrdiff_t os_write(int file, const void *data, size_t size);
bool os_replace(int file, const void *data, size_t size); /* all that the file holds */
bool os_sync(int file);                                   /* to the disk */
/* Locks an open file until it is closed, against other open files of this process too. 0, EWOULDBLOCK when somebody
 * else holds it, or another error number. */
int os_lock(int file);

struct os_info {
    bool is_dir, is_file; /* neither: a device, a pipe, a link */
    const char *kind;     /* "a directory", ... */
    uint64_t size;
};
bool os_info(int file, struct os_info *info);
bool os_info_at(const char *path, bool follow, struct os_info *info);
bool os_is_at(int file, const char *path); /* whether the path names this open file */

/* Absolute, without links and dots; from malloc; NULL when it is not there. */
char *os_resolve(const char *path);
bool os_rename(const char *from, const char *to); /* in place of what is there */
bool os_remove_file(const char *path);            /* a link itself, never what it points to */
bool os_remove_dir(const char *path);             /* an empty one */
bool os_make_dir(const char *path);
bool os_sync_dir(const char *path); /* makes its names durable where the system can */

void *os_dir_open(const char *path);
const char *os_dir_next(void *dir); /* without "." and ".."; NULL at the end (errno 0) or after a failure */
void os_dir_close(void *dir);

/* Text [size] in another encoding as UTF-8 into out [*room]; *room becomes its size. Bytes that could be read; -1:
 * there is no converter. */
ptrdiff_t os_to_utf8(const char *encoding, const char *text, size_t size, char *out, size_t *room);

/* ---- threads ---- */

/* Lies in the caller's memory until it is joined. */
struct os_thread {
    uintptr_t handle;
    void (*fn)(void *user);
    void *user;
};
/* 0 or the error number. Signals are left to the application's own threads. */
int os_thread_start(struct os_thread *thread, void (*fn)(void *user), void *user);
void os_thread_join(struct os_thread *thread);
uint32_t os_cpu_count(void); /* at least 1 */

/* Large enough, and aligned, for what any system has. */
struct os_mutex {
    _Alignas(16) unsigned char space[64];
};
struct os_cond {
    _Alignas(16) unsigned char space[64];
};
int os_mutex_init(struct os_mutex *mutex); /* 0 or the error number; so os_cond_init */
void os_mutex_destroy(struct os_mutex *mutex);
void os_mutex_lock(struct os_mutex *mutex);
void os_mutex_unlock(struct os_mutex *mutex);
int os_cond_init(struct os_cond *cond);
void os_cond_destroy(struct os_cond *cond);
void os_cond_wait(struct os_cond *cond, struct os_mutex *mutex);
void os_cond_signal(struct os_cond *cond);
void os_cond_broadcast(struct os_cond *cond);

/* The one lock of the process that exists before anything is made: the log's. */
void os_log_lock(void);
void os_log_unlock(void);

/* ---- programs ---- */

long os_process_number(void); /* of this one */

enum { OS_OUT, OS_ERR, OS_PIPES, OS_NONE = -1 };

struct os_process {
    intptr_t handle;     /* 0: not started, or waited for */
    int pipes[OS_PIPES]; /* ends to read its output and its messages from, or OS_NONE */
};

enum os_started { OS_STARTED, OS_NOT_THERE, OS_FAILED };

/* Looks for argv[0] on PATH; no standard input; no other open file is inherited. shares_messages: what it says on
 * standard error goes where this process's own does, and is not read here. */
enum os_started os_process_start(struct os_process *process, const char *const *argv, bool shares_messages);
/* Whether something can be read, or has ended, in the pipes; waits until so it is in one of them. */
bool os_process_poll(const struct os_process *process, bool wait, bool ready[OS_PIPES]);
/* The same for the output of several, `seconds` at most; a signal or a moment too short ends it early. NULL in the list
 * is passed over. */
void os_process_poll_any(const struct os_process *const *list, size_t count, double seconds);
/* Bytes read, 0 at the end, -1. */
ptrdiff_t os_pipe_read(struct os_process *process, int pipe, void *data, size_t size);
void os_pipe_close(struct os_process *process, int pipe);
/* Waits for its end: its exit status, or 128 and the number of the signal that ended it; 0 where the application has
 * all of its children forgotten. */
bool os_process_wait(struct os_process *process, int *exit_status);
void os_process_kill(struct os_process *process); /* and waits; closes the pipes */
/* From now on this process does not outlive the thread that started it; false: it is gone already. Where the system
 * knows no such thing it does nothing. */
bool os_process_end_with_parent(void);

#endif
