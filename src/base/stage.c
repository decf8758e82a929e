/* stage.c: directories that appear whole, and what is left of those that did not. */
#include "base/stage.h"

#include "base/base.h"
#include "base/lock_internal.h"
#include "base/os_internal.h"

#include <stdio.h>
#include <string.h>

#define NEW ".mien-new-"   /* built, or to be removed */
#define OLD ".mien-old-"   /* set aside until its successor has the name */
#define LOCK ".mien-lock-" /* of the two */

struct base_stage {
    char *target, *dir, *old;
    struct base_lock *lock;
    long other; /* the process that holds the lock */
};

/* DIR/<prefix>NAME for DIR/NAME. */
static char *beside(const char *target, const char *prefix)
{
    char *dir = base_path_dir(target), *path = NULL;
    const char *name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
    size_t size = strlen(prefix) + strlen(name) + 1;
    char *own = base_alloc(size, 1);
    if (dir && own) {
        snprintf(own, size, "%s%s", prefix, name);
        path = base_path_join(dir, own);
    }
    base_free(dir);
    base_free(own);
    return path;
}

/* Without slashes at the end, links and dots: so that there is a name. Its parents are made. A link that has the name
 * itself is followed where the user has given it. */
static enum mien_status find_target(const char *path, bool follow, char **out)
{
    enum mien_status status = MIEN_OK;
    char *parent = base_path_dir(path), *whole = NULL;
    const char *slash = strrchr(path, '/');
    *out = NULL;
    FAIL_IF_NULL(parent, path);
    TRY(base_dir_create(parent));
    if (follow || (slash && !slash[1])) {
        TRY(base_path_absolute(path, out));
        goto fail;
    }
    TRY(base_path_absolute(parent, &whole));
    *out = base_path_join(whole, slash ? slash + 1 : path);
    FAIL_IF_NULL(*out, path);
fail:
    base_free(parent);
    base_free(whole);
    return status;
}

static void free_stage(struct base_stage *s)
{
    if (!s)
        return;
    base_lock_release(&s->lock);
    base_free(s->target);
    base_free(s->dir);
    base_free(s->old);
    base_free(s);
}

/* The names for a target, which is the stage's from now on, and the lock; without it where somebody else holds it. */
static enum mien_status take(char *target, struct base_stage **out)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *s = base_alloc(1, sizeof(*s));
    char *lock = target ? beside(target, LOCK) : NULL;
    *out = s;
    FAIL_IF(!s || !lock, MIEN_ERR_NOMEM, "out of host memory for a directory");
    s->target = target;
    target = NULL;
    s->dir = beside(s->target, NEW);
    s->old = beside(s->target, OLD);
    FAIL_IF(!s->dir || !s->old, MIEN_ERR_NOMEM, "out of host memory for a directory");
    TRY(base_lock_take(lock, &s->lock, &s->other));
fail:
    base_free(lock);
    base_free(target);
    if (status != MIEN_OK) {
        free_stage(s);
        *out = NULL;
    }
    return status;
}

static enum mien_status take_now(const char *path, bool follow, struct base_stage **out)
{
    enum mien_status status = MIEN_OK;
    char *target = NULL;
    *out = NULL;
    TRY(find_target(path, follow, &target));
    TRY(take(target, out));
    FAIL_IF(!(*out)->lock, MIEN_ERR_ARG, "%s: another process (%ld) is at it; wait for its end, or choose another name",
            path, (*out)->other);
    return MIEN_OK;
fail:
    free_stage(*out);
    *out = NULL;
    return status;
}

static enum mien_status open_stage(const char *target, bool follow, struct base_stage **out)
{
    enum mien_status status = MIEN_OK;
    char *parent = NULL;
    TRY(take_now(target, follow, out));
    parent = base_path_dir((*out)->target);
    FAIL_IF_NULL(parent, target);
    base_stage_tidy(parent);
    TRY(base_dir_remove((*out)->dir));
    TRY(base_dir_create((*out)->dir));
    base_free(parent);
    return MIEN_OK;
fail:
    base_free(parent);
    base_stage_abandon(out);
    return status;
}

