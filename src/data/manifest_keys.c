/* manifest_keys.c: what the keys of a row, or the columns of a table, are called, and by what other names people know
 * them. */
#include "data/manifest_internal.h"
#include "data/unicode.h"

#include <limits.h>
#include <string.h>

static const struct {
    const char *key;
    const char *also; /* separated by blanks */
} keys[] = {
    {"image",
     " img images picture photo file filename file_name filepath file_path path image_path img_path image_file "
     "image_name image_filename "},
    {"video", " video_path video_file clip movie "},
    {"frames", " frame frames_dir frame_dir frames_path frame_path "},
    {"box", " bbox bounding_box face_box rect "},
    {"caption", " captions text texts title description sentence txt "},
    {"label", " labels class classes class_name emotion emotions expression category "},
    {"va", " valence_arousal "},
    {"au", " aus action_units "},
    {"targets", " target scores "},
    {"question", " "},
    {"options", " choices "},
    {"answer", " correct "},
    {"split", " subset partition usage phase "},
    {"fold", " "},
    {"subject", " subject_id person person_id identity actor actor_id speaker participant "},
};

enum { LONGEST = 40, SLIP = 2 /* letters; more is another word */ };

/* A name as the lists have it: " small_letters ". */
static bool normal(const char *name, char out[LONGEST + 3])
{
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST)
        return false;
    out[0] = ' ';
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        out[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : (c == '-' || c == ' ') ? '_' : c;
    }
    memcpy(out + length + 1, " ", 2);
    return true;
}

const char *manifest_near(const char *name, bool *slip)
{
    char word[LONGEST + 3], bare[LONGEST + 2];
    const char *near = NULL;
    unsigned least = UINT_MAX;
    *slip = false;
    if (!normal(name, word))
        return NULL;
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        if (strstr(keys[i].also, word))
            return keys[i].key;
    snprintf(bare, sizeof(bare), "%.*s", (int)(strlen(word) - 2), word + 1);
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        unsigned distance = base_word_distance(bare, keys[i].key);
        if (distance < least) {
            least = distance;
            near = keys[i].key;
        }
    }
    *slip = least <= SLIP && least <= base_word_slip(bare);
    return *slip ? near : NULL;
}

bool manifest_is_key(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        if (strcmp(keys[i].key, name) == 0)
            return true;
    return false;
}

bool data_is_blank(const char *text)
{
    size_t left = strlen(text), length;
    for (; left; text += length, left -= length)
        if (!unicode_is_space(unicode_decode(text, left, &length)))
            return false;
    return true;
}

/* ---- columns by name ---- */

const char *const manifest_columns[MANIFEST_COLUMNS + 1] = {"image", "video", "frames", "box",     "caption", "label",
                                                            "va",    "split", "fold",   "subject", NULL};

enum mien_status manifest_columns_parse(const char *text, struct base_arena *arena, const char *names[MANIFEST_COLUMNS])
{
    enum mien_status status = MIEN_OK;
    memset((void *)names, 0, MANIFEST_COLUMNS * sizeof(*names));
    for (const char *at = text; at;) {
        const char *end = at + strcspn(at, ","), *equals = memchr(at, '=', (size_t)(end - at));
        FAIL_IF(!equals || equals == at || equals + 1 == end, MIEN_ERR_ARG,
                "columns \"%s\": key=column,key=column was expected, such as image=path,caption=text", text);
        const char *key = base_arena_strndup(arena, at, (size_t)(equals - at));
        FAIL_IF_NULL(key, "columns");
        int which = 0;
        while (manifest_columns[which] && strcmp(manifest_columns[which], key) != 0)
            which++;
        FAIL_IF(!manifest_columns[which], MIEN_ERR_ARG,
                "columns \"%s\": \"%s\" is no key; it is one of: image, video, frames, box, caption, label, va, split, "
                "fold, subject",
                text, key);
        FAIL_IF(names[which], MIEN_ERR_ARG, "columns \"%s\": \"%s\" is given twice", text, key);
        names[which] = base_arena_strndup(arena, equals + 1, (size_t)(end - equals - 1));
        FAIL_IF_NULL(names[which], "columns");
        at = *end ? end + 1 : NULL;
    }
fail:
    return status;
}

enum mien_status data_columns_check(const char *text)
{
    struct base_arena arena = {0};
    const char *names[MANIFEST_COLUMNS];
    enum mien_status status = manifest_columns_parse(text, &arena, names);
    base_arena_clear(&arena);
    return status;
}
