/* file.c: reading files, whole or in pieces, and outputs that appear whole or not at all. */
#include "base/file.h"

#include "base/arena.h"
#include "base/lock_internal.h"
#include "base/os_internal.h"
#include "base/stage.h"
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BUFFER ((size_t)64 * 1024)

/* Pipes wait for somebody, devices never end, and opening some of them already does something. */
static enum mien_status check_kind(const char *path, const struct os_info *info)
{
    return info->is_file ? MIEN_OK
                         : base_fail(MIEN_ERR_DATA, "%s: is %s; %s is needed here", path, info->kind,
                                     info->is_dir ? "a file" : "a regular file");
}

/* Opens a regular file for reading. */
static enum mien_status open_input(const char *path, int *fd, struct os_info *info)
{
    enum mien_status status = MIEN_OK;

    *fd = -1;
    FAIL_IF(!*path, MIEN_ERR_DATA, "an empty name of a file cannot be opened");
    if (os_info_at(path, true, info))
        TRY(check_kind(path, info));
    *fd = os_open(path, OS_READ);
    FAIL_IF(*fd < 0, base_errno_status(MIEN_ERR_DATA), "%s: cannot open: %s", path, strerror(errno));
    FAIL_IF(!os_info(*fd, info), base_errno_status(MIEN_ERR_IO), "%s: cannot examine: %s", path, strerror(errno));
    TRY(check_kind(path, info)); /* of what was opened, whatever it was before */
    return MIEN_OK;
fail:
    if (*fd >= 0)
        os_close(*fd);
    *fd = -1;
    return status;
}

enum mien_status base_refuse_pointer(const char *path, const void *data, size_t size)
{
    static const char mark[] = "version https://git-lfs.github.com/";
    if (size < sizeof(mark) - 1 || memcmp(data, mark, sizeof(mark) - 1) != 0)
        return MIEN_OK;
    return base_fail(
        MIEN_ERR_DATA,
        "%s: a pointer of Git LFS, not the file itself, which was left out when the repository was cloned; "
        "fetch it with git lfs pull",
        path);
}

enum mien_status base_file_read(const char *path, size_t max_size, char **data, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct os_info info;
    char *text = NULL;
    size_t used = 0, room = 0;
    ptrdiff_t got;
    int fd = -1;

    *data = NULL;
    *size = 0;
    TRY(open_input(path, &fd, &info));
    /* The size is a hint: /proc says 0, and a file may grow while it is read. */
    TRY(base_grow(&text, &room, info.size > 0 ? (size_t)info.size + 2 : 4096, 1));
    while ((got = os_read(fd, text + used, room - used - 1)) > 0) {
        used += (size_t)got;
        FAIL_IF(max_size && used > max_size, MIEN_ERR_DATA, "%s: longer than the %zu bytes allowed here", path,
                max_size);
        if (room - used < 2)
            TRY(base_grow(&text, &room, room + 1, 1));
    }
    FAIL_IF(got < 0, base_errno_status(MIEN_ERR_IO), "%s: cannot read: %s", path, strerror(errno));
    TRY(base_refuse_pointer(path, text, used));
    os_close(fd);
    text[used] = '\0';
    *data = text;
    *size = used;
    return MIEN_OK;
fail:
    if (fd >= 0)
        os_close(fd);
    base_free(text);
    return status;
}

enum mien_status base_file_head(const char *path, void *head, size_t room, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct os_info info;
    ptrdiff_t got = 0;
    int fd = -1;

    *size = 0;
    TRY(open_input(path, &fd, &info));
    while (*size < room && (got = os_read(fd, (char *)head + *size, room - *size)) > 0)
        *size += (size_t)got;
    FAIL_IF(got < 0, base_errno_status(MIEN_ERR_IO), "%s: cannot read: %s", path, strerror(errno));
fail:
    if (fd >= 0)
        os_close(fd);
    return status;
}

struct base_in {
    int fd; /* -1: of memory */
    const char *memory;
    uint64_t size;
    char path[];
};

static struct base_in *make_in(const char *path)
{
    struct base_in *in = base_alloc(1, sizeof(*in) + strlen(path) + 1);

    if (in) {
        memcpy(in->path, path, strlen(path) + 1);
        in->fd = -1;
    }
    return in;
}

