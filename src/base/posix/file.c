/* file.c: files and directories of POSIX. */
#define _DEFAULT_SOURCE   /* flock */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/os_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int os_open(const char *path, enum os_open how)
{
    static const int flags[] = {[OS_READ] = O_RDONLY | O_NONBLOCK, /* or a pipe without a writer waits for one */
                                [OS_WRITE] = O_WRONLY,
                                [OS_APPEND] = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK,
                                [OS_NEW] = O_WRONLY | O_CREAT | O_EXCL,
                                [OS_OWN] = O_RDWR | O_NOFOLLOW,
                                [OS_OWN_NEW] = O_RDWR | O_NOFOLLOW | O_CREAT};
    int file;
    do {
        file = open(path, flags[how] | O_CLOEXEC, 0666);
    } while (file < 0 && errno == EINTR);
    return file;
}

bool os_close(int file)
{
    return close(file) == 0;
}

ptrdiff_t os_read(int file, void *data, size_t size)
{
    ssize_t got;
    do {
        got = read(file, data, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

ptrdiff_t os_read_at(int file, uint64_t offset, void *data, size_t size)
{
    ssize_t got;
    do {
        got = pread(file, data, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got;
}

ptrdiff_t os_write(int file, const void *data, size_t size)
{
    ssize_t done;
    do {
        done = write(file, data, size);
    } while (done < 0 && errno == EINTR);
    return done;
}

bool os_replace(int file, const void *data, size_t size)
{
    return ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size;
}

bool os_sync(int file)
{
    int failed;
    do {
        failed = fsync(file);
    } while (failed && errno == EINTR);
    return !failed;
}

int os_lock(int file)
{
    int failed;
    do { /* unlike fcntl's locks it belongs to the open file, not to the process */
        failed = flock(file, LOCK_EX | LOCK_NB);
    } while (failed && errno == EINTR);
    return failed ? errno : 0;
}

/* ---- what there is ---- */

static const char *kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return "a file";
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISLNK(mode) ? "a link" : "a device";
}

static void fill(const struct stat *from, struct os_info *info)
{
    *info = (struct os_info){.is_dir = S_ISDIR(from->st_mode),
                             .is_file = S_ISREG(from->st_mode),
                             .kind = kind_of(from->st_mode),
                             .size = from->st_size > 0 ? (uint64_t)from->st_size : 0};
}

bool os_info(int file, struct os_info *info)
{
    struct stat found;
    bool there = fstat(file, &found) == 0;
    if (there)
        fill(&found, info);
    return there;
}

bool os_info_at(const char *path, bool follow, struct os_info *info)
{
    struct stat found;
    bool there = (follow ? stat(path, &found) : lstat(path, &found)) == 0;
    if (there)
        fill(&found, info);
    return there;
}

bool os_is_at(int file, const char *path)
{
    struct stat opened, named;
    return fstat(file, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* ---- names ---- */

char *os_resolve(const char *path)
{
    return realpath(path, NULL);
}

bool os_rename(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

bool os_remove_file(const char *path)
{
    return unlink(path) == 0;
}

bool os_remove_dir(const char *path)
{
    return rmdir(path) == 0;
}

bool os_make_dir(const char *path)
{
    return mkdir(path, 0777) == 0;
}

void *os_dir_open(const char *path)
{
    return opendir(path);
}

const char *os_dir_next(void *dir)
{
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry ? entry->d_name : NULL;
}

void os_dir_close(void *dir)
{
    closedir(dir);
}

/* A directory that may be written but not listed has nothing to flush through; file systems that cannot (EINVAL) do so
 * on their own terms. */
bool os_sync_dir(const char *path)
{
    int dir = open(path, O_RDONLY | O_CLOEXEC);
    if (dir < 0)
        return errno == EACCES;
    bool done = fsync(dir) == 0 || errno == EINVAL || errno == ENOTSUP;
    int error = errno;
    close(dir);
    errno = error;
    return done;
}

long os_process_number(void)
{
    return (long)getpid();
}
