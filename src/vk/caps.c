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

/* In the order of lower_limit. */
static const char *const limit_names[] = {"invocations", "shared",    "push",   "buffers", "range", "groups", "memory",
                                          "allocation",  "registers", "texels", "cores",   "flops", "barrier"};

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

uint64_t vk_caps_whole(uint64_t size)
{
    return size / VK_ALIGN * VK_ALIGN;
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
    case 5:
        for (int i = 0; i < 3; i++)
            lower(&caps->max_groups[i], value);
        break;
    case 6:
        caps->device_memory = BASE_MIN(caps->device_memory, value);
        break;
    case 7: /* what is bound is a part of one allocation */
        caps->max_allocation = vk_caps_whole(BASE_MIN(caps->max_allocation, value));
        caps->max_range = BASE_MIN(caps->max_range, caps->max_allocation);
        break;
    case 8:
        lower(&caps->max_registers, value);
        break;
    case 9:
        lower(&caps->max_texels, value);
        break;
    case 10: /* says how wide the device is, which limits nothing */
        caps->cores = (uint32_t)BASE_MIN(value, 1 << 16);
        break;
    case 11:
        caps->most_flops = caps->most_flops ? BASE_MIN(caps->most_flops, value) : value;
        break;
    default: /* the one that rises; no workgroup of a plain kernel is larger than 128 */
        caps->least_barrier = BASE_MAX(caps->least_barrier, (uint32_t)BASE_MIN(value, 128));
    }
}

void vk_caps_remove(struct vk_caps *caps, uint32_t bit)
{
    const uint32_t subgroup = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_SUBGROUP_FULL;
    uint32_t gone = (uint32_t)1 << bit;
    /* without a required size a varying one is not known, which is all that SUBGROUP promises */
    if (gone == VK_CAP_SUBGROUP || (gone == VK_CAP_SUBGROUP_FULL && caps->subgroup_min != caps->subgroup_max))
        gone = subgroup;
    if (gone == VK_CAP_COOPMAT)
        gone |= VK_CAP_COOPMAT_BF16;
    caps->features &= ~gone;
    if (!(caps->features & VK_CAP_SUBGROUP))
        caps->subgroup_size = caps->subgroup_min = caps->subgroup_max = 1;
}

void vk_caps_words(const char *words[VK_WORDS_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(feature_words); i++)
        words[count++] = feature_words[i];
    words[count++] = "-unified";
    words[count++] = "-specialisation";
    for (size_t i = 0; i < BASE_COUNT(limit_names); i++)
        words[count++] = limit_names[i];
    words[count++] = "class";
    for (size_t i = 0; vk_profiles[i].name && count + 1 < VK_WORDS_MOST; i++)
        words[count++] = vk_profiles[i].name;
    words[count] = NULL;
}

static enum mien_status unknown_word(const char *word, const char *where)
{
    const char *words[VK_WORDS_MOST];
    char key[64], known[512] = "";
    size_t at = 0;
    vk_caps_words(words);
    snprintf(key, sizeof key, "%.*s", (int)strcspn(word, "="), word);
    const char *near = base_nearest(key, words);
    if (near)
        return base_fail(MIEN_ERR_ARG, "%s: unknown word \"%s\"; did you mean \"%s\"?", where, word, near);
    for (size_t i = 0; words[i] && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, " %s", words[i]);
    return base_fail(MIEN_ERR_ARG, "%s: unknown word \"%s\"; known are:%s, and paths that end in .json", where, word,
                     known);
}

static enum mien_status clamp_class(struct vk_caps *caps, const char *word, const char *value, const char *where)
{
    for (int i = 0; class_names[i]; i++)
        if (strcmp(value, class_names[i]) == 0) {
            caps->class_ = (enum vk_class)i;
            return MIEN_OK;
        }
    return base_fail(MIEN_ERR_ARG, "%s: \"%s\": class takes desktop, mobile or software", where, word);
}

