/* config_sets.c: --set key=value: values as JSON or plain words, put into the tree of the file. */
#include "train/config_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

/* What may stand behind a whole value in JSON; a word goes on with other characters. */
static bool ends(char c)
{
    return !c || strchr(" \t\n,]}", c);
}

/* Whether a text is an attempt at a number: "5", "01", "1e", "+.5", but not "3d" or "2024-05-01". */
static bool is_numeric(const char *text)
{
    const char *p = text + strspn(text, "+-"), *digits = p;
    p += strspn(p, "0123456789.");
    if (strcspn(digits, "0123456789") >= (size_t)(p - digits))
        return false; /* no digit */
    if (*p == 'e' || *p == 'E') {
        p += 1 + strspn(p + 1, "+-");
        p += strspn(p, "0123456789");
    }
    return ends(*p);
}

/* Numbers that JSON does not have. */
static bool is_no_number(const char *text)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    text += strspn(text, "+-");
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        size_t at = 0;
        while (words[i][at] && (text[at] | 0x20) == words[i][at])
            at++;
        if (!words[i][at] && ends(text[at]))
            return true;
    }
    return false;
}

static bool is_literal(const char *text)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        size_t length = strlen(words[i]);
        if (strncmp(text, words[i], length) == 0 && ends(text[length]))
            return true;
    }
    return false;
}

/* What is none of these is a word: "label", "runs/a", "2024/faces.jsonl". */
enum mien_status train_value_parse(const char *text, const char *where, cJSON **out)
{
    const char *first = text + strspn(text, " \t\n");
    if (!*first || strchr("{[\"", *first) || is_numeric(first) || is_no_number(first) || is_literal(first))
        return base_json_parse(text, strlen(text), where, out);
    *out = cJSON_CreateString(text);
    return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for a configuration");
}

/* ---- names ---- */

static size_t name_length(const char *set)
{
    return strcspn(set, "=");
}

/* Whether a dotted name is `outer` or lies in it. */
static bool lies_in(const char *name, size_t length, const char *outer, size_t outer_length)
{
    return outer_length <= length && strncmp(name, outer, outer_length) == 0 &&
           (outer_length == length || name[outer_length] == '.');
}

const char *train_set_of(const char *const *sets, size_t count, const char *key)
{
    for (size_t i = count; i-- > 0;) {
        size_t length = name_length(sets[i]);
        if (lies_in(key, strlen(key), sets[i], length) || lies_in(sets[i], length, key, strlen(key)))
            return sets[i];
    }
    return NULL;
}

/* A key, a section, or a part of a key that takes objects ("model.config.projection_dim"). */
static enum mien_status check_name(const char *where, const char *name)
{
    char outer[128];
    if (train_key_find(name) || train_key_is_section(name))
        return MIEN_OK;
    snprintf(outer, sizeof(outer), "%s", name);
    for (char *dot; (dot = strrchr(outer, '.'));) {
        *dot = 0;
        const struct train_key *key = train_key_find(outer);
        if (key && key->kind == KIND_OWN)
            return MIEN_OK;
    }
    return train_key_unknown(where, name);
}

/* ---- into the tree ---- */

/* A set that a later one takes back. */
static void warn_lost(const char *const *sets, size_t count, size_t i)
{
    for (size_t later = count; later-- > i + 1;) {
        if (!lies_in(sets[i], name_length(sets[i]), sets[later], name_length(sets[later])))
            continue;
        LOG_WARN("--set %s: --set %s comes later and counts", sets[i], sets[later]);
        return;
    }
}

static enum mien_status apply(cJSON *root, const char *set)
{
    enum mien_status status = MIEN_OK;
    char name[128], where[512];
    cJSON *object, *value = NULL;
    size_t length = name_length(set);
    TRY(base_argument_check("what --set gives", set));
    FAIL_IF(length == 0 || !set[length], MIEN_ERR_ARG, "--set %s: it must be key=value, such as run.steps=100", set);
    snprintf(where, sizeof(where), "--set %s", set);
    snprintf(name, sizeof(name), "%.*s", (int)length, set);
    TRY(check_name(where, name));
    status = train_value_parse(set + length + 1, where, &value);
    TRY(status == MIEN_ERR_DATA ? MIEN_ERR_ARG : status); /* what a user types is wrong usage */
    object = train_object_of(root, name, true);
    FAIL_IF(!object, MIEN_ERR_ARG, "%s: \"%s\" lies in something that is no object", where, name);
    cJSON_DeleteItemFromObjectCaseSensitive(object, train_key_last(name));
    FAIL_IF(!cJSON_AddItemToObject(object, train_key_last(name), value), MIEN_ERR_NOMEM,
            "out of host memory for a configuration");
    value = NULL;
fail:
    cJSON_Delete(value);
    return status;
}

enum mien_status train_sets_apply(cJSON *root, const char *const *sets, size_t count)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < count; i++) {
        TRY(apply(root, sets[i]));
        warn_lost(sets, count, i);
    }
fail:
    return status;
}