enum mien_status base_stage_open(const char *target, struct base_stage **out)
{
    return open_stage(target, true, out);
}

enum mien_status base_stage_open_own(const char *target, struct base_stage **out)
{
    return open_stage(target, false, out);
}

const char *base_stage_dir(const struct base_stage *stage)
{
    return stage->dir;
}

enum mien_status base_stage_commit(struct base_stage **stage)
{
    enum mien_status status = base_rename((*stage)->dir, (*stage)->target);
    base_stage_abandon(stage);
    return status;
}

enum mien_status base_stage_replace(struct base_stage **stage)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *s = *stage;
    struct os_info info;
    bool aside = os_info_at(s->target, false, &info); /* a link too: it goes, not what it leads to */
    if (aside) {
        TRY(base_dir_remove(s->old));
        TRY(base_rename(s->target, s->old));
    }
    status = base_rename(s->dir, s->target);
    if (status != MIEN_OK && aside)
        (void)base_rename(s->old, s->target);
    TRY(status);
    TRY(base_dir_remove(s->old));
fail:
    base_stage_abandon(stage);
    return status;
}

void base_stage_abandon(struct base_stage **stage)
{
    if (!stage || !*stage)
        return;
    (void)base_dir_remove((*stage)->dir); /* whatever failed before is the one to report */
    free_stage(*stage);
    *stage = NULL;
}

enum mien_status base_stage_remove(const char *target)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *s = NULL;
    TRY(take_now(target, false, &s));
    TRY(base_dir_remove(s->dir));
    TRY(base_rename(s->target, s->dir));
    TRY(base_dir_remove(s->dir));
fail:
    free_stage(s);
    return status;
}

/* ---- what killed processes leave ---- */

static const char *after(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(name, prefix, size) == 0 && name[size] ? name + size : NULL;
}

/* NAME's stage and what was set aside for it, unless somebody builds it now. */
static enum mien_status recover_stage(const char *dir, const char *name)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *s = NULL;
    TRY(take(base_path_join(dir, name), &s));
    if (!s->lock)
        goto fail;
    TRY(base_dir_remove(s->dir));
    if (base_file_exists(s->old) && !base_file_exists(s->target))
        TRY(base_rename(s->old, s->target));
    TRY(base_dir_remove(s->old));
fail:
    free_stage(s);
    return status;
}

/* ".mien-PID-N.tmp": an output file (file.c). */
static bool is_output(const char *name)
{
    long pid;
    unsigned number;
    int length = 0;
    return sscanf(name, ".mien-%ld-%u.tmp%n", &pid, &number, &length) == 2 && length > 0 && !name[length];
}

static enum mien_status recover_output(const char *dir, const char *name)
{
    enum mien_status status = MIEN_OK;
    char *path = base_path_join(dir, name);
    FAIL_IF_NULL(path, name);
    (void)base_file_remove_unheld(path);
fail:
    base_free(path);
    return status;
}

enum mien_status base_stage_recover(const char *dir)
{
    static const char *const prefixes[] = {NEW, OLD, LOCK};
    enum mien_status status = MIEN_OK;
    char **names = NULL;
    size_t count = 0;
    if (!base_file_is_dir(dir))
        return MIEN_OK;
    TRY(base_dir_list(dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (is_output(names[i]))
            TRY(recover_output(dir, names[i]));
        for (size_t k = 0; k < BASE_COUNT(prefixes); k++) {
            if (after(names[i], prefixes[k]))
                TRY(recover_stage(dir, after(names[i], prefixes[k])));
        }
    }
fail:
    base_dir_list_free(&names, &count);
    return status;
}

void base_stage_tidy(const char *dir)
{
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG);
    (void)base_stage_recover(dir);
    base_log_soften(before);
}