static enum mien_status clamp_value(struct vk_caps *caps, const char *word, const char *equals, const char *where)
{
    enum mien_status status = MIEN_OK;
    size_t key = (size_t)(equals - word);
    char *end = NULL;
    if (key == strlen("class") && strncmp(word, "class", key) == 0)
        return clamp_class(caps, word, equals + 1, where);
    for (size_t i = 0; i < BASE_COUNT(limit_names); i++) {
        if (strlen(limit_names[i]) != key || strncmp(word, limit_names[i], key) != 0)
            continue;
        unsigned long long value = strtoull(equals + 1, &end, 10);
        FAIL_IF(equals[1] < '0' || equals[1] > '9' || *end || value == 0, MIEN_ERR_ARG,
                "%s: \"%s\": a limit is a whole number above 0", where, word);
        lower_limit(caps, i, value);
        return MIEN_OK;
    }
    return unknown_word(word, where);
fail:
    return status;
}

enum mien_status vk_caps_clamp_word(struct vk_caps *caps, const char *word, const char *where)
{
    const char *equals = strchr(word, '=');
    if (equals)
        return clamp_value(caps, word, equals, where);
    if (strcmp(word, "-unified") == 0) {
        caps->unified = false;
        return MIEN_OK;
    }
    if (strcmp(word, "-specialisation") == 0) {
        caps->specialises = false;
        return MIEN_OK;
    }
    for (uint32_t i = 0; i < BASE_COUNT(feature_words); i++)
        if (strcmp(word, feature_words[i]) == 0) {
            vk_caps_remove(caps, i);
            return MIEN_OK;
        }
    return unknown_word(word, where);
}

/* The next word of a list into `word`, "" at its end. Words are separated by commas, and by spaces where they are no
 * paths. */
static enum mien_status next_word(const char **list, char *word, size_t size)
{
    const char *at = *list + strspn(*list, ", ");
    size_t length = strcspn(at, ",");
    while (length && at[length - 1] == ' ')
        length--;
    if (length < 5 || strncmp(at + length - 5, ".json", 5) != 0)
        length = strcspn(at, ", ");
    *list = at + length;
    if (length >= size)
        return base_fail(MIEN_ERR_ARG, "capability list: the word at \"%.20s...\" is too long", at);
    memcpy(word, at, length);
    word[length] = 0;
    return MIEN_OK;
}

enum mien_status vk_caps_clamp(struct vk_caps *caps, const char *list)
{
    enum mien_status status = MIEN_OK;
    struct vk_caps clamped = *caps;
    char word[1024] = "";
    if (!list)
        return MIEN_OK;
    do {
        TRY(next_word(&list, word, sizeof word));
        if (vk_profile_is(word))
            TRY(vk_profile_apply(&clamped, word));
        else if (*word)
            TRY(vk_caps_clamp_word(&clamped, word, "capability list"));
    } while (*word);
    *caps = clamped;
    return MIEN_OK;
fail:
    return status;
}

/* ---- a device that is not there -------------------------------------------------------------------------------- */

void vk_caps_typical(enum vk_class c, struct vk_caps *out)
{
    const uint32_t subgroups = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_SUBGROUP_FULL;
    static const enum vk_device_type types[] = {[VK_CLASS_DESKTOP] = VK_TYPE_DISCRETE,
                                                [VK_CLASS_MOBILE] = VK_TYPE_INTEGRATED,
                                                [VK_CLASS_SOFTWARE] = VK_TYPE_SOFTWARE};
    static const uint32_t lanes[] = {[VK_CLASS_DESKTOP] = 32, [VK_CLASS_MOBILE] = 32, [VK_CLASS_SOFTWARE] = 8};
    static const uint64_t range[] = {
        [VK_CLASS_DESKTOP] = UINT32_MAX, [VK_CLASS_MOBILE] = 128 * VK_MIB, [VK_CLASS_SOFTWARE] = 128 * VK_MIB};
    *out = (struct vk_caps){
        .driver = "none: a plan",
        .api_version = 1u << 22 | 2u << 12,
        .type = types[c],
        .class_ = c,
        .features = subgroups | VK_CAP_STORAGE16 | VK_CAP_TEXEL | (c == VK_CLASS_SOFTWARE ? 0 : VK_CAP_F16),
        .subgroup_size = lanes[c],
        .subgroup_min = lanes[c],
        .subgroup_max = lanes[c],
        .max_invocations = c == VK_CLASS_MOBILE ? 256 : 1024,
        .max_local = {c == VK_CLASS_MOBILE ? 256 : 1024, c == VK_CLASS_MOBILE ? 256 : 1024, 64},
        .max_groups = {65535, 65535, 65535},
        .max_registers = 256,
        .max_shared = c == VK_CLASS_MOBILE ? 16384 : 32768,
        .max_push = 128,
        .max_buffers = 16,
        .max_texels = 1u << 27,
        .max_range = range[c],
        .max_allocation = c == VK_CLASS_SOFTWARE ? 2048 * VK_MIB : 4095 * VK_MIB,
        .device_memory = 8192 * VK_MIB,
        .align = VK_ALIGN,
        .unified = c != VK_CLASS_DESKTOP,
        .specialises = true,
        .compute = true,
        .timeline = true,
    };
    out->device_features = out->features;
    snprintf(out->name, sizeof out->name, "a typical %s device", vk_class_name(c));
}

