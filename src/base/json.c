/* json.c: typed members with messages that name the file, the key and what was expected. */
#include "base/json.h"

#include "base/base.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_name(const cJSON *item)
{
    if (cJSON_IsBool(item))
        return "a boolean";
    if (cJSON_IsNull(item))
        return "null";
    if (cJSON_IsNumber(item))
        return "a number";
    if (cJSON_IsString(item))
        return "a string";
    return cJSON_IsArray(item) ? "an array" : "an object";
}

const cJSON *base_json_member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

/* The member, or NULL when it is missing. */
static enum mien_status find(const cJSON *object, const char *key, const char *where, const cJSON **item)
{
    *item = NULL;
    if (!cJSON_IsObject(object))
        return base_fail(MIEN_ERR_DATA, "%s: an object with the key \"%s\" was expected, not %s", where, key,
                         object ? type_name(object) : "nothing");
    *item = base_json_member(object, key);
    return MIEN_OK;
}

static enum mien_status wrong_type(const cJSON *item, const char *key, const char *where, const char *expected)
{
    return base_fail(MIEN_ERR_DATA, "%s: \"%s\" must be %s, not %s", where, key, expected, type_name(item));
}

enum mien_status base_json_string(const cJSON *object, const char *key, const char *where, const char **value)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    TRY(find(object, key, where, &item));
    if (item && !cJSON_IsString(item))
        return wrong_type(item, key, where, "a string");
    if (item)
        *value = item->valuestring;
fail:
    return status;
}

bool base_json_replace(cJSON *object, const char *key, cJSON *item)
{
    bool there = cJSON_HasObjectItem(object, key);
    if (!there)
        cJSON_Delete(item);
    return there && cJSON_ReplaceItemInObjectCaseSensitive(object, key, item) &&
           cJSON_GetObjectItemCaseSensitive(object, key) == item;
}

enum mien_status base_json_number(const cJSON *object, const char *key, const char *where, double *value)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    TRY(find(object, key, where, &item));
    if (item && !cJSON_IsNumber(item))
        return wrong_type(item, key, where, "a number");
    if (item)
        *value = item->valuedouble;
fail:
    return status;
}

/* *found is false when the key is missing; the number is then left as it is. */
static enum mien_status whole(const cJSON *object, const char *key, const char *where, double most, double *value,
                              bool *found)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    *found = false;
    TRY(find(object, key, where, &item));
    if (!item)
        return MIEN_OK;
    if (!cJSON_IsNumber(item))
        return wrong_type(item, key, where, "a whole number");
    FAIL_IF(!(item->valuedouble >= 0.0 && item->valuedouble <= most) || item->valuedouble != floor(item->valuedouble),
            MIEN_ERR_DATA, "%s: \"%s\" must be a whole number from 0 to %.0f, not %.17g", where, key, most,
            item->valuedouble);
    *value = item->valuedouble;
    *found = true;
fail:
    return status;
}

enum mien_status base_json_u32(const cJSON *object, const char *key, const char *where, uint32_t *value)
{
    double number = 0;
    bool found;
    enum mien_status status = whole(object, key, where, 4294967295.0, &number, &found);

    if (found)
        *value = (uint32_t)number;
    return status;
}

enum mien_status base_json_u64(const cJSON *object, const char *key, const char *where, uint64_t *value)
{
    double number = 0;
    bool found;
    enum mien_status status = whole(object, key, where, 9007199254740992.0, &number, &found);

    if (found)
        *value = (uint64_t)number;
    return status;
}

enum mien_status base_json_bool(const cJSON *object, const char *key, const char *where, bool *value)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    TRY(find(object, key, where, &item));
    if (item && !cJSON_IsBool(item))
        return wrong_type(item, key, where, "true or false");
    if (item)
        *value = cJSON_IsTrue(item);
fail:
    return status;
}

enum mien_status base_json_object(const cJSON *object, const char *key, const char *where, const cJSON **value)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    TRY(find(object, key, where, &item));
    if (item && !cJSON_IsObject(item))
        return wrong_type(item, key, where, "an object");
    if (item)
        *value = item;
fail:
    return status;
}

enum mien_status base_json_array(const cJSON *object, const char *key, const char *where, const cJSON **value)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;

    TRY(find(object, key, where, &item));
    if (item && !cJSON_IsArray(item))
        return wrong_type(item, key, where, "an array");
    if (item)
        *value = item;
fail:
    return status;
}

/* "a, b, c" of a NULL-ended list, cut where the buffer ends. */
static void join_words(char *text, size_t size, const char *const *words)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; words[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", words[i]);
}

enum mien_status base_json_choice(const cJSON *object, const char *key, const char *where, const char *const *choices,
                                  uint32_t *value)
{
    enum mien_status status = MIEN_OK;
    const char *word = NULL;
    char all[512];

    TRY(base_json_string(object, key, where, &word));
    if (!word)
        return MIEN_OK;
    for (uint32_t i = 0; choices[i]; i++) {
        if (strcmp(word, choices[i]) == 0) {
            *value = i;
            return MIEN_OK;
        }
    }
    join_words(all, sizeof(all), choices);
    FAIL_IF(true, MIEN_ERR_ARG, "%s: \"%s\" cannot be \"%s\"; it is one of: %s", where, key, word, all);
fail:
    return status;
}

enum mien_status base_json_only(const cJSON *object, const char *where, const char *const *known)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, object)
    {
        const char *near;
        size_t i = 0;

        if (!item->string) /* an array's elements have no keys */
            return base_fail(MIEN_ERR_DATA, "%s: an object was expected, not an array", where);
        while (known[i] && strcmp(known[i], item->string) != 0)
            i++;
        if (known[i])
            continue;
        near = base_nearest(item->string, known);
        if (near)
            return base_fail(MIEN_ERR_ARG, "%s: unknown key \"%s\"; did you mean \"%s\"?", where, item->string, near);
        return base_fail(MIEN_ERR_ARG, "%s: unknown key \"%s\"; remove it", where, item->string);
    }
    return MIEN_OK;
}

#define LONGEST_WORD 64

unsigned base_word_distance(const char *a, const char *b)
{
    unsigned char d[LONGEST_WORD + 1][LONGEST_WORD + 1]; /* [i][j]: from the first i of a to the first j of b */
    size_t la = strlen(a), lb = strlen(b);

    if (la > LONGEST_WORD || lb > LONGEST_WORD)
        return UINT_MAX;
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = (unsigned char)j;
    for (size_t i = 1; i <= la; i++) {
        d[i][0] = (unsigned char)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            best = BASE_MIN(best, d[i - 1][j] + 1u);
            best = BASE_MIN(best, d[i][j - 1] + 1u);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = BASE_MIN(best, d[i - 2][j - 2] + 1u);
            d[i][j] = (unsigned char)best;
        }
    }
    return d[la][lb];
}

unsigned base_word_slip(const char *word)
{
    size_t length = strlen(word);

    return (unsigned)(length < 3 ? 1 : length / 3);
}

const char *base_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = base_word_slip(word);

    for (; *words; words++) {
        unsigned distance = base_word_distance(word, *words);

        if (distance < least || (distance == least && !nearest)) {
            least = distance;
            nearest = *words;
        }
    }
    return nearest;
}
