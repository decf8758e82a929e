/* caps.c: clamping capabilities by words, and the portability floor. Knows no Vulkan function. */
#include "vk/vk_internal.h"

#include <stdlib.h>
#include <string.h>

const char *vk_device_type_name(enum vk_device_type type)
{
    switch (type) {
    case VK_TYPE_INTEGRATED:
        return "integrated";
    case VK_TYPE_DISCRETE:
        return "discrete";
    case VK_TYPE_VIRTUAL:
        return "virtual";
    case VK_TYPE_SOFTWARE:
        return "software";
    case VK_TYPE_OTHER:
        break;
    }
    return "other";
}

static const char *const class_names[] = {
    [VK_CLASS_DESKTOP] = "desktop",
    [VK_CLASS_MOBILE] = "mobile",
    [VK_CLASS_SOFTWARE] = "software",
    NULL,
};

const char *vk_class_name(enum vk_class c)
{
    return class_names[c];
}

/* ---- clamping --------------------------------------------------------------------------------------------------- */

#define NO_FEATURES "-subgroup,-storage16,-f16,-coopmat,"

/* Lists under a name. The Android ones are the least that the profiles of that year promise. */
static const struct {
    const char *name, *list;
} profiles[] = {
    {"floor", NO_FEATURES "invocations=128,shared=16384,push=128,buffers=8,range=134217728,groups=65535"},
    {"android-2022",
     NO_FEATURES "invocations=128,shared=16384,push=128,buffers=4,range=134217728,groups=65535,class=mobile"},
    {"android-2025", "-subgroup_full,-storage16,-coopmat,invocations=256,shared=16384,push=128,buffers=35,"
                     "range=134217728,groups=65535,class=mobile"},
};

static const char *const limit_names[] = {"invocations", "shared", "push", "buffers", "range", "groups"};

static const char *const feature_words[] = {
#define WORD(name, word, what) [VK_CAP_BIT_##name] = "-" word,
    VK_CAP_LIST(WORD)
#undef WORD
};

static void lower(uint32_t *limit, uint64_t value)
{
    if (value < *limit)
        *limit = (uint32_t)value;
}

static void lower_limit(struct vk_caps *caps, size_t which, uint64_t value)
{
    switch (which) {
    case 0:
        lower(&caps->max_invocations, value);
        for (int i = 0; i < 3; i++)
            lower(&caps->max_local[i], value);
        break;
    case 1:
        lower(&caps->max_shared, value);
        break;
    case 2:
        lower(&caps->max_push, value);
        break;
    case 3:
        lower(&caps->max_buffers, value);
        break;
    case 4:
        caps->max_range = BASE_MIN(caps->max_range, value);
        break;
    default:
        for (int i = 0; i < 3; i++)
            lower(&caps->max_groups[i], value);
    }
}

static void remove_feature(struct vk_caps *caps, uint32_t bit)
{
    const uint32_t subgroup = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_SUBGROUP_FULL;
    uint32_t gone = (uint32_t)1 << bit;
    /* without a required size a varying one is not known, which is all that SUBGROUP promises */
    if (gone == VK_CAP_SUBGROUP || (gone == VK_CAP_SUBGROUP_FULL && caps->subgroup_min != caps->subgroup_max))
        gone = subgroup;
    caps->features &= ~gone;
    if (!(caps->features & VK_CAP_SUBGROUP))
        caps->subgroup_size = caps->subgroup_min = caps->subgroup_max = 1;
}

/* Nearest of all the words that a list may hold, for the message about an unknown one. */
static enum mien_status unknown_word(const char *word)
{
    const char *words[BASE_COUNT(feature_words) + BASE_COUNT(limit_names) + BASE_COUNT(profiles) + 3];
    char key[64], known[512] = "";
    size_t count = 0, at = 0;
    for (size_t i = 0; i < BASE_COUNT(feature_words); i++)
        words[count++] = feature_words[i];
    for (size_t i = 0; i < BASE_COUNT(limit_names); i++)
        words[count++] = limit_names[i];
    words[count++] = "class";
    words[count++] = "-unified";
    for (size_t i = 0; i < BASE_COUNT(profiles); i++)
        words[count++] = profiles[i].name;
    words[count] = NULL;
    snprintf(key, sizeof key, "%.*s", (int)strcspn(word, "="), word);
    const char *near = base_nearest(key, words);
    if (near)
        return base_fail(MIEN_ERR_ARG, "capability list: unknown word \"%s\"; did you mean \"%s\"?", word, near);
    for (size_t i = 0; i < count && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, " %s", words[i]);
    return base_fail(MIEN_ERR_ARG, "capability list: unknown word \"%s\"; known are:%s", word, known);
}

