/* system.c: the environment, the program's own place, what paths name, terminals. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#include "base/stamp.h"
#include "base/system.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void base_set_env(const char *name, const char *value)
{
    setenv(name, value, 0);
}

const char *base_env(const char *name)
{
    return getenv(name);
}

/* With an end; false when it cannot be had whole. */
bool base_program_path(char *path, size_t size)
{
#ifdef __APPLE__
    uint32_t room = (uint32_t)size;
    return _NSGetExecutablePath(path, &room) == 0;
#else
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0 || (size_t)length >= size - 1) /* cut, perhaps */
        return false;
    path[length] = 0;
    return true;
#endif
}

/* Cuts a path to its directory, without the ".." of a loader's run path. */
static bool cut_to_dir(char *path, size_t size)
{
    char *slash = strrchr(path, '/'), *plain;
    if (!slash)
        return false;
    slash[slash == path] = 0; /* "/mien" lies in "/" */
    plain = realpath(path, NULL);
    if (plain && strlen(plain) < size)
        strcpy(path, plain);
    free(plain);
    return true;
}

bool base_program_dir(char *path, size_t size)
{
    return base_program_path(path, size) && cut_to_dir(path, size);
}

bool base_library_dir(char *path, size_t size)
{
    static const char here; /* something of this library's */
    Dl_info info;
    if (!dladdr(&here, &info) || !info.dli_fname || strlen(info.dli_fname) >= size)
        return false;
    strcpy(path, info.dli_fname);
    return cut_to_dir(path, size);
}

void *base_module_open(const char *path, bool global, char *why, size_t size)
{
    void *module = dlopen(path, RTLD_LAZY | (global ? RTLD_GLOBAL : RTLD_LOCAL));
    const char *error = module ? NULL : dlerror();
    snprintf(why, size, "%s", error ? error : "");
    return module;
}

void *base_module_find(void *module, const char *name)
{
    return dlsym(module, name);
}

bool base_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool base_file_stamp(const char *path, struct base_stamp *out)
{
    struct stat info;
    *out = (struct base_stamp){0};
    if (stat(path, &info) != 0)
        return false;
#ifdef __APPLE__
    int64_t nanoseconds = info.st_mtimespec.tv_nsec;
#else
    int64_t nanoseconds = info.st_mtim.tv_nsec;
#endif
    *out = (struct base_stamp){(uint64_t)info.st_size, (int64_t)info.st_mtime, nanoseconds};
    return true;
}

bool base_file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *base_output_trouble(const char *path)
{
    struct stat info;
    char dir[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
    if (!*path)
        return "the path is empty";
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return S_ISDIR(info.st_mode) ? "a directory has this name" : NULL;
    if (lstat(path, &info) != 0 && errno != ENOENT)
        return strerror(errno);
    if (length >= sizeof(dir))
        return strerror(ENAMETOOLONG);
    memcpy(dir, slash ? path : ".", length);
    dir[length] = 0;
    if (stat(dir, &info) != 0)
        return errno == ENOENT ? "the directory that it is to lie in is not there" : strerror(errno);
    return access(dir, W_OK | X_OK) == 0 ? NULL : strerror(errno);
}

bool base_free_space(const char *dir, uint64_t *bytes)
{
    struct statvfs info;
    if (statvfs(dir, &info) != 0 || info.f_blocks == 0)
        return false;
    *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return true;
}

/* The number behind a word of a small file of the system, in its units; false when it is not there. */
static bool system_number(const char *path, const char *word, unsigned long long *number)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = 0;
    const char *at = strstr(text, word);
    return at && sscanf(at + strlen(word), "%llu", number) == 1;
}

bool base_free_memory(uint64_t *bytes)
{
    unsigned long long kibibytes, pages;
    struct rlimit limit;
    bool known = system_number("/proc/meminfo", "MemAvailable:", &kibibytes);
    *bytes = known ? kibibytes * 1024 : UINT64_MAX;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        system_number("/proc/self/statm", "", &pages)) {
        uint64_t used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
        uint64_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
        *bytes = left < *bytes ? left : *bytes;
        known = true;
    }
    return known;
}

bool base_is_terminal(enum base_stream stream)
{
    return isatty((int)stream) == 1;
}

uint32_t base_terminal_width(enum base_stream stream)
{
    struct winsize size = {0};
    return ioctl((int)stream, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
