/* dir.c: directories and paths. */
#include "base/arena.h"
#include "base/file.h"
#include "base/os_internal.h"
#include "base/stamp.h"
#include "base/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *base_path_join(const char *dir, const char *name)
{
    size_t d = name[0] == '/' ? 0 : strlen(dir), n = strlen(name);
    bool slash = d > 0 && dir[d - 1] != '/';
    char *path = base_alloc(1, d + slash + n + 1);

    if (!path)
        return NULL;
    memcpy(path, dir, d);
    if (slash)
        path[d] = '/';
    memcpy(path + d + slash, name, n);
    return path;
}

/* base_path_join into `path` [LONGEST]; false when there is no room. */
enum { LONGEST = 4096 };
static bool join_into(char *path, const char *dir, const char *name)
{
    size_t d = name[0] == '/' ? 0 : strlen(dir), n = strlen(name);
    bool slash = d > 0 && dir[d - 1] != '/';

    if (d >= LONGEST || n >= LONGEST || d + slash + n >= LONGEST)
        return false;
    memcpy(path, dir, d);
    if (slash)
        path[d] = '/';
    memcpy(path + d + slash, name, n + 1);
    return true;
}

bool base_file_exists_in(const char *dir, const char *name)
{
    char path[LONGEST];

    return join_into(path, dir, name) && base_file_exists(path);
}

bool base_file_is_dir_in(const char *dir, const char *name)
{
    char path[LONGEST];

    return join_into(path, dir, name) && base_file_is_dir(path);
}

bool base_file_stamp_in(const char *dir, const char *name, struct base_stamp *out)
{
    char path[LONGEST];

    *out = (struct base_stamp){0};
    return join_into(path, dir, name) && base_file_stamp(path, out);
}

char *base_path_dir(const char *path)
{
    size_t end = strlen(path);
    char *dir;

    while (end > 1 && path[end - 1] == '/') /* "a/b/" names b */
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    while (end > 1 && path[end - 1] == '/')
        end--;
    dir = base_alloc(1, end + 2);
    if (dir)
        memcpy(dir, end ? path : ".", end ? end : 1);
    return dir;
}

/* In the same way whatever the application's locale is. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letters(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

bool base_path_ends(const char *path, const char *const *endings)
{
    size_t length = strlen(path);

    for (; *endings; endings++) {
        size_t end = strlen(*endings);
        if (end <= length && same_letters(path + length - end, *endings))
            return true;
    }
    return false;
}

/* Absolute, without links and dots; from malloc. */
static enum mien_status resolve(const char *path, char **out)
{
    enum mien_status status = MIEN_OK;

    *out = os_resolve(path);
    FAIL_IF(!*out, base_errno_status(MIEN_ERR_DATA), "%s: %s", path, strerror(errno));
fail:
    return status;
}

/* The last part, without slashes at its end; free with base_free. */
static char *path_name(const char *path)
{
    char *name;
    size_t end = strlen(path), start;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    name = base_alloc(end - start + 1, 1);
    if (name)
        memcpy(name, path + start, end - start);
    return name;
}

enum mien_status base_path_absolute(const char *path, char **out)
{
    enum mien_status status = MIEN_OK;
    char *whole = os_resolve(path), *dir = NULL;
    bool exhausted = !whole && errno == ENOMEM;
    char *parent = base_path_dir(path), *name = path_name(path);

    *out = NULL;
    FAIL_IF(exhausted || !parent || !name, MIEN_ERR_NOMEM, "out of host memory for the path %s", path);
    FAIL_IF(!*path, MIEN_ERR_DATA, "an empty path leads nowhere");
    if (!whole) /* not there, or no way to it: then this fails too */
        TRY(resolve(parent, &dir));
    *out = whole ? base_path_join("", whole) : base_path_join(dir, name);
    FAIL_IF_NULL(*out, path);
fail:
    free(whole);
    free(dir);
    base_free(parent);
    base_free(name);
    return status;
}

char *base_path_way(const char *from_dir, const char *to)
{
    size_t same = 0, ups = 0;

    for (size_t i = 0; i == 0 || from_dir[i - 1]; i++) { /* `same`: what both begin with, up to a separator */
        bool end_a = !from_dir[i] || from_dir[i] == '/', end_b = !to[i] || to[i] == '/';
        if (end_a && end_b)
            same = i;
        if (from_dir[i] != to[i])
            break;
    }
    for (const char *p = from_dir + same; *p; p++)
        ups += *p == '/' && p[1];
    const char *rest = to + same + (to[same] == '/');
    char *way = base_alloc(ups * 3 + strlen(rest) + 2, 1), *at = way;
    if (!way)
        return NULL;
    for (size_t i = 0; i < ups; i++) {
        memcpy(at, "../", 3);
        at += i + 1 < ups || *rest ? 3 : 2;
    }
    memcpy(at, *rest || ups ? rest : ".", (*rest || ups ? strlen(rest) : 1) + 1);
    return way;
}

