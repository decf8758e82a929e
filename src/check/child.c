/* child.c: the device's side: opens it, works through the units, says what comes of them. */
#include "check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool check_fail(struct check_row *row, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(row->note, sizeof(row->note), fmt, args);
    va_end(args);
    return false;
}

void check_say(const struct check_context *context, const char *fmt, ...)
{
    char line[CHECK_LINE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    context->say(context->user, line);
}

const struct op_shader *check_shader(const struct check_context *context, const char *name)
{
    for (const struct op_shader *s = context->suite->shaders; s && s->name; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return op_shader_find(name);
}

/* The last error goes into the note of the row it belongs to; with `verbose` all are said as well. */
static void keep_message(void *user, enum mien_log_level level, const char *message)
{
    struct check_context *context = user;
    if (level >= MIEN_LOG_ERROR)
        snprintf(context->error, sizeof(context->error), "%s", message);
    if (context->options->verbose)
        check_say(context, "%s", message); /* the parent shows what is no row */
}

/* Rates that only a measurement gives. */
static void calibrate(struct check_context *context)
{
    context->flop_rate = context->options->flop_rate;
    context->byte_rate = context->options->byte_rate;
    if (context->flop_rate > 0)
        return;
    check_calibrate(context);
    check_say(context, "@rates %.17g %.17g", context->flop_rate, context->byte_rate);
}

static enum mien_status open_device(struct check_context *context, struct check_mask masks[CHECK_MAX_MASKS],
                                    uint32_t *mask_count)
{
    enum mien_status status = MIEN_OK;
    const struct check_options *options = context->options;
    /* kernels are compiled anew: the driver's compiler is a part of what is checked, and no directory need be there */
    struct mien_gpu_params params = {.size = sizeof(params),
                                     .device = options->device,
                                     .caps = options->caps,
                                     .pipeline_cache = MIEN_OFF,
                                     .tune = MIEN_OFF};
    uint32_t index;
    char *json = NULL;
    TRY(vk_instance_create(&params, &context->instance));
    TRY(vk_instance_choose(context->instance, options->device, &index));
    TRY(vk_device_create(context->instance, index, &params, &context->device));
    context->caps = *vk_device_caps(context->device);
    context->jobs = options->jobs ? options->jobs : context->caps.type == VK_TYPE_SOFTWARE ? 2 : 1;
    *mask_count = options->mask ? 1 : check_masks_make(&context->caps, masks);
    if (options->mask)
        TRY(check_mask_parse(&context->caps, options->mask, &masks[0]));
    FAIL_IF(*mask_count == 0, MIEN_ERR_FAILED, "no capability mask could be made");
    if (options->first) {
        json = check_device_json(&context->caps);
        FAIL_IF_NULL(json, "what the device is");
        check_say(context, "@device %u %u %s", context->jobs, check_walk_count(context, masks, *mask_count), json);
    }
    calibrate(context);
fail:
    base_free(json);
    return status;
}

int check_child(const struct check_options *options, const struct check_suite *suite, check_line_fn say, void *user)
{
    struct check_context context = {.options = options, .suite = suite, .say = say, .user = user, .jobs = 1};
    struct check_mask *masks = base_alloc(CHECK_MAX_MASKS, sizeof(*masks));
    uint32_t mask_count = 0;
    if (!masks || !base_process_end_with_parent()) {
        base_free(masks);
        return 1;
    }
    mien_log_set(keep_message, &context, MIEN_LOG_WARN);
    enum mien_status status = options->grad ? MIEN_OK : open_device(&context, masks, &mask_count);
    bool finished = status == MIEN_OK && check_walk(&context, masks, mask_count);
    if (status != MIEN_OK)
        check_say(&context, "@broken %d %s", (int)status, context.error);
    else if (finished)
        check_say(&context, "@done");
    vk_device_destroy(&context.device);
    vk_instance_destroy(&context.instance);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    base_free(masks);
    return mien_status_exit_code(status);
}
