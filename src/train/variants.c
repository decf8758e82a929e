/* variants.c: which kernel variant serves which call of a run. The choice is a function of the device's capabilities,
 * the shapes, the table of tuned kernels with which the run was begun and what has failed the self-test. A checkpoint
 * keeps the table, and a resumed run goes by it, whatever has been measured since; and it keeps the choices, so that a
 * resumed run can tell when it would not give the same bits. It then goes on with a warning: a kernel that fails cannot
 * serve, whatever the run began with. */
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

struct noting {
    struct trainer *t;
    bool failed;         /* memory ran out */
    const char *changed; /* the first call that another variant serves now */
    char text[512];
};

/* A line of graph_program_profile: "label op variant shapes  cost". */
static void note(void *user, const char *line)
{
    struct noting *noting = user;
    struct trainer *t = noting->t;
    char key[512], variant[128], own[64];
    const char *op = line + strcspn(line, " "), *name, *shapes;
    op += *op != 0;
    name = op + strcspn(op, " ");
    name += *name != 0;
    shapes = name + strcspn(name, " ");
    const char *end = strstr(shapes, "  ");
    snprintf(variant, sizeof(variant), "%.*s", (int)(shapes - name), name);
    snprintf(key, sizeof(key), "%.*s%.*s", (int)(name - op - 1), op,
             (int)(end ? (size_t)(end - shapes) : strlen(shapes)), shapes);
    const cJSON *known = cJSON_GetObjectItemCaseSensitive(t->variants, key);
    if (!known)
        noting->failed = !cJSON_AddStringToObject(t->variants, key, variant) || noting->failed;
    else if (cJSON_IsString(known) && strcmp(known->valuestring, variant) != 0 && !noting->changed) {
        snprintf(own, sizeof(own), "%.*s", (int)strcspn(key, " "), key);
        snprintf(variant, sizeof(variant), "%.*s", (int)strcspn(known->valuestring, ":"), known->valuestring);
        bool failed = vk_caps_refuse(vk_device_caps(t->device), own, variant);
        snprintf(noting->text, sizeof(noting->text), "%.300s: %.*s, not %.64s%s", key, (int)(shapes - name), name,
                 known->valuestring, failed ? ", which fails its self-test on this device" : "");
        noting->changed = noting->text;
    }
}

enum mien_status train_note_variants(struct trainer *t, struct graph_program *program)
{
    struct noting noting = {.t = t};
    enum mien_status status = graph_program_profile(program, note, &noting);
    if (status == MIEN_OK && noting.failed)
        status = base_fail(MIEN_ERR_NOMEM, "out of host memory for the list of kernels");
    if (noting.changed && !t->other_variants) {
        t->other_variants = true;
        LOG_WARN("other kernels than before serve this run (%s): its weights will not be those of an unbroken run bit "
                 "for bit. Resume on the device, driver and capabilities that it was begun with for that",
                 noting.changed);
    }
    return status;
}

enum mien_status train_keep_tuned(struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(t->device);
    cJSON *state = NULL;
    char *path = t->from ? base_path_join(t->from, "state.json") : NULL;
    const char *device = caps->name, *driver = caps->driver;
    const cJSON *rows = NULL;
    FAIL_IF(t->from && !path, MIEN_ERR_NOMEM, "out of host memory for a path");
    if (path) {
        TRY(base_json_read(path, &state));
        TRY(base_json_string(state, "device", path, &device));
        TRY(base_json_string(state, "driver", path, &driver));
        TRY(base_json_array(state, "tuned", path, &rows));
    }
    if (path && strcmp(device, caps->name) == 0 && strcmp(driver, caps->driver) == 0)
        TRY(vk_tuned_take(rows, path, &t->tuned));
    else
        TRY(vk_tuned_copy(caps->tuned, &t->tuned));
    vk_device_tune(t->device, &t->tuned);
fail:
    base_free(path);
    cJSON_Delete(state);
    return status;
}

enum mien_status train_read_variants(struct trainer *t, const char *checkpoint)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(t->device);
    cJSON *state = NULL;
    char *path = base_path_join(checkpoint, "state.json");
    const char *device = caps->name, *driver = caps->driver;
    const cJSON *variants = NULL;
    FAIL_IF_NULL(path, "a path");
    TRY(base_json_read(path, &state));
    TRY(base_json_string(state, "device", path, &device));
    TRY(base_json_string(state, "driver", path, &driver));
    TRY(base_json_object(state, "variants", path, &variants));
    if (strcmp(device, caps->name) != 0 || strcmp(driver, caps->driver) != 0)
        LOG_WARN("%s was written on %s (%s), this is %s (%s): the weights will be those of an unbroken run up to "
                 "rounding, not bit for bit",
                 checkpoint, device, driver, caps->name, caps->driver);
    if (variants) {
        cJSON_Delete(t->variants);
        t->variants = cJSON_Duplicate(variants, true);
        FAIL_IF_NULL(t->variants, "a list of kernels");
    }
fail:
    base_free(path);
    cJSON_Delete(state);
    return status;
}
