/* file.c: reading whole files, mapping them, and outputs that appear whole or not at all. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/file.h"

#include "base/arena.h"
#include "base/lock_internal.h"
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_BUFFER ((size_t)64 * 1024)

static ssize_t read_some(int fd, void *data, size_t size)
{
    ssize_t got;

    do {
        got = read(fd, data, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Opens for reading what is not a directory. */
static enum mien_status open_input(const char *path, int *fd, struct stat *info)
{
    enum mien_status status = MIEN_OK;

    *fd = -1;
    FAIL_IF(!*path, MIEN_ERR_DATA, "an empty name of a file cannot be opened");
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    FAIL_IF(*fd < 0, MIEN_ERR_DATA, "%s: cannot open: %s", path, strerror(errno));
    FAIL_IF(fstat(*fd, info) != 0, MIEN_ERR_IO, "%s: cannot examine: %s", path, strerror(errno));
    FAIL_IF(S_ISDIR(info->st_mode), MIEN_ERR_DATA, "%s: is a directory; a file is needed here", path);
    return MIEN_OK;
fail:
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return status;
}

enum mien_status base_file_read(const char *path, size_t max_size, char **data, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct stat info;
    char *text = NULL;
    size_t used = 0, room = 0;
    ssize_t got;
    int fd = -1;

    *data = NULL;
    *size = 0;
    TRY(open_input(path, &fd, &info));
    /* The size is a hint: pipes and /proc say 0, and a file may grow while it is read. */
    TRY(base_grow(&text, &room, info.st_size > 0 ? (size_t)info.st_size + 2 : 4096, 1));
    while ((got = read_some(fd, text + used, room - used - 1)) > 0) {
        used += (size_t)got;
        FAIL_IF(max_size && used > max_size, MIEN_ERR_DATA, "%s: longer than the %zu bytes allowed here", path,
                max_size);
        if (room - used < 2)
            TRY(base_grow(&text, &room, room + 1, 1));
    }
    FAIL_IF(got < 0, MIEN_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    close(fd);
    text[used] = '\0';
    *data = text;
    *size = used;
    return MIEN_OK;
fail:
    if (fd >= 0)
        close(fd);
    base_free(text);
    return status;
}

enum mien_status base_file_head(const char *path, void *head, size_t room, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct stat info;
    ssize_t got = 0;
    int fd = -1;

    *size = 0;
    TRY(open_input(path, &fd, &info));
    while (*size < room && (got = read_some(fd, (char *)head + *size, room - *size)) > 0)
        *size += (size_t)got;
    FAIL_IF(got < 0, MIEN_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
fail:
    if (fd >= 0)
        close(fd);
    return status;
}

enum mien_status base_map_open(const char *path, struct base_map *out)
{
    enum mien_status status = MIEN_OK;
    struct stat info;
    void *data = NULL;
    int fd = -1;

    *out = (struct base_map){0};
    TRY(open_input(path, &fd, &info));
    FAIL_IF(!S_ISREG(info.st_mode), MIEN_ERR_DATA, "%s: not a regular file, cannot be mapped", path);
    FAIL_IF((uintmax_t)info.st_size > SIZE_MAX, MIEN_ERR_DATA, "%s: too large for this machine's address space", path);
    if (info.st_size > 0) {
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        FAIL_IF(data == MAP_FAILED, MIEN_ERR_IO, "%s: cannot map: %s", path, strerror(errno));
    }
    out->data = data;
    out->size = (size_t)info.st_size;
fail:
    if (fd >= 0)
        close(fd); /* the map stays */
    return status;
}

void base_map_close(struct base_map *map)
{
    if (!map)
        return;
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct base_map){0};
}

struct base_out {
    int fd;
    char *target; /* where it appears: the path, with a link to a file followed */
    char *temp;   /* NULL: target is a device or pipe and is written directly */
    enum mien_status failed;
    size_t used;
    char buffer[OUT_BUFFER];
};

static void out_free(struct base_out *out)
{
    if (!out)
        return;
    if (out->fd >= 0)
        close(out->fd);
    if (out->temp)
        unlink(out->temp);
    free(out->target); /* from realpath or base_alloc */
    base_free(out->temp);
    base_free(out);
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = base_alloc(1, size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* False, and it is closed, when somebody who tidies up has taken a new file for one that was left. */
static bool hold(int *fd)
{
    if (base_fd_lock(*fd))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

/* A new file beside `target`. The name holds no part of the target's, which may be as long as a name can be. */
static enum mien_status open_temp(const char *target, char **temp, int *fd)
{
    static atomic_uint counter;
    enum mien_status status = MIEN_OK;
    char *dir = base_path_dir(target);

    FAIL_IF_NULL(dir, target);
    do {
        char name[64];

        snprintf(name, sizeof(name), ".mien-%ld-%u.tmp", (long)getpid(), atomic_fetch_add(&counter, 1));
        base_free(*temp);
        *temp = base_path_join(dir, name);
        FAIL_IF_NULL(*temp, target);
        *fd = open(*temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        /* held until it has its name: whoever tidies up sees that it is in use */
    } while (*fd < 0 ? errno == EEXIST : !hold(fd));
    if (*fd < 0) {
        status = base_fail(MIEN_ERR_IO, "%s: cannot create a file in %s: %s", target, dir, strerror(errno));
        base_free(*temp);
        *temp = NULL;
    }
fail:
    base_free(dir);
    return status;
}

enum mien_status base_out_open(const char *path, struct base_out **out)
{
    enum mien_status status = MIEN_OK;
    struct base_out *o = NULL;
    struct stat info;
    bool exists;

    *out = NULL;
    o = base_alloc(1, sizeof(*o));
    FAIL_IF_NULL(o, path);
    o->fd = -1;
    exists = stat(path, &info) == 0;
    FAIL_IF(!*path, MIEN_ERR_IO, "the path of an output file is empty");
    FAIL_IF(exists && S_ISDIR(info.st_mode), MIEN_ERR_IO, "%s: is a directory; cannot be replaced by a file", path);
    o->target = exists ? realpath(path, NULL) : copy_text(path);
    FAIL_IF(!o->target, exists ? MIEN_ERR_IO : MIEN_ERR_NOMEM, "%s: cannot resolve the path", path);
    if (exists && !S_ISREG(info.st_mode)) { /* say /dev/null: a rename would replace the device itself */
        o->fd = open(path, O_WRONLY | O_CLOEXEC);
        FAIL_IF(o->fd < 0, MIEN_ERR_IO, "%s: cannot open for writing: %s", path, strerror(errno));
    } else {
        TRY(open_temp(o->target, &o->temp, &o->fd));
    }
    *out = o;
    return MIEN_OK;
fail:
    out_free(o);
    return status;
}

enum mien_status base_out_append(const char *path, struct base_out **out)
{
    enum mien_status status = MIEN_OK;
    struct base_out *o = base_alloc(1, sizeof(*o));

    *out = NULL;
    FAIL_IF_NULL(o, path);
    o->fd = -1;
    o->target = copy_text(path);
    FAIL_IF_NULL(o->target, path);
    o->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    FAIL_IF(o->fd < 0, MIEN_ERR_IO, "%s: cannot open for writing: %s", path, strerror(errno));
    *out = o;
    return MIEN_OK;
fail:
    out_free(o);
    return status;
}

static enum mien_status write_all(int fd, const char *path, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return base_fail(MIEN_ERR_IO, "%s: cannot write: %s%s", path, strerror(errno),
                             errno == ENOSPC || errno == EDQUOT ? "; make room there, then run this again" : "");
        data += done;
        size -= (size_t)done;
    }
    return MIEN_OK;
}

static enum mien_status out_flush(struct base_out *out)
{
    size_t size = out->used;

    out->used = 0;
    return write_all(out->fd, out->target, out->buffer, size);
}

/* After a failure every further call fails with the same status, quietly: the message was logged once. */
enum mien_status base_out_write(struct base_out *out, const void *data, size_t size)
{
    enum mien_status status = out->failed;

    TRY(status);
    if (size > OUT_BUFFER - out->used)
        TRY(out_flush(out));
    if (size >= OUT_BUFFER) {
        TRY(write_all(out->fd, out->target, data, size));
    } else if (size > 0) {
        memcpy(out->buffer + out->used, data, size);
        out->used += size;
    }
    return MIEN_OK;
fail:
    out->failed = status;
    return status;
}

enum mien_status base_out_printf(struct base_out *out, const char *fmt, ...)
{
    enum mien_status status = MIEN_OK;
    char small[512], *large = NULL;
    va_list args;
    int length;

    va_start(args, fmt);
    length = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    FAIL_IF(length < 0, MIEN_ERR_FAILED, "%s: cannot format \"%s\"", out->target, fmt);
    if ((size_t)length >= sizeof(small)) {
        large = base_alloc(1, (size_t)length + 1);
        FAIL_IF_NULL(large, out->target);
        va_start(args, fmt);
        vsnprintf(large, (size_t)length + 1, fmt, args);
        va_end(args);
    }
    TRY(base_out_write(out, large ? large : small, (size_t)length));
fail:
    out->failed = status;
    base_free(large);
    return status;
}

enum mien_status base_out_flush(struct base_out *out, bool to_disk)
{
    enum mien_status status = out->failed;

    TRY(status);
    TRY(out_flush(out));
    FAIL_IF(to_disk && fsync(out->fd) != 0, MIEN_ERR_IO, "%s: cannot flush to the disk: %s", out->target,
            strerror(errno));
fail:
    out->failed = status;
    return status;
}

enum mien_status base_out_commit(struct base_out **out)
{
    struct base_out *o = *out;
    enum mien_status status = o->failed;
    int error;

    *out = NULL;
    TRY(status);
    TRY(out_flush(o));
    if (o->temp)
        FAIL_IF(fsync(o->fd) != 0, MIEN_ERR_IO, "%s: cannot flush to the disk: %s", o->target, strerror(errno));
    if (o->temp)
        TRY(base_rename(o->temp, o->target));
    base_free(o->temp); /* no longer there to remove */
    o->temp = NULL;
    error = close(o->fd); /* only now: the lock on it ends */
    o->fd = -1;
    FAIL_IF(error != 0, MIEN_ERR_IO, "%s: cannot close: %s", o->target, strerror(errno));
fail:
    out_free(o);
    return status;
}

void base_out_abandon(struct base_out **out)
{
    if (!out)
        return;
    out_free(*out);
    *out = NULL;
}

enum mien_status base_file_write(const char *path, const void *data, size_t size)
{
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;

    TRY(base_out_open(path, &out));
    TRY(base_out_write(out, data, size));
    TRY(base_out_commit(&out));
fail:
    base_out_abandon(&out);
    return status;
}

enum mien_status base_file_write_part(const char *path, const void *data, size_t size)
{
    enum mien_status status = MIEN_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), error;

    FAIL_IF(fd < 0, MIEN_ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    status = write_all(fd, path, data, size);
    error = close(fd);
    if (status == MIEN_OK && error != 0)
        status = base_fail(MIEN_ERR_IO, "%s: cannot close: %s", path, strerror(errno));
    if (status != MIEN_OK)
        unlink(path);
fail:
    return status;
}
