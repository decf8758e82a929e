/* trials.c: which kernels have proven themselves on a device with its driver, and which have failed.
 *
 * The name of a kernel that is tried stands in the file before the trial begins, and is taken out when it ends. Whoever
 * writes such a name holds the lock; so whoever gets the lock and finds one knows that its process is gone: the kernel
 * made the driver crash, or hang until somebody ended it, or stopped the machine. */
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILE_MOST = 1 << 22,
    PATIENCE_MS = 10000, /* for another process's trials; a hang of its takes longer, and is met here too */
    NAP_MS = 20,
};

enum mien_status vk_trials_read_switch(enum mien_switch choice, enum vk_device_type type, enum vk_trials *out)
{
    enum mien_status status = MIEN_OK;
    const char *value = choice == MIEN_DEFAULT ? base_env("MIEN_SELFTEST") : choice == MIEN_OFF ? "0" : "1";
    *out = type == VK_TYPE_SOFTWARE ? VK_TRIALS_REMEMBERED : VK_TRIALS_ON;
    FAIL_IF((unsigned)choice > MIEN_ON, MIEN_ERR_ARG, "selftest is %d; see enum mien_switch", choice);
    if (value && (strcmp(value, "0") == 0 || strcmp(value, "off") == 0))
        *out = VK_TRIALS_OFF;
    else if (value && (strcmp(value, "1") == 0 || strcmp(value, "on") == 0))
        *out = VK_TRIALS_ON;
    else
        FAIL_IF(value && *value, MIEN_ERR_ARG, "MIEN_SELFTEST is \"%s\"; it takes 1 or 0", value);
fail:
    return status;
}

enum vk_trials vk_device_trials(const struct vk_device *device)
{
    return device->trials.mode;
}

bool vk_trials_proven(const struct vk_device *device, uint64_t key)
{
    return vk_keys_has(&device->trials.file.proven, key);
}

bool vk_trials_settled(const struct vk_device *device, uint64_t number)
{
    return vk_keys_has(&device->trials.settled, number);
}

enum mien_status vk_trials_settle(struct vk_device *device, uint64_t number)
{
    return vk_keys_add(&device->trials.settled, number);
}

/* ---- what has failed --------------------------------------------------------------------------------------------- */

static bool same_variant(const struct vk_trial_row *a, const struct vk_trial_row *b)
{
    return strcmp(a->op, b->op) == 0 && strcmp(a->variant, b->variant) == 0;
}

static struct vk_trial_row *find_failed(struct vk_trials_file *file, const struct vk_trial_row *row)
{
    for (size_t i = 0; i < file->failed_count; i++)
        if (same_variant(&file->failed[i], row))
            return &file->failed[i];
    return NULL;
}

static enum mien_status refuse(struct vk_device *device, const struct vk_trial_row *row)
{
    enum mien_status status = MIEN_OK;
    struct vk_caps *caps = &device->caps;
    if (row->last || vk_caps_refuse(caps, row->op, row->variant))
        return MIEN_OK;
    FAIL_IF(caps->refused_count == VK_MAX_REFUSED, MIEN_ERR_DRIVER,
            "%s (%s): more than %d kernels fail their self-test; update its driver, or choose another device with "
            "MIEN_DEVICE",
            caps->name, caps->driver, VK_MAX_REFUSED);
    caps->refused[caps->refused_count++] = vk_caps_refusal(row->op, row->variant);
    memcpy(device->created.refused, caps->refused, sizeof caps->refused);
    device->created.refused_count = caps->refused_count;
fail:
    return status;
}

/* Adds the row, or takes the place of the variant's earlier one; what it says holds from now on. */
static enum mien_status add_failed(struct vk_device *device, const struct vk_trial_row *row)
{
    enum mien_status status = MIEN_OK;
    struct vk_trials_file *file = &device->trials.file;
    struct vk_trial_row *old = find_failed(file, row);
    if (!old) {
        TRY(base_grow(&file->failed, &file->failed_capacity, file->failed_count + 1, sizeof *file->failed));
        old = &file->failed[file->failed_count++];
    }
    *old = *row;
    device->trials.changed = true;
    TRY(refuse(device, row));
fail:
    return status;
}