/* ---- kernels that have failed ------------------------------------------------------------------------------------ */

uint64_t vk_caps_refusal(const char *op, const char *variant)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *at = op; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    hash = (hash ^ '/') * 1099511628211u;
    for (const char *at = variant; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash;
}

bool vk_caps_refuse(const struct vk_caps *caps, const char *op, const char *variant)
{
    uint64_t hash = caps->refused_count ? vk_caps_refusal(op, variant) : 0;
    for (uint32_t i = 0; i < caps->refused_count; i++)
        if (caps->refused[i] == hash)
            return true;
    return false;
}

/* ---- what is not used -------------------------------------------------------------------------------------------- */

void vk_caps_disabled(const struct vk_caps *caps, char *text, size_t size)
{
    static const char none[] =
        "the driver has no subgroup operations in compute, or of no power of two up to 128 lanes "
        "(VkPhysicalDeviceSubgroupProperties)";
    static const char varies[] = "the subgroup size varies and cannot be required (VK_EXT_subgroup_size_control)";
    static const char *const whys[VK_CAP_COUNT] = {
        [VK_CAP_BIT_SUBGROUP] = none,
        [VK_CAP_BIT_SUBGROUP_ARITH] = "the driver lacks VK_SUBGROUP_FEATURE_ARITHMETIC_BIT",
        [VK_CAP_BIT_SUBGROUP_SHUFFLE] = "the driver lacks VK_SUBGROUP_FEATURE_SHUFFLE_BIT or _BALLOT_BIT",
        [VK_CAP_BIT_SUBGROUP_FULL] = "the driver lacks VK_EXT_subgroup_size_control for compute",
        [VK_CAP_BIT_STORAGE16] = "the driver lacks storageBuffer16BitAccess",
        [VK_CAP_BIT_F16] = "the driver lacks shaderFloat16",
        [VK_CAP_BIT_TEXEL] = "minTexelBufferOffsetAlignment is no divisor of 256",
        [VK_CAP_BIT_COOPMAT] = "the driver lacks VK_KHR_cooperative_matrix for f16 operands and fp32 sums",
        [VK_CAP_BIT_COOPMAT_BF16] = "the driver lacks VK_KHR_shader_bfloat16 for matrices",
    };
    bool subgroups = caps->device_features & VK_CAP_SUBGROUP, matrices = caps->device_features & VK_CAP_COOPMAT;
    size_t at = 0;
    if (size)
        text[0] = 0;
    for (uint32_t i = 0; i < VK_CAP_COUNT && at < size; i++) {
        bool part = i == VK_CAP_BIT_SUBGROUP_ARITH || i == VK_CAP_BIT_SUBGROUP_SHUFFLE || i == VK_CAP_BIT_SUBGROUP_FULL;
        if (caps->device_features >> i & 1)
            continue;
        const char *why = caps->not_enabled >> i & 1                  ? "the application's device was made without"
                          : part && !subgroups                        ? "subgroup is not there"
                          : i == VK_CAP_BIT_COOPMAT_BF16 && !matrices ? "coopmat is not there"
                          : caps->known >> i & 1                      ? vk_known_why(caps, i)
                          : i == VK_CAP_BIT_SUBGROUP && caps->subgroup_varies ? varies
                                                                              : whys[i];
        at += (size_t)snprintf(text + at, size - at, "%s%s: %s", at ? "; " : "", feature_words[i] + 1, why);
    }
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
        {"invocations per workgroup (maxComputeWorkGroupInvocations)", caps->max_invocations, 128},
        {"bytes of shared memory (maxComputeSharedMemorySize)", caps->max_shared, 16384},
        {"bytes of push constants (maxPushConstantsSize)", caps->max_push, 128},
        {"storage buffers per kernel (maxPerStageDescriptorStorageBuffers)", caps->max_buffers, 8},
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
