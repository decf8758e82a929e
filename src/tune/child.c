/* child.c: the device's side: opens it, and says which calls there are, or measures them. Fields of a line are
 * separated by tabs. */
#include "tune/tune.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"--device", offsetof(struct tune_options, device)},       {"--caps", offsetof(struct tune_options, caps)},
    {"--cache", offsetof(struct tune_options, cache_dir)},     {"--model", offsetof(struct tune_options, model)},
    {"--config", offsetof(struct tune_options, config)},       {"--only", offsetof(struct tune_options, only)},
    {"--precision", offsetof(struct tune_options, precision)},
};

static bool add(const char **list, size_t most, size_t *count, const char *word)
{
    if (*count == most)
        return false;
    list[(*count)++] = word;
    return true;
}

static bool parse_pair(const char *name, const char *value, struct tune_options *out)
{
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *(const char **)((char *)out + texts[i].at) = value;
            return true;
        }
    }
    char *end = NULL;
    if (strcmp(name, "--set") == 0)
        return add(out->sets, TUNE_MOST_SETS, &out->set_count, value);
    if (strcmp(name, "--call") == 0)
        return add(out->calls, TUNE_MOST_CALLS, &out->call_count, value);
    double number = strtod(value, &end);
    if (strcmp(name, "--seconds") == 0)
        out->seconds = number;
    else if (strcmp(name, "--timeout") == 0)
        out->timeout = number;
    else if (strcmp(name, "--from") == 0)
        out->from = (size_t)number;
    else
        return false;
    return *value && !*end && number >= 0;
}

const char *tune_options_parse(const char *const *words, struct tune_options *out)
{
    *out = (struct tune_options){.seconds = 1e9, .timeout = 30};
    for (; *words; words++) {
        if (strcmp(*words, "--again") == 0)
            out->again = true;
        else if (!words[1] || !parse_pair(words[0], words[1], out))
            return *words;
        else
            words++;
    }
    return NULL;
}

const char **tune_options_words(const struct tune_options *options, const char *const *first, struct base_arena *arena)
{
    size_t count = 0, at = 0;
    while (first[count])
        count++;
    const char **words = base_arena_array(
        arena, count + 2 * (BASE_COUNT(texts) + options->set_count + options->call_count) + 8, sizeof(*words));
    for (; words && at < count; at++)
        words[at] = first[at];
    for (size_t i = 0; words && i < BASE_COUNT(texts); i++) {
        const char *value = *(const char *const *)((const char *)options + texts[i].at);
        if (value) {
            words[at++] = texts[i].name;
            words[at++] = value;
        }
    }
    for (size_t i = 0; words && i < options->set_count; i++) {
        words[at++] = "--set";
        words[at++] = options->sets[i];
    }
    for (size_t i = 0; words && i < options->call_count; i++) {
        words[at++] = "--call";
        words[at++] = options->calls[i];
    }
    if (words) {
        words[at++] = "--seconds";
        words[at++] = base_arena_printf(arena, "%.3f", options->seconds);
        words[at++] = "--timeout";
        words[at++] = base_arena_printf(arena, "%.3f", options->timeout);
        words[at++] = "--from";
        words[at++] = base_arena_printf(arena, "%zu", options->from);
        words[at++] = options->again ? "--again" : NULL;
    }
    return arena->failed ? NULL : words;
}

void tune_say(const struct tune_child *child, const char *fmt, ...)
{
    char line[TUNE_LINE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    child->line(child->user, line);
}

/* What goes wrong is said once, by the parent, who knows what follows. */
static void relay(void *user, enum mien_log_level level, const char *message)
{
    struct tune_child *child = user;
    if (level == MIEN_LOG_WARN)
        tune_say(child, "@warn\t%s", message);
    else if (level == MIEN_LOG_ERROR)
        snprintf(child->error, sizeof(child->error), "%s", message);
}

/* Kernels prove themselves, software devices' too, and a wait ends before the parent's patience does. */
static enum mien_status open_device(struct tune_child *child)
{
    enum mien_status status = MIEN_OK;
    static const struct check_options none = {0};
    static const struct check_suite suite = {.ops = op_list};
    const struct tune_options *o = &child->options;
    const struct mien_gpu_params params = {.size = sizeof(params),
                                           .device = o->device,
                                           .caps = o->caps,
                                           .cache_dir = o->cache_dir,
                                           .wait_seconds = o->timeout,
                                           .selftest = MIEN_ON,
                                           .tune = MIEN_OFF};
    char said[300], *path = NULL;
    TRY(mien_gpu_create(&params, &child->gpu));
    child->device = vk_gpu_device(child->gpu);
    base_log_divert(said, sizeof(said));
    (void)vk_device_keep_statistics(child->device); /* where the driver has none nothing is known of spills */
    path = vk_tuned_path(vk_device_caps(child->device), o->cache_dir);
    (void)vk_tuned_read(vk_device_caps(child->device), path, &child->known); /* the parent has told of its state */
    base_log_divert(NULL, 0);
    base_free(path);
    child->context = (struct check_context){.options = &none, .suite = &suite, .device = child->device};
    child->context.caps = *vk_device_caps(child->device);
    check_calibrate(&child->context);
fail:
    return status;
}

int mien_tune_child(const char *const *args, void (*line)(void *user, const char *line), void *user)
{
    enum mien_status status = MIEN_OK;
    struct tune_child *child = NULL;
    const char *wrong = NULL;
    NEED(args);
    NEED(line);
    child = base_alloc(1, sizeof(*child));
    FAIL_IF_NULL(child, "a child");
    wrong = tune_options_parse(args, &child->options);
    FAIL_IF(wrong, MIEN_ERR_ARG, "a child cannot use %s; mien_tune starts children", wrong);
    FAIL_IF(!base_process_end_with_parent(), MIEN_ERR_FAILED, "a child without a parent");
    child->line = line;
    child->user = user;
    mien_log_set(relay, child, MIEN_LOG_WARN);
    TRY(open_device(child));
    TRY(child->options.call_count ? tune_measure(child) : tune_calls(child));
    tune_say(child, "@done");
fail:
    if (status != MIEN_OK && child && child->line)
        tune_say(child, "@broken\t%d\t%s", (int)status, child->error);
    if (child) {
        vk_tuned_clear(&child->known);
        mien_gpu_destroy(&child->gpu);
        mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    }
    base_free(child);
    return mien_status_exit_code(status);
}