/* A pointer of Git LFS in place of a file, told by its first bytes. */
static enum mien_status check_head(const struct base_in *in)
{
    char head[64];
    size_t size = in->size < sizeof(head) ? (size_t)in->size : sizeof(head);
    enum mien_status status = base_in_read(in, 0, head, size);
    return status == MIEN_OK ? base_refuse_pointer(in->path, head, size) : status;
}

enum mien_status base_in_open(const char *path, struct base_in **out)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = make_in(path);
    struct os_info info;

    *out = NULL;
    FAIL_IF_NULL(in, path);
    TRY(open_input(path, &in->fd, &info));
    in->size = info.size;
    TRY(check_head(in));
    *out = in;
    return MIEN_OK;
fail:
    base_in_close(&in);
    return status;
}

enum mien_status base_in_memory(const char *name, const void *data, size_t size, struct base_in **out)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = make_in(name);

    *out = in;
    FAIL_IF_NULL(in, name);
    in->memory = data;
    in->size = size;
    TRY(check_head(in));
    return MIEN_OK;
fail:
    base_in_close(out);
    return status;
}

uint64_t base_in_size(const struct base_in *in)
{
    return in->size;
}

enum mien_status base_in_read(const struct base_in *in, uint64_t offset, void *data, size_t size)
{
    enum mien_status status = MIEN_OK;
    bool held = in->fd < 0 && offset <= in->size && size <= in->size - offset;

    if (held && size)
        memcpy(data, in->memory + offset, size);
    for (size_t done = held ? size : 0; done < size;) {
        ptrdiff_t got = in->fd < 0 ? 0 : os_read_at(in->fd, offset + done, (char *)data + done, size - done);

        FAIL_IF(got < 0, MIEN_ERR_IO, "%s: cannot read: %s", in->path, strerror(errno));
        FAIL_IF(got == 0, MIEN_ERR_DATA, "%s: ends before byte %llu (of %llu when it was opened); it has been cut off",
                in->path, (unsigned long long)(offset + size), (unsigned long long)in->size);
        done += (size_t)got;
    }
fail:
    return status;
}

