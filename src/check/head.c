/* head.c: what stands above the rows: the device, the kernels, what was asked for. */
#include "check/check.h"

#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static void put_three(struct base_json *object, const char *key, const uint32_t value[3])
{
    const double numbers[3] = {value[0], value[1], value[2]};
    base_put_numbers(object, key, numbers, 3);
}

static struct base_json limits_json(const struct vk_caps *caps)
{
    struct base_json limits = base_json_object_begin();
    base_put_number(&limits, "invocations", caps->max_invocations);
    put_three(&limits, "local", caps->max_local);
    put_three(&limits, "groups", caps->max_groups);
    base_put_number(&limits, "shared", caps->max_shared);
    base_put_number(&limits, "push", caps->max_push);
    base_put_number(&limits, "buffers", caps->max_buffers);
    base_put_number(&limits, "range", (double)caps->max_range);
    base_put_number(&limits, "allocation", (double)caps->max_allocation);
    base_put_number(&limits, "memory", (double)caps->device_memory);
    base_put_number(&limits, "cores", caps->cores);
    base_put_number(&limits, "subgroup_min", caps->subgroup_min);
    base_put_number(&limits, "subgroup_max", caps->subgroup_max);
    base_put_number(&limits, "timestamp_ns", caps->timestamp_ns);
    return limits;
}

char *check_device_json(const struct vk_caps *caps)
{
    char api[32], in_use[CHECK_NEEDS_SIZE], masked[CHECK_NEEDS_SIZE], disabled[768];
    struct base_json device = base_json_object_begin(), limits = limits_json(caps);
    snprintf(api, sizeof(api), "%u.%u.%u", caps->api_version >> 22 & 0x7f, caps->api_version >> 12 & 0x3ff,
             caps->api_version & 0xfff);
    check_needs_text(caps->features, in_use, sizeof(in_use));
    check_needs_text(caps->device_features & ~caps->features, masked, sizeof(masked));
    vk_caps_disabled(caps, disabled, sizeof(disabled));
    base_put_text(&device, "device", caps->name);
    base_put_text(&device, "type", vk_device_type_name(caps->type));
    base_put_number(&device, "vendor_id", caps->vendor_id);
    base_put_number(&device, "device_id", caps->device_id);
    base_put_text(&device, "driver", caps->driver);
    base_put_number(&device, "driver_version", caps->driver_version);
    base_put_text(&device, "api", api);
    base_put_text(&device, "tiles", vk_class_name(caps->class_));
    base_put_text(&device, "features", in_use);
    base_put_text(&device, "masked", masked);
    base_put_text(&device, "disabled", disabled);
    base_put_number(&device, "subgroup_size", caps->subgroup_size);
    base_put_tree(&device, "limits", &limits);
    cJSON *tree = base_json_end(&device);
    char *text = tree ? base_json_print(tree, false) : NULL;
    cJSON_Delete(tree);
    return text;
}

static void put_hash(struct base_json *kernels, const struct op_shader *shader)
{
    struct base_sha256 hash = base_sha256_begin();
    unsigned char bytes[BASE_SHA256_SIZE];
    char text[17];
    base_sha256_add(&hash, shader->words, shader->size);
    base_sha256_end(&hash, bytes);
    for (size_t i = 0; i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    base_put_text(kernels, shader->name, text);
}

enum mien_status check_head_make(struct mien_check_result *result, const struct check_options *options,
                                 const struct check_suite *suite, const char *device)
{
    enum mien_status status = MIEN_OK;
    struct base_json head = base_json_object_begin(), kernels = base_json_object_begin();
    cJSON *told = NULL;
    base_put_text(&head, "mien", mien_version());
    base_put_text(&head, "tier", options->quick ? "quick" : options->full ? "full" : "standard");
    base_put_number(&head, "seed", (double)options->seed);
    base_put_text(&head, "op", options->op_glob);
    base_put_text(&head, "case", options->case_glob);
    base_put_text(&head, "mask", options->mask);
    base_put_text(&head, "caps", options->caps ? options->caps : base_env("MIEN_CAPS"));
    if (*device)
        TRY(base_json_parse(device, strlen(device), "what a child says of its device", &told));
    while (told && told->child) {
        cJSON *item = cJSON_DetachItemViaPointer(told, told->child);
        base_put(&head, item->string, item);
    }
    for (const struct op_shader *s = suite->shaders; s && s->name; s++)
        put_hash(&kernels, s);
    for (const struct op_shader *s = op_shaders; s->name; s++)
        put_hash(&kernels, s);
    base_put_tree(&head, "kernels", &kernels);
    cJSON_Delete(result->head);
    result->head = base_json_end(&head);
    FAIL_IF_NULL(result->head, "the head of a check");
fail:
    if (status != MIEN_OK) {
        cJSON_Delete(base_json_end(&head));
        cJSON_Delete(base_json_end(&kernels));
    }
    cJSON_Delete(told);
    return status;
}

/* In single quotes for a shell; an option and its value, or nothing where there is none. */
static void add_option(struct base_text *text, const char *option, const char *value)
{
    if (!value)
        return;
    base_text_print(text, " %s '", option);
    for (; *value; value++)
        base_text_add(text, *value == '\'' ? "'\\''" : value, *value == '\'' ? 4 : 1);
    base_text_add(text, "'", 1);
}

char *check_repeat(const char *command, const struct check_options *options)
{
    struct base_text text = {0};
    base_text_print(&text, "%s", command);
    add_option(&text, "--device", options->device);
    add_option(&text, "--caps", options->caps);
    /* the tier decides what is skipped, and which inputs are tried */
    base_text_print(&text, "%s%s --seed %llu",
                    options->full    ? " --full"
                    : options->quick ? " --quick"
                                     : "",
                    options->grad ? " --grad" : "", (unsigned long long)options->seed);
    if (text.status != MIEN_OK)
        base_text_clear(&text);
    return text.data;
}
