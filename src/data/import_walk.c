/* import_walk.c: paths that fit a pattern. */
#include "data/import_rule.h"

#include <string.h>

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool fits(const char *p, const char *s, struct import_match *match);

/* A run of at least one character that is kept: the shortest with which the rest fits. */
static bool keeps(const char *p, const char *s, struct import_match *match)
{
    char *to = strncmp(p, "<label>", 7) == 0     ? match->label
               : strncmp(p, "<subject>", 9) == 0 ? match->subject
                                                 : match->number;
    const char *rest = strchr(p, '>') + 1;
    for (size_t n = 1; s[n - 1] && n < IMPORT_WORD; n++) {
        if (!fits(rest, s + n, match))
            continue;
        memcpy(to, s, n);
        to[n] = 0;
        return true;
    }
    return false;
}

/* One part of a path; the pattern ends at '/' or its end. */
static bool fits(const char *p, const char *s, struct import_match *match)
{
    for (; *p && *p != '/'; p++, s++) {
        if (*p == '<')
            return keeps(p, s, match);
        if (*p == '*') {
            do {
                if (fits(p + 1, s, match))
                    return true;
            } while (*s++);
            return false;
        }
        if (*p == '#') {
            if (*s < '0' || *s > '9')
                return false;
            return fits(p + 1, s + 1, match) || fits(p, s + 1, match);
        }
        if (!*s || (*p != '?' && small(*p) != small(*s)))
            return false;
    }
    return !*s;
}

bool import_name_fits(const char *pattern, const char *name, struct import_match *match)
{
    return fits(pattern, name, match);
}

struct walk {
    bool count_rest;
    import_found_fn fn;
    void *user;
};

/* One part after another; `match` by value: siblings begin with what their parents kept. */
static enum mien_status descend(struct import *in, const struct walk *walk, const char *pattern,
                                struct import_match match)
{
    enum mien_status status = MIEN_OK;
    const char *slash = strchr(pattern, '/'), *dir = match.path;
    char **names = NULL;
    size_t count = 0;
    bool is_dir;
    TRY(import_is_dir(in, dir, &is_dir));
    if (!is_dir)
        return MIEN_OK;
    TRY(import_names(in, dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        struct import_match inner = match;
        char path[1200];
        if (!fits(pattern, names[i], &inner)) {
            in->summary->passed_over += !slash && walk->count_rest;
            continue;
        }
        int size = snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", names[i]);
        FAIL_IF(size >= (int)sizeof(path), MIEN_ERR_DATA, "%s: a path is too long", dir);
        inner.path = path;
        TRY(slash ? descend(in, walk, slash + 1, inner) : walk->fn(in, &inner, walk->user));
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

enum mien_status import_walk(struct import *in, const char *pattern, bool count_rest, import_found_fn fn, void *user)
{
    const struct walk walk = {count_rest, fn, user};
    return descend(in, &walk, pattern, (struct import_match){.path = ""});
}

static enum mien_status keep_first(struct import *in, const struct import_match *match, void *user)
{
    const char **out = user;
    enum mien_status status = MIEN_OK;
    if (!*out) {
        *out = base_arena_strdup(&in->arena, match->path);
        FAIL_IF_NULL(*out, "an import");
    }
fail:
    return status;
}

enum mien_status import_first(struct import *in, const char *const *patterns, const char **out)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    for (size_t i = 0; patterns[i] && !*out; i++)
        TRY(import_walk(in, patterns[i], false, keep_first, out));
fail:
    return status;
}
