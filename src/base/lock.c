/* lock.c: advisory locks (flock: unlike fcntl's, they belong to the open file, not to the process, and so exclude
 * another owner in this process too). */
#define _DEFAULT_SOURCE /* flock */
#include "base/lock.h"

#include "base/arena.h"
#include "base/lock_internal.h"
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct base_lock {
    int fd;
    char path[]; /* of the file */
};

/* 0, or the error number; EWOULDBLOCK: held by somebody else. */
static int try_lock(int fd)
{
    int failed;
    do {
        failed = flock(fd, LOCK_EX | LOCK_NB);
    } while (failed && errno == EINTR);
    return failed ? errno : 0;
}

bool base_fd_lock(int fd)
{
    return try_lock(fd) != EWOULDBLOCK;
}

bool base_file_is_held(const char *path)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno != ENOENT; /* whatever it is, it is not ours */
    bool held = !base_fd_lock(fd);
    close(fd);
    return held;
}

/* Whether the open file is still what the path names: its last owner removes it. */
static bool is_current(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static long read_owner(int fd)
{
    char text[32] = "";
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

/* For the message of whoever comes second; that it cannot be written is no failure. */
static void write_owner(int fd)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)length, 0);
}

enum mien_status base_lock_take(const char *path, struct base_lock **out, long *owner)
{
    enum mien_status status = MIEN_OK;
    struct base_lock *lock = base_alloc(1, sizeof(*lock) + strlen(path) + 1);
    int error = 0;
    *out = NULL;
    *owner = 0;
    FAIL_IF_NULL(lock, path);
    memcpy(lock->path, path, strlen(path) + 1);
    for (;;) {
        lock->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        FAIL_IF(lock->fd < 0, MIEN_ERR_IO, "%s: cannot create the lock: %s", path, strerror(errno));
        error = try_lock(lock->fd);
        if (error || is_current(lock->fd, path))
            break;
        close(lock->fd); /* its last owner removed the file between the two calls */
    }
    if (error == EWOULDBLOCK) {
        *owner = read_owner(lock->fd);
        close(lock->fd);
        base_free(lock);
        return MIEN_OK;
    }
    if (error)
        LOG_WARN("%s: this file system has no locks (%s): let no other process work here", path, strerror(error));
    write_owner(lock->fd);
    *out = lock;
    return MIEN_OK;
fail:
    base_free(lock);
    return status;
}

void base_lock_release(struct base_lock **lock)
{
    if (!lock || !*lock)
        return;
    unlink((*lock)->path); /* while it is held: whoever comes now makes a new one */
    close((*lock)->fd);
    base_free(*lock);
    *lock = NULL;
}
