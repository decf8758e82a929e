/* fail.c: preloaded into the command, it lets one allocation fail: the FAIL_AT-th of those that the command, libmien,
 * libcjson and libjpeg ask for, by themselves or through a function of the C library. Drivers keep their memory.
 *
 * FAIL_AT=N     the N-th fails (0: none), and with FAIL_ON=1 all after it
 * FAIL_SITES=F  writes a line "N HASH" to F for each, HASH that of the calls it came through
 * FAIL_SAYS=F   writes to F at the end: "count N", and "left N", the blocks that were not freed
 *
 * Built without sanitizers, for programs without them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

enum { RANGES = 16, SLOTS = 1 << 20, FRAMES = 10 };

static struct {
    char *begin, *end;
} ranges[RANGES];
static int range_count;
static long fail_at, fail_on;
static atomic_long count;
static int sites = -1;
static _Thread_local int inside; /* a call of the C library that was counted as one, or this file's own */

/* ---- blocks that live: open addressing; a slot that was freed is 1 ---- */

static _Atomic(uintptr_t) slots[SLOTS];

static size_t slot_of(uintptr_t block)
{
    return (size_t)((block >> 4) * 0x9E3779B97F4A7C15u >> 40) % SLOTS;
}

static void *keep(void *block)
{
    for (size_t i = slot_of((uintptr_t)block), tries = 0; block && tries < SLOTS; i = (i + 1) % SLOTS, tries++) {
        uintptr_t old = atomic_load(&slots[i]);
        if (old <= 1 && atomic_compare_exchange_strong(&slots[i], &old, (uintptr_t)block))
            return block;
    }
    return block;
}

static int drop(void *block)
{
    for (size_t i = slot_of((uintptr_t)block), tries = 0; block && tries < SLOTS; i = (i + 1) % SLOTS, tries++) {
        uintptr_t old = atomic_load(&slots[i]);
        if (old == 0)
            return 0;
        if (old == (uintptr_t)block && atomic_compare_exchange_strong(&slots[i], &old, 1))
            return 1;
    }
    return 0;
}

/* ---- whose call it is ---- */

static int add_ranges(struct dl_phdr_info *info, size_t size, void *user)
{
    static const char *const names[] = {"libmien", "libcjson", "libjpeg"};
    const char *base = strrchr(info->dlpi_name, '/');
    int ours = info->dlpi_name[0] == 0;
    (void)size, (void)user;
    for (int i = 0; i < 3; i++)
        ours = ours || strncmp(base ? base + 1 : info->dlpi_name, names[i], strlen(names[i])) == 0;
    for (int i = 0; ours && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || range_count == RANGES)
            continue;
        ranges[range_count].begin = (char *)info->dlpi_addr + part->p_vaddr;
        ranges[range_count++].end = (char *)info->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    return 0;
}

static int is_ours(const void *caller)
{
    for (int i = 0; i < range_count; i++)
        if ((const char *)caller >= ranges[i].begin && (const char *)caller < ranges[i].end)
            return 1;
    return 0;
}

static void note_site(long number)
{
    void *frames[FRAMES];
    char line[64];
    uint64_t hash = 1469598103934665603u;
    int depth = backtrace(frames, FRAMES);
    for (int i = 3; i < depth; i++)
        hash = (hash ^ (uint64_t)((char *)frames[i] - (is_ours(frames[i]) ? ranges[0].begin : (char *)frames[i]))) *
               1099511628211u;
    int length = snprintf(line, sizeof line, "%ld %016llx\n", number, (unsigned long long)hash);
    if (write(sites, line, (size_t)length) != length)
        _exit(99);
}

static void show_where(void)
{
    void *frames[32];
    if (getenv("FAIL_SHOW"))
        backtrace_symbols_fd(frames, backtrace(frames, 32), 2);
}

/* Whether the caller is counted; *fails: it is its turn. */
static int counted(const void *caller, int *fails)
{
    *fails = 0;
    if (inside || !range_count || !is_ours(caller))
        return 0;
    long number = atomic_fetch_add(&count, 1) + 1;
    inside = 1;
    if (sites >= 0)
        note_site(number);
    *fails = fail_at > 0 && (number == fail_at || (fail_on && number > fail_at));
    if (*fails && number == fail_at)
        show_where();
    inside = 0;
    if (*fails)
        errno = ENOMEM;
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("FAIL_AT"), *on = getenv("FAIL_ON"), *file = getenv("FAIL_SITES");
    void *frames[2];
    inside = 1;
    backtrace(frames, 2); /* it loads a library the first time */
    fail_at = at ? atol(at) : 0;
    fail_on = on != NULL;
    if (file) {
        FILE *made = fopen(file, "w");
        sites = made ? fileno(made) : -1;
    }
    inside = 0;
    dl_iterate_phdr(add_ranges, NULL);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAIL_SAYS");
    long left = 0;
    inside = 1;
    for (size_t i = 0; i < SLOTS; i++)
        left += slots[i] > 1;
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "count %ld\nleft %ld\n", (long)count, left);
        fclose(file);
    }
}

/* ---- the functions ---- */

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    int fails, is = counted(CALLER, &fails);
    void *block = fails ? NULL : __libc_malloc(size);
    return is ? keep(block) : block;
}

void *calloc(size_t number, size_t size)
{
    int fails, is = counted(CALLER, &fails);
    void *block = fails ? NULL : __libc_calloc(number, size);
    return is ? keep(block) : block;
}

void *realloc(void *old, size_t size)
{
    int fails, is = counted(CALLER, &fails);
    if (fails)
        return NULL;
    int was = drop(old);
    void *block = __libc_realloc(old, size);
    if (!block && size && was)
        keep(old);
    return is || was ? keep(block) : block;
}

void free(void *block)
{
    drop(block);
    __libc_free(block);
}

DIR *opendir(const char *path)
{
    static DIR *(*next)(const char *);
    int fails;
    counted(CALLER, &fails);
    if (!next)
        next = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    return fails || !next ? NULL : next(path);
}

char *realpath(const char *path, char *buffer)
{
    static char *(*next)(const char *, char *);
    int fails, is = counted(CALLER, &fails);
    if (!next)
        next = (char *(*)(const char *, char *))dlsym(RTLD_NEXT, "realpath");
    char *found = fails || !next ? NULL : next(path, buffer);
    return is && !buffer ? keep(found) : found;
}