static enum mien_status clamp_value(struct vk_caps *caps, const char *word, const char *equals)
{
    enum mien_status status = MIEN_OK;
    size_t key = (size_t)(equals - word);
    char *end = NULL;
    if (key == strlen("class") && strncmp(word, "class", key) == 0) {
        for (int i = 0; class_names[i]; i++)
            if (strcmp(equals + 1, class_names[i]) == 0) {
                caps->class_ = (enum vk_class)i;
                return MIEN_OK;
            }
        return base_fail(MIEN_ERR_ARG, "capability list: \"%s\": class takes desktop, mobile or software", word);
    }
    for (size_t i = 0; i < BASE_COUNT(limit_names); i++) {
        if (strlen(limit_names[i]) != key || strncmp(word, limit_names[i], key) != 0)
            continue;
        unsigned long long value = strtoull(equals + 1, &end, 10);
        FAIL_IF(equals[1] < '0' || equals[1] > '9' || *end || value == 0, MIEN_ERR_ARG,
                "capability list: \"%s\": a limit is a whole number above 0", word);
        lower_limit(caps, i, value);
        return MIEN_OK;
    }
    return unknown_word(word);
fail:
    return status;
}

static enum mien_status clamp_word(struct vk_caps *caps, const char *word)
{
    const char *equals = strchr(word, '=');
    if (equals)
        return clamp_value(caps, word, equals);
    if (strcmp(word, "-unified") == 0) {
        caps->unified = false;
        return MIEN_OK;
    }
    for (uint32_t i = 0; i < BASE_COUNT(feature_words); i++)
        if (strcmp(word, feature_words[i]) == 0) {
            remove_feature(caps, i);
            return MIEN_OK;
        }
    for (size_t i = 0; i < BASE_COUNT(profiles); i++)
        if (strcmp(word, profiles[i].name) == 0)
            return vk_caps_clamp(caps, profiles[i].list);
    return unknown_word(word);
}

enum mien_status vk_caps_clamp(struct vk_caps *caps, const char *list)
{
    enum mien_status status = MIEN_OK;
    struct vk_caps clamped = *caps;
    for (const char *at = list ? list : ""; *at;) {
        char word[64];
        at += strspn(at, ", ");
        size_t length = strcspn(at, ", ");
        FAIL_IF(length >= sizeof word, MIEN_ERR_ARG, "capability list: the word at \"%.20s...\" is too long", at);
        if (length) {
            memcpy(word, at, length);
            word[length] = 0;
            TRY(clamp_word(&clamped, word));
        }
        at += length;
    }
    *caps = clamped;
    return MIEN_OK;
fail:
    return status;
}

/* ---- the floor -------------------------------------------------------------------------------------------------- */

bool vk_caps_missing(const struct vk_caps *caps, char *text, size_t size)
{
    uint32_t major = caps->api_version >> 22, minor = caps->api_version >> 12 & 0x3ff;
    const struct {
        const char *what;
        uint64_t has, needs;
    } floor[] = {
        {"Vulkan 1.x",
         major > 1   ? UINT32_MAX
         : major < 1 ? 0
                     : minor,
         1},
        {"compute queue", caps->compute, 1},
        {"timeline semaphores (VK_KHR_timeline_semaphore)", caps->timeline, 1},
        {"invocations per workgroup", caps->max_invocations, 128},
        {"bytes of shared memory", caps->max_shared, 16384},
        {"bytes of push constants", caps->max_push, 128},
        {"storage buffers per kernel", caps->max_buffers, 4},
    };
    bool missing = false;
    size_t at = 0;
    if (size)
        text[0] = 0;
    for (size_t i = 0; i < BASE_COUNT(floor); i++) {
        if (floor[i].has >= floor[i].needs)
            continue;
        if (at < size)
            at += (size_t)snprintf(text + at, size - at, "%s%s: has %llu, needs %llu", missing ? "; " : "",
                                   floor[i].what, (unsigned long long)floor[i].has, (unsigned long long)floor[i].needs);
        missing = true;
    }
    return missing;
}

enum mien_status vk_caps_check_floor(const struct vk_caps *caps)
{
    char text[512];
    if (!vk_caps_missing(caps, text, sizeof text))
        return MIEN_OK;
    return base_fail(MIEN_ERR_UNSUPPORTED,
                     "%s (%s) is below what Mien needs: %s; choose another device with MIEN_DEVICE", caps->name,
                     caps->driver, text);
}