/* A process that is gone has left the name of the kernel that it tried. */
static enum mien_status take_left_behind(struct vk_device *device, const struct vk_trial_row *left)
{
    struct vk_trial_row row = *left;
    const char *path = device->trials.path;
    snprintf(row.why, sizeof row.why, "its self-test came to no end (the process died, or the machine stopped)");
    if (row.last)
        LOG_WARN("kernel %s of %s on %s (%s): %s. There is no other: it is tried again", row.variant, row.op,
                 device->caps.name, device->caps.driver, row.why);
    else
        LOG_WARN(
            "kernel %s of %s is not used on %s (%s): %s. The next best one serves; %s remembers that, remove it to "
            "try again",
            row.variant, row.op, device->caps.name, device->caps.driver, row.why, path);
    return add_failed(device, &row);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* No file is kept: said once. */
static void keep_nothing(struct vk_device *device, const char *why)
{
    struct vk_trials_state *t = &device->trials;
    if (!t->told && t->mode == VK_TRIALS_ON)
        LOG_INFO("self-test: what kernels show is not kept (%s); they are tried at every start (MIEN_CACHE_DIR names a "
                 "directory for it)",
                 why);
    t->told = true;
    base_free(t->path);
    t->path = NULL;
}

/* *file is empty where there is none, or none of use. */
static enum mien_status read_file(struct vk_device *device, struct vk_trials_file *file)
{
    char why[300], *text = NULL;
    const char *path = device->trials.path;
    size_t size = 0;
    enum mien_status status = MIEN_OK;
    memset(file, 0, sizeof *file);
    if (!path || !base_file_exists(path))
        return MIEN_OK;
    base_log_divert(why, sizeof why);
    status = base_file_read(path, FILE_MOST, &text, &size);
    if (status == MIEN_OK)
        status = vk_trials_parse(&device->physical->caps, text, size, path, file);
    base_log_divert(NULL, 0);
    base_free(text);
    if (status == MIEN_OK || status == MIEN_ERR_NOMEM)
        return status == MIEN_OK ? status : base_fail(status, "out of host memory for %s", path);
    if (!device->trials.damaged) /* until it is made anew it may be read again */
        LOG_WARN("self-test: %s; it is not used, and made anew", why);
    device->trials.damaged = true;
    return MIEN_OK;
}

/* Whether this build's kernel is the one that failed. */
static bool holds(const struct vk_device *device, const struct vk_trial_row *row)
{
    return device->trials.code(row->kernel) == row->code;
}

/* What the file holds more than is known: another process may have written it. */
static enum mien_status merge(struct vk_device *device, const struct vk_trials_file *file, bool locked)
{
    enum mien_status status = MIEN_OK;
    struct vk_trials_state *t = &device->trials;
    bool changed = t->changed;
    for (size_t i = 0; i < file->proven.count; i++)
        TRY(vk_keys_add(&t->file.proven, file->proven.key[i]));
    for (size_t i = 0; i < file->failed_count; i++)
        if (holds(device, &file->failed[i]))
            TRY(add_failed(device, &file->failed[i]));
    t->changed = changed; /* it stands there */
    if (locked && file->trying.op[0] && holds(device, &file->trying))
        TRY(take_left_behind(device, &file->trying));
fail:
    return status;
}

/* Writes all that is known; under the lock. That it cannot is no failure of the trial. */
static void write_file(struct vk_device *device)
{
    struct vk_trials_state *t = &device->trials;
    char why[300] = "out of host memory";
    char *text = vk_trials_print(&device->physical->caps, &t->file);
    enum mien_status status = MIEN_ERR_NOMEM;
    if (text) {
        base_log_divert(why, sizeof why);
        status = base_file_write_own(t->path, text, strlen(text));
        base_log_divert(NULL, 0);
    }
    base_free(text);
    t->changed = false;
    if (status != MIEN_OK)
        keep_nothing(device, why);
}

/* ---- the lock ---------------------------------------------------------------------------------------------------- */

/* The lock, without waiting; t->path is NULL behind it where there can be none. */
static void try_lock(struct vk_device *device)
{
    struct vk_trials_state *t = &device->trials;
    char why[300], name[160], *path = NULL;
    long owner;
    const char *last = strrchr(t->path, '/');
    snprintf(name, sizeof name, ".mien-lock-%s", last ? last + 1 : t->path);
    base_log_divert(why, sizeof why);
    enum mien_status status = base_dir_create(t->dir);
    if (status == MIEN_OK) {
        path = base_path_join(t->dir, name);
        status = path ? base_lock_take(path, &t->lock, &owner) : MIEN_ERR_NOMEM;
    }
    base_log_divert(NULL, 0);
    base_free(path);
    if (status != MIEN_OK)
        keep_nothing(device, why);
}

/* Takes the lock, waiting for a while, and reads what others have written meanwhile. */
static enum mien_status open_session(struct vk_device *device)
{
    enum mien_status status = MIEN_OK;
    struct vk_trials_state *t = &device->trials;
    struct vk_trials_file file = {{0}};
    for (uint32_t waited = 0; t->path && !t->lock && waited < PATIENCE_MS; waited += NAP_MS) {
        try_lock(device);
        if (t->path && !t->lock)
            base_sleep_ms(NAP_MS);
    }
    t->alone = t->path && !t->lock;
    if (t->alone)
        LOG_INFO("self-test: another process tries kernels on %s; what they show here is not kept", device->caps.name);
    if (!t->lock)
        return MIEN_OK;
    TRY(read_file(device, &file));
    TRY(merge(device, &file, true));
fail:
    vk_trials_clear(&file);
    return status;
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

enum mien_status vk_trials_open(struct vk_device *device, uint64_t (*code)(const char *kernel))
{
    enum mien_status status = MIEN_OK;
    struct vk_trials_state *t = &device->trials;
    struct vk_trials_file file = {{0}};
    if (t->opened || t->mode == VK_TRIALS_OFF)
        return MIEN_OK;
    t->opened = true;
    t->code = code;
    if (device->instance->gpu_assisted) /* the layer rewrites kernels: these are others */
        keep_nothing(device, "MIEN_VALIDATE=gpu");
    else
        vk_cache_place(&device->physical->caps, device->cache_dir, "selftest", ".json", &t->dir, &t->path);
    if (!t->path)
        keep_nothing(device, "there is no directory for it");
    TRY(read_file(device, &file));
    if (file.trying.op[0])
        try_lock(device);
    /* where no lock can be had at all nobody holds it */
    TRY(merge(device, &file, file.trying.op[0] && (t->lock || !t->path)));
    vk_trials_close(device);
fail:
    vk_trials_clear(&file);
    return status;
}

static struct vk_trial_row row_of(const struct vk_trial *trial, const char *why)
{
    struct vk_trial_row row = {.code = trial->code, .last = trial->last};
    snprintf(row.op, sizeof row.op, "%s", trial->op);
    snprintf(row.variant, sizeof row.variant, "%s", trial->variant);
    snprintf(row.kernel, sizeof row.kernel, "%s", trial->kernel);
    snprintf(row.why, sizeof row.why, "%s", why);
    return row;
}

enum mien_status vk_trials_begin(struct vk_device *device, const struct vk_trial *trial, bool *go)
{
    enum mien_status status = MIEN_OK;
    struct vk_trials_state *t = &device->trials;
    *go = false;
    if (!t->lock && !t->alone)
        TRY(open_session(device));
    *go = !vk_trials_proven(device, trial->key) && !vk_caps_refuse(&device->caps, trial->op, trial->variant);
    if (!*go)
        return MIEN_OK;
    t->file.trying = row_of(trial, "");
    if (t->lock && t->path)
        write_file(device);
fail:
    return status;
}

enum mien_status vk_trials_prove(struct vk_device *device, uint64_t key)
{
    struct vk_trials_state *t = &device->trials;
    if (t->file.proven.count >= VK_TRIALS_MOST) /* of many builds by now */
        t->file.proven.count = 0;
    t->changed = true;
    return vk_keys_add(&t->file.proven, key);
}

enum mien_status vk_trials_passed(struct vk_device *device, const struct vk_trial *trial)
{
    struct vk_trials_file *file = &device->trials.file;
    struct vk_trial_row *failed = find_failed(file, &file->trying);
    if (failed) /* the last variant, in an earlier trial */
        *failed = file->failed[--file->failed_count];
    file->trying.op[0] = 0; /* the file is written with the next trial, or at the end */
    return vk_trials_prove(device, trial->key);
}

enum mien_status vk_trials_failed(struct vk_device *device, const struct vk_trial *trial, const char *why)
{
    struct vk_trials_state *t = &device->trials;
    struct vk_trial_row row = row_of(trial, why);
    row.why[base_utf8_prefix(row.why, strlen(row.why))] = 0; /* it may have been cut */
    for (char *at = row.why; *at; at++)                      /* "; " separates rows where they are listed */
        *at = *at == ';' ? ',' : *at;
    t->file.trying.op[0] = 0;
    enum mien_status status = add_failed(device, &row);
    if (t->lock && t->path)
        write_file(device);
    return status;
}

void vk_trials_dropped(struct vk_device *device)
{
    device->trials.file.trying.op[0] = 0;
    device->trials.changed = true;
}

void vk_trials_close(struct vk_device *device)
{
    struct vk_trials_state *t = &device->trials;
    if (t->lock && t->path && t->changed)
        write_file(device);
    base_lock_release(&t->lock);
    t->alone = false;
}

void vk_trials_destroy(struct vk_device *device)
{
    struct vk_trials_state *t = &device->trials;
    vk_trials_close(device);
    vk_trials_clear(&t->file);
    base_free(t->settled.key);
    base_free(t->dir);
    base_free(t->path);
    t->dir = t->path = NULL;
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

static void describe(struct vk_trials_file *file, char *text, size_t size)
{
    size_t at = 0;
    struct vk_trial_row *trying = &file->trying;
    snprintf(trying->why, sizeof trying->why, "it is being tried now, or its self-test came to no end");
    if (trying->op[0] &&
        base_grow(&file->failed, &file->failed_capacity, file->failed_count + 1, sizeof *trying) == MIEN_OK)
        file->failed[file->failed_count++] = *trying;
    for (size_t i = 0; i < file->failed_count; i++) {
        const struct vk_trial_row *row = &file->failed[i];
        char line[400];
        int length = snprintf(line, sizeof line, "%s%s/%s: %s%s", at ? "; " : "", row->op, row->variant, row->why,
                              row->last ? " (the last there is: it is tried again at every start)" : "");
        if (length < 0 || at + (size_t)length + 32 > size) {
            snprintf(text + at, size - at, "; others: %zu more", file->failed_count - i);
            return;
        }
        memcpy(text + at, line, (size_t)length + 1);
        at += (size_t)length;
    }
}

void vk_trials_describe(const struct vk_caps *caps, const char *dir, char *text, size_t size)
{
    struct vk_trials_file file = {{0}};
    char why[300], *own = NULL, *path = NULL, *data = NULL;
    size_t length = 0;
    text[0] = 0;
    vk_cache_place(caps, dir, "selftest", ".json", &own, &path);
    base_log_divert(why, sizeof why);
    if (path && base_file_exists(path) && base_file_read(path, FILE_MOST, &data, &length) == MIEN_OK &&
        vk_trials_parse(caps, data, length, path, &file) == MIEN_OK)
        describe(&file, text, size);
    base_log_divert(NULL, 0);
    vk_trials_clear(&file);
    base_free(data);
    base_free(own);
    base_free(path);
}