enum mien_status base_path_relative(const char *from_dir, const char *to, char **out)
{
    enum mien_status status = MIEN_OK;
    char *a = NULL, *b = NULL;

    *out = NULL;
    TRY(resolve(from_dir, &a));
    TRY(resolve(to, &b));
    *out = base_path_way(a, b);
    FAIL_IF_NULL(*out, to);
fail:
    free(a);
    free(b);
    return status;
}

/* One level; a directory that is there already is fine. */
static enum mien_status create_one(const char *path)
{
    int error;

    if (os_make_dir(path))
        return MIEN_OK;
    error = errno;
    if (base_file_is_dir(path))
        return MIEN_OK;
    if (error == EEXIST)
        return base_fail(MIEN_ERR_IO, "%s: cannot create the directory: a file has this name; choose another", path);
    return base_fail(MIEN_ERR_IO, "%s: cannot create the directory: %s", path, strerror(error));
}

enum mien_status base_dir_create(const char *path)
{
    enum mien_status status = MIEN_OK;
    size_t length = strlen(path);
    char *part = base_path_join("", path);

    FAIL_IF_NULL(part, path);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        TRY(create_one(part));
        part[i] = '/';
    }
    TRY(create_one(path));
fail:
    base_free(part);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;

    return strcmp(x, y);
}

enum mien_status base_dir_list(const char *path, char ***names, size_t *count)
{
    enum mien_status status = MIEN_OK;
    const char *name;
    size_t capacity = 0;
    void *dir = os_dir_open(path);

    *names = NULL;
    *count = 0;
    FAIL_IF(!dir, base_errno_status(MIEN_ERR_DATA), "%s: cannot open the directory: %s", path, strerror(errno));
    while ((name = os_dir_next(dir)) != NULL) {
        TRY(base_grow(names, &capacity, *count + 1, sizeof(**names)));
        (*names)[*count] = base_path_join("", name);
        FAIL_IF_NULL((*names)[*count], path);
        (*count)++;
    }
    FAIL_IF(errno != 0, base_errno_status(MIEN_ERR_IO), "%s: cannot read the directory: %s", path, strerror(errno));
    if (*count)
        qsort(*names, *count, sizeof(**names), compare_names);
    os_dir_close(dir);
    return MIEN_OK;
fail:
    if (dir)
        os_dir_close(dir);
    base_dir_list_free(names, count);
    return status;
}

void base_dir_list_free(char ***names, size_t *count)
{
    for (size_t i = 0; *names && i < *count; i++)
        base_free((*names)[i]);
    base_free(*names);
    *names = NULL;
    *count = 0;
}

static enum mien_status remove_entries(const char *path)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;

    TRY(base_dir_list(path, &names, &count));
    for (size_t i = 0; i < count; i++) {
        char *child = base_path_join(path, names[i]);

        FAIL_IF_NULL(child, path);
        status = base_dir_remove(child);
        base_free(child);
        TRY(status);
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

enum mien_status base_dir_remove(const char *path)
{
    enum mien_status status = MIEN_OK;
    struct os_info info;
    bool there = os_info_at(path, false, &info), removed;

    if (!there && errno == ENOENT)
        return MIEN_OK;
    if (there && info.is_dir) {
        TRY(remove_entries(path));
        removed = os_remove_dir(path);
    } else {
        removed = os_remove_file(path);
    }
    FAIL_IF(!removed && errno != ENOENT, base_errno_status(MIEN_ERR_IO), "%s: cannot remove: %s", path,
            strerror(errno));
fail:
    return status;
}

bool base_dir_remove_empty(const char *path)
{
    return os_remove_dir(path);
}

/* Makes the names in a directory durable. */
static enum mien_status sync_dir(const char *dir)
{
    enum mien_status status = MIEN_OK;

    FAIL_IF(!os_sync_dir(dir), base_errno_status(MIEN_ERR_IO), "%s: cannot flush the directory: %s", dir,
            strerror(errno));
fail:
    return status;
}

/* All memory is taken before: what has its new name has not failed. */
enum mien_status base_rename(const char *from, const char *to)
{
    enum mien_status status = MIEN_OK;
    char *a = base_path_dir(from), *b = base_path_dir(to);

    FAIL_IF(!a || !b, MIEN_ERR_NOMEM, "out of host memory for renaming %s", from);
    FAIL_IF(!os_rename(from, to), base_errno_status(MIEN_ERR_IO), "%s: cannot rename to %s: %s", from, to,
            strerror(errno));
    TRY(sync_dir(b));
    if (strcmp(a, b) != 0)
        TRY(sync_dir(a));
fail:
    base_free(a);
    base_free(b);
    return status;
}
