/* profile.c: capability profiles, embedded or in a file: JSON whose members are the words of a clamp list. */
#include "vk/vk_internal.h"

#include <math.h>
#include <string.h>

enum { FILE_MOST = 1 << 16 }; /* bytes; a profile has a few hundred */

static const char *embedded(const char *name)
{
    for (size_t i = 0; vk_profiles[i].name; i++)
        if (strcmp(vk_profiles[i].name, name) == 0)
            return vk_profiles[i].json;
    return NULL;
}

bool vk_profile_is(const char *word)
{
    size_t length = strlen(word);
    return embedded(word) || (length >= 5 && strcmp(word + length - 5, ".json") == 0);
}

/* "remove": ["f16"] is the word "-f16". */
static enum mien_status apply_removals(struct vk_caps *caps, const cJSON *profile, const char *where)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL, *item = NULL;
    char word[64];
    TRY(base_json_array(profile, "remove", where, &list));
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(!cJSON_IsString(item), MIEN_ERR_ARG, "%s: \"remove\" holds names of features, as \"f16\"", where);
        snprintf(word, sizeof word, "-%s", item->valuestring);
        TRY(vk_caps_clamp_word(caps, word, where));
    }
fail:
    return status;
}

/* "shared": 16384 is the word "shared=16384", "class": "mobile" the word "class=mobile". */
static enum mien_status apply_value(struct vk_caps *caps, const cJSON *item, const char *where)
{
    enum mien_status status = MIEN_OK;
    bool is_class = strcmp(item->string, "class") == 0;
    double value = item->valuedouble;
    char word[128];
    FAIL_IF(is_class && !cJSON_IsString(item), MIEN_ERR_ARG, "%s: \"class\" is desktop, mobile or software", where);
    FAIL_IF(!is_class && (!cJSON_IsNumber(item) || !(value >= 1 && value <= 9e15) || value != floor(value)),
            MIEN_ERR_ARG, "%s: \"%s\" is a limit, a whole number above 0", where, item->string);
    if (is_class)
        snprintf(word, sizeof word, "class=%s", item->valuestring);
    else
        snprintf(word, sizeof word, "%s=%.0f", item->string, value);
    TRY(vk_caps_clamp_word(caps, word, where));
fail:
    return status;
}

/* The keys of a profile: the words with a value, and two of its own. */
static void known_keys(const char *keys[VK_WORDS_MOST + 2])
{
    const char *words[VK_WORDS_MOST];
    size_t count = 0;
    vk_caps_words(words);
    keys[count++] = "about";
    keys[count++] = "remove";
    for (size_t i = 0; words[i]; i++)
        if (words[i][0] != '-' && !embedded(words[i]))
            keys[count++] = words[i];
    keys[count] = NULL;
}

static enum mien_status apply(struct vk_caps *caps, const cJSON *profile, const char *where)
{
    enum mien_status status = MIEN_OK;
    const char *keys[VK_WORDS_MOST + 2], *about = NULL;
    const cJSON *item = NULL;
    FAIL_IF(!cJSON_IsObject(profile), MIEN_ERR_ARG, "%s: a profile is a JSON object, see src/vk/profiles/README.md",
            where);
    known_keys(keys);
    TRY(base_json_only(profile, where, keys));
    TRY(base_json_string(profile, "about", where, &about));
    TRY(apply_removals(caps, profile, where));
    cJSON_ArrayForEach(item, profile)
    {
        if (strcmp(item->string, "about") != 0 && strcmp(item->string, "remove") != 0)
            TRY(apply_value(caps, item, where));
    }
fail:
    return status;
}

enum mien_status vk_profile_apply(struct vk_caps *caps, const char *word)
{
    enum mien_status status = MIEN_OK;
    const char *text = embedded(word);
    char where[1100], *file = NULL;
    size_t size = text ? strlen(text) : 0;
    cJSON *profile = NULL;
    snprintf(where, sizeof where, "capability profile %s", word);
    if (!text)
        TRY(base_file_read(word, FILE_MOST, &file, &size));
    TRY(base_json_parse(text ? text : file, size, where, &profile));
    TRY(apply(caps, profile, where));
fail:
    cJSON_Delete(profile);
    base_free(file);
    /* the caller's list names the file: whatever is wrong with it is a wrong argument */
    return status == MIEN_ERR_DATA ? MIEN_ERR_ARG : status;
}
