/* variants.c: which kernel variant serves which call of a run. The choice is a function of the device's capabilities,
 * the shapes and what has failed the self-test; a checkpoint keeps it, so that a resumed run can tell when it would not
 * give the same bits. It then goes on with a warning: a kernel that fails cannot serve, whatever the run began with. */
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
        bool failed = vk_caps_refuse(vk_device_caps(t->device), own, known->valuestring);
        snprintf(noting->text, sizeof(noting->text), "%.300s: %.64s, not %.64s%s", key, variant, known->valuestring,
                 failed ? ", which fails its self-test on this device" : "");
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