void base_in_close(struct base_in **in)
{
    if (!in || !*in)
        return;
    if ((*in)->fd >= 0)
        os_close((*in)->fd);
    base_free(*in);
    *in = NULL;
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
        os_close(out->fd);
    if (out->temp)
        os_remove_file(out->temp);
    free(out->target); /* from os_resolve or base_alloc */
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
static bool hold(int *fd, const char *path)
{
    if (base_fd_lock(*fd) && os_is_at(*fd, path))
        return true;
    os_close(*fd);
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
    base_stage_tidy(dir);
    do {
        char name[64];

        snprintf(name, sizeof(name), ".mien-%ld-%u.tmp", os_process_number(), atomic_fetch_add(&counter, 1));
        base_free(*temp);
        *temp = base_path_join(dir, name);
        FAIL_IF_NULL(*temp, target);
        *fd = os_open(*temp, OS_NEW);
        /* held until it has its name: whoever tidies up sees that it is in use */
    } while (*fd < 0 ? errno == EEXIST : !hold(fd, *temp));
    if (*fd < 0) {
        status = base_fail(MIEN_ERR_IO, "%s: cannot create a file in %s: %s", target, dir, strerror(errno));
        base_free(*temp);
        *temp = NULL;
    }
fail:
    base_free(dir);
    return status;
}

/* Where a link leads is followed only in what the user has named. */
static enum mien_status open_out(const char *path, bool follow, struct base_out **out)
{
    enum mien_status status = MIEN_OK;
    struct base_out *o = NULL;
    struct os_info info;
    bool exists, resolve;

    *out = NULL;
    o = base_alloc(1, sizeof(*o));
    FAIL_IF_NULL(o, path);
    o->fd = -1;
    exists = os_info_at(path, follow, &info);
    resolve = exists && follow;
    FAIL_IF(!*path, MIEN_ERR_IO, "the path of an output file is empty");
    FAIL_IF(exists && info.is_dir, MIEN_ERR_IO, "%s: is a directory; cannot be replaced by a file", path);
    o->target = resolve ? os_resolve(path) : copy_text(path);
    FAIL_IF(!o->target && !resolve, MIEN_ERR_NOMEM, "out of host memory for the path %s", path);
    FAIL_IF(!o->target, base_errno_status(MIEN_ERR_IO), "%s: cannot resolve the path: %s", path, strerror(errno));
    if (resolve && !info.is_file) { /* say /dev/null: a rename would replace the device itself */
        o->fd = os_open(path, OS_WRITE);
        FAIL_IF(o->fd < 0, base_errno_status(MIEN_ERR_IO), "%s: cannot open for writing: %s", path, strerror(errno));
    } else {
        TRY(open_temp(o->target, &o->temp, &o->fd));
    }
    *out = o;
    return MIEN_OK;
fail:
    out_free(o);
    return status;
}

enum mien_status base_out_open(const char *path, struct base_out **out)
{
    return open_out(path, true, out);
}

enum mien_status base_out_open_own(const char *path, struct base_out **out)
{
    return open_out(path, false, out);
}

enum mien_status base_out_append(const char *path, struct base_out **out)
{
    enum mien_status status = MIEN_OK;
    struct base_out *o = base_alloc(1, sizeof(*o));
    struct os_info info;

    *out = NULL;
    FAIL_IF_NULL(o, path);
    o->fd = -1;
    o->target = copy_text(path);
    FAIL_IF_NULL(o->target, path);
    FAIL_IF(os_info_at(path, false, &info) && !info.is_file, MIEN_ERR_IO,
            "%s: is %s; it is written to where it is a file only", path, info.kind);
    o->fd = os_open(path, OS_APPEND);
    FAIL_IF(o->fd < 0, base_errno_status(MIEN_ERR_IO), "%s: cannot open for writing: %s", path, strerror(errno));
    *out = o;
    return MIEN_OK;
fail:
    out_free(o);
    return status;
}

static enum mien_status write_all(int fd, const char *path, const char *data, size_t size)
{
    while (size > 0) {
        ptrdiff_t done = os_write(fd, data, size);

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
    FAIL_IF(to_disk && !os_sync(out->fd), base_errno_status(MIEN_ERR_IO), "%s: cannot flush to the disk: %s",
            out->target, strerror(errno));
fail:
    out->failed = status;
    return status;
}

enum mien_status base_out_commit(struct base_out **out)
{
    struct base_out *o = *out;
    enum mien_status status = o->failed;
    bool closed;

    *out = NULL;
    TRY(status);
    TRY(out_flush(o));
    if (o->temp)
        FAIL_IF(!os_sync(o->fd), base_errno_status(MIEN_ERR_IO), "%s: cannot flush to the disk: %s", o->target,
                strerror(errno));
    if (o->temp)
        TRY(base_rename(o->temp, o->target));
    base_free(o->temp); /* no longer there to remove */
    o->temp = NULL;
    closed = os_close(o->fd); /* only now: the lock on it ends */
    o->fd = -1;
    FAIL_IF(!closed, base_errno_status(MIEN_ERR_IO), "%s: cannot close: %s", o->target, strerror(errno));
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

static enum mien_status write_file(const char *path, bool follow, const void *data, size_t size)
{
    enum mien_status status = MIEN_OK;
    struct base_out *out = NULL;

    TRY(open_out(path, follow, &out));
    TRY(base_out_write(out, data, size));
    TRY(base_out_commit(&out));
fail:
    base_out_abandon(&out);
    return status;
}

enum mien_status base_file_write(const char *path, const void *data, size_t size)
{
    return write_file(path, true, data, size);
}

enum mien_status base_file_write_own(const char *path, const void *data, size_t size)
{
    return write_file(path, false, data, size);
}

enum mien_status base_file_write_part(const char *path, const void *data, size_t size)
{
    enum mien_status status = MIEN_OK;
    int fd = os_open(path, OS_NEW);
    bool closed;

    FAIL_IF(fd < 0, base_errno_status(MIEN_ERR_IO), "%s: cannot create: %s", path, strerror(errno));
    status = write_all(fd, path, data, size);
    closed = os_close(fd);
    if (status == MIEN_OK && !closed)
        status = base_fail(MIEN_ERR_IO, "%s: cannot close: %s", path, strerror(errno));
    if (status != MIEN_OK)
        os_remove_file(path);
fail:
    return status;
}
