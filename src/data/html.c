/* html.c: HTML character references, as Python's html.unescape() resolves them. */
#include "base/base.h"
#include "data/unicode.h"

#include <string.h>

/* What browsers make of the numbers 0x80 to 0x9F: Windows-1252. 0 = the number itself. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178,
};

/* Numbers that stand for no character and vanish. */
static bool vanishes(uint32_t code)
{
    return (code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || (code >= 0x7F && code <= 0x9F) ||
           (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
}

static enum mien_status append_numeric(struct unicode_text *out, uint32_t code)
{
    if (code >= 0x80 && code <= 0x9F)
        return unicode_append_code(out, windows_1252[code - 0x80]);
    if (code == 0 || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
        return unicode_append_code(out, 0xFFFD);
    return vanishes(code) ? MIEN_OK : unicode_append_code(out, code);
}

static int digit_of(char c, int base)
{
    int d = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
    return d < base ? d : -1;
}

/* "&#..." at p; its length, or 0 when it is no reference. */
static size_t numeric(const char *p, size_t left, uint32_t *code)
{
    bool hex = left > 2 && (p[2] | 0x20) == 'x';
    size_t n = hex ? 3 : 2, first = n;
    uint64_t value = 0;
    for (; n < left && digit_of(p[n], hex ? 16 : 10) >= 0; n++)
        value = BASE_MIN(value * (hex ? 16 : 10) + (uint64_t)digit_of(p[n], 16), 0x110000u);
    if (n == first)
        return 0;
    *code = (uint32_t)value;
    return n < left && p[n] == ';' ? n + 1 : n;
}

static const struct unicode_entity *find_entity(const char *name, size_t length)
{
    size_t low = 0, high = unicode_entities_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *entry = unicode_entities[middle].name;
        int order = strncmp(name, entry, length);
        if (order == 0 && entry[length] == '\0')
            return &unicode_entities[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Whether a name works without a semicolon. */
static bool is_bare(const char *name, size_t length)
{
    size_t low = 0, high = unicode_bare_entities_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *entry = unicode_bare_entities[middle];
        int order = strncmp(name, entry, length);
        if (order == 0 && entry[length] == '\0')
            return true;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* "&name;", or, for the names that may stand bare, the longest one at p; length or 0. */
static size_t named(const char *p, size_t left, const struct unicode_entity **entity)
{
    enum { LONGEST = 31, LONGEST_BARE = 6 };
    size_t n = 0;
    while (n <= LONGEST && 1 + n < left && !strchr("\t\n\f <&#;", p[1 + n]))
        n++;
    if (n > 0 && n <= LONGEST && 1 + n < left && p[1 + n] == ';' && (*entity = find_entity(p + 1, n)))
        return n + 2;
    for (n = BASE_MIN(n, (size_t)LONGEST_BARE); n >= 2; n--)
        if (is_bare(p + 1, n) && (*entity = find_entity(p + 1, n)))
            return n + 1;
    return 0;
}

static enum mien_status append_named(struct unicode_text *out, const struct unicode_entity *entity)
{
    enum mien_status status = unicode_append_code(out, entity->code);
    return status == MIEN_OK && entity->second ? unicode_append_code(out, entity->second) : status;
}

enum mien_status unicode_html_unescape(const char *text, size_t size, struct unicode_text *out)
{
    enum mien_status status = MIEN_OK;
    for (size_t at = 0; at < size;) {
        const struct unicode_entity *entity = NULL;
        uint32_t code;
        bool number = text[at] == '&' && at + 1 < size && text[at + 1] == '#';
        size_t n = text[at] != '&' ? 0
                   : number        ? numeric(text + at, size - at, &code)
                                   : named(text + at, size - at, &entity);
        if (n == 0)
            TRY(unicode_append(out, text + at++, 1));
        else
            TRY(number ? append_numeric(out, code) : append_named(out, entity));
        at += n;
    }
fail:
    return status;
}
