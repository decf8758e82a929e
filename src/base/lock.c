/* lock.c: advisory locks. */
#include "base/lock.h"

#include "base/arena.h"
#include "base/lock_internal.h"
#include "base/os_internal.h"
#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct base_lock {
    int fd;
    char path[]; /* of the file */
};

bool base_fd_lock(int fd)
{
    return os_lock(fd) != EWOULDBLOCK;
}

bool base_file_remove_unheld(const char *path)
{
    int fd = os_open(path, OS_OWN);
    if (fd < 0) /* not there, or, whatever it is, not ours */
        return errno == ENOENT;
    bool ours = os_lock(fd) == 0; /* where there are no locks nobody can tell */
    bool gone = ours && (!os_is_at(fd, path) || os_remove_file(path));
    os_close(fd); /* the lock ends after the file: who makes one of this name now makes another */
    return gone;
}

static long read_owner(int fd)
{
    char text[32] = "";
    return os_read(fd, text, sizeof(text) - 1) > 0 ? strtol(text, NULL, 10) : 0;
}

/* For the message of whoever comes second; that it cannot be written is no failure. */
static void write_owner(int fd)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%ld\n", os_process_number());
    (void)os_replace(fd, text, (size_t)length);
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
        lock->fd = os_open(path, OS_OWN_NEW);
        FAIL_IF(lock->fd < 0, MIEN_ERR_IO, "%s: cannot create the lock: %s", path, strerror(errno));
        error = os_lock(lock->fd);
        if (error || os_is_at(lock->fd, path))
            break;
        os_close(lock->fd); /* its last owner removed the file between the two calls */
    }
    if (error == EWOULDBLOCK) {
        *owner = read_owner(lock->fd);
        os_close(lock->fd);
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
    os_remove_file((*lock)->path); /* while it is held: whoever comes now makes a new one */
    os_close((*lock)->fd);
    base_free(*lock);
    *lock = NULL;
}
