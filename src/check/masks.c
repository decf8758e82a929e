/* masks.c: walks from a device that can do nothing extra to all that it can. */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

static const struct {
    uint32_t flag;
    const char *word;
} words[VK_CAP_COUNT] = {
#define WORD(name, word, what) {VK_CAP_##name, word},
    VK_CAP_LIST(WORD)
#undef WORD
};

static void append(struct check_mask *mask, const char *word)
{
    size_t used = strlen(mask->text);
    snprintf(mask->text + used, sizeof(mask->text) - used, "%s%s", used ? "," : "", word);
}

/* Allows the first `allowed` features of the list, masks the others. Masking subgroup takes all subgroup_* with it. */
static enum mien_status mask_features(struct check_mask *mask, uint32_t allowed)
{
    for (uint32_t i = allowed; i < VK_CAP_COUNT; i++) {
        if (!(mask->caps.features & words[i].flag))
            continue;
        char word[40];
        snprintf(word, sizeof(word), "-%s", words[i].word);
        enum mien_status status = vk_caps_clamp(&mask->caps, word);
        if (status != MIEN_OK)
            return status;
        append(mask, word);
    }
    return MIEN_OK;
}

/* Small enough to make common cases take tensors in parts, as large ones are on a device of 128 MiB a binding; few
 * registers, as on some GPUs; all but texel buffers, which come first in the walk. */
static const char *const own_limits[] = {"range=65536", "range=65536,class=desktop", "registers=128,class=desktop",
                                         "registers=64,class=desktop", "-texel"};
static const char floor_limits[] = "invocations=128,shared=16384,buffers=8";

enum mien_status check_mask_parse(const struct vk_caps *caps, const char *text, struct check_mask *out)
{
    *out = (struct check_mask){.caps = *caps};
    snprintf(out->text, sizeof(out->text), "%s", text);
    return vk_caps_clamp(&out->caps, text);
}

uint32_t check_masks_make(const struct vk_caps *caps, struct check_mask masks[CHECK_MAX_MASKS])
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < 3; c++) {
        /* the device's own class first */
        enum vk_class cls = (enum vk_class)((caps->class_ + c) % 3);
        for (uint32_t limits = 0; limits < 2; limits++) {
            for (uint32_t allowed = 0; allowed <= VK_CAP_COUNT && count < CHECK_MAX_MASKS; allowed++) {
                struct check_mask *mask = &masks[count];
                *mask = (struct check_mask){.caps = *caps};
                mask->caps.class_ = cls;
                if (mask_features(mask, allowed) != MIEN_OK)
                    return 0;
                if (c > 0) {
                    char word[40];
                    snprintf(word, sizeof(word), "class=%s", vk_class_name(cls));
                    append(mask, word);
                }
                if (limits == 1) {
                    if (vk_caps_clamp(&mask->caps, floor_limits) != MIEN_OK)
                        return 0;
                    append(mask, floor_limits);
                }
                /* features that the device lacks give equal masks */
                if (count == 0 || strcmp(masks[count - 1].text, mask->text) != 0)
                    count++;
            }
        }
    }
    for (uint32_t i = 0; i < BASE_COUNT(own_limits) && count < CHECK_MAX_MASKS; i++, count++)
        if (check_mask_parse(caps, own_limits[i], &masks[count]) != MIEN_OK)
            return 0;
    return count;
}

static bool dispatch_equal(const struct op_dispatch *a, const struct op_dispatch *b)
{
    return strcmp(a->shader, b->shader) == 0 && a->spec_count == b->spec_count &&
           memcmp(a->spec, b->spec, sizeof(a->spec)) == 0 && a->subgroup_size == b->subgroup_size &&
           a->push_size == b->push_size && memcmp(a->push, b->push, sizeof(a->push)) == 0 &&
           memcmp(a->groups, b->groups, sizeof(a->groups)) == 0;
}

bool check_plan_equal(const struct op_plan *a, const struct op_plan *b)
{
    if (a->variant != b->variant || a->count != b->count || memcmp(a->scratch, b->scratch, sizeof(a->scratch)) != 0)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!dispatch_equal(&a->dispatch[i], &b->dispatch[i]))
            return false;
    }
    return true;
}

void check_needs_text(uint32_t features, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < VK_CAP_COUNT && used < size; i++) {
        if (features & words[i].flag)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", words[i].word);
    }
}

uint32_t check_needs_parse(const char *text)
{
    uint32_t features = 0;
    for (size_t length; *text; text += length + (text[length] == ' ')) {
        length = strcspn(text, " ");
        for (uint32_t i = 0; i < VK_CAP_COUNT; i++) {
            if (strlen(words[i].word) == length && memcmp(words[i].word, text, length) == 0)
                features |= words[i].flag;
        }
    }
    return features;
}
