/* json_place.c: where a member stands in a text that has been parsed. */
#include "base/json.h"

#include <string.h>

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind a string's closing quote; p is at the opening one. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        p += *p == '\\' && p[1];
    return *p ? p + 1 : p;
}

static const char *skip_value(const char *p)
{
    unsigned depth = 0;
    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= depth > 0 && (*p == '}' || *p == ']');
        p++;
    } while (*p && (depth > 0 || !strchr(",}] \t\r\n", *p)));
    return p;
}

/* The member of the object at p, or NULL. */
static const char *find_member(const char *p, const char *name)
{
    size_t length = strcspn(name, ".");
    if (*p != '{')
        return NULL;
    for (p = skip_blanks(p + 1); *p == '"'; p = skip_blanks(p + 1)) {
        const char *key = p, *end = skip_string(p);
        p = skip_blanks(end);
        if (*p != ':')
            return NULL;
        p = skip_blanks(p + 1);
        if ((size_t)(end - key) == length + 2 && memcmp(key + 1, name, length) == 0)
            return name[length] ? find_member(p, name + length + 1) : key;
        p = skip_blanks(skip_value(p));
        if (*p != ',')
            return NULL;
    }
    return NULL;
}

unsigned base_json_line(const char *text, const char *name)
{
    unsigned line = 1;
    const char *at = find_member(skip_blanks(strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text), name);
    for (const char *p = text; at && p < at; p++)
        line += *p == '\n';
    return at ? line : 0;
}
