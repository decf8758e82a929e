/* json_parse.c: RFC 8259, strictly, into cJSON's tree. cJSON's own parser takes trailing text, numbers such as 01,
 * bytes that are not UTF-8 and duplicate keys, cuts strings at \u0000, and cannot say on which line it stopped. */
#include "base/arena.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/source.h"
#include "base/status.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 256 /* recursion here and in cJSON_Delete stays within any thread's stack */

struct parser {
    const unsigned char *text, *end, *at;
    const char *where;
    unsigned depth;
    char *scratch; /* the string being decoded */
    size_t room, used;
};

static enum mien_status parse_value(struct parser *p, cJSON **out);

/* Logs `what` with the line and column (in bytes) of `at`. */
static enum mien_status fail_at(const struct parser *p, const unsigned char *at, const char *what)
{
    size_t line = 1, column = 1;

    for (const unsigned char *c = p->text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    return base_fail(MIEN_ERR_DATA, "%s: not valid JSON at line %zu, column %zu: %s", p->where, line, column, what);
}

static enum mien_status no_memory(const struct parser *p)
{
    return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory for JSON", p->where);
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* The next byte, or 0 at the end (a zero byte is nowhere allowed, so the two need no telling apart). */
static unsigned peek(const struct parser *p)
{
    return p->at < p->end ? *p->at : 0;
}

static bool take(struct parser *p, char c)
{
    if (p->at >= p->end || *p->at != (unsigned char)c)
        return false;
    p->at++;
    return true;
}

static enum mien_status append(struct parser *p, const void *bytes, size_t count)
{
    enum mien_status status = MIEN_OK;

    TRY(base_grow(&p->scratch, &p->room, p->used + count + 1, 1));
    memcpy(p->scratch + p->used, bytes, count);
    p->used += count;
    p->scratch[p->used] = '\0';
fail:
    return status;
}

static enum mien_status append_code_point(struct parser *p, uint32_t c)
{
    unsigned char b[4];

    if (c < 0x80) {
        b[0] = (unsigned char)c;
        return append(p, b, 1);
    }
    if (c < 0x800) {
        b[0] = (unsigned char)(0xC0 | c >> 6);
        b[1] = (unsigned char)(0x80 | (c & 0x3F));
        return append(p, b, 2);
    }
    if (c < 0x10000) {
        b[0] = (unsigned char)(0xE0 | c >> 12);
        b[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        b[2] = (unsigned char)(0x80 | (c & 0x3F));
        return append(p, b, 3);
    }
    b[0] = (unsigned char)(0xF0 | c >> 18);
    b[1] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
    b[2] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
    b[3] = (unsigned char)(0x80 | (c & 0x3F));
    return append(p, b, 4);
}

/* Four hexadecimal digits. */
static bool take_hex4(struct parser *p, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = peek(p);

        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            c = (c | 0x20) - 'a' + 10;
        else
            return false;
        *out = *out << 4 | c;
        p->at++;
    }
    return true;
}

/* After "\u". Characters outside the basic plane come as a surrogate pair; half a pair has no UTF-8 form. */
static enum mien_status parse_unicode_escape(struct parser *p)
{
    const unsigned char *start = p->at - 2;
    uint32_t c, low;

    if (!take_hex4(p, &c))
        return fail_at(p, start, "\\u needs four hexadecimal digits");
    if (c == 0)
        return fail_at(p, start, "\\u0000 in a string; Mien's strings end at the first zero byte, remove it");
    if (c >= 0xD800 && c <= 0xDFFF) {
        if (c > 0xDBFF || !take(p, '\\') || !take(p, 'u') || !take_hex4(p, &low) || low < 0xDC00 || low > 0xDFFF)
            return fail_at(p, start, "half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    return append_code_point(p, c);
}

static enum mien_status parse_escape(struct parser *p)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const unsigned char *start = p->at++;
    unsigned c = peek(p);
    const char *found = c ? strchr(names, (int)c) : NULL;

    if (c == 'u') {
        p->at++;
        return parse_unicode_escape(p);
    }
    if (!found)
        return fail_at(p, start, "unknown escape in a string");
    p->at++;
    return append(p, &values[found - names], 1);
}

/* At the opening quote; leaves the decoded text in p->scratch. */
static enum mien_status parse_text(struct parser *p)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *start = p->at++;

    p->used = 0;
    TRY(append(p, "", 0));
    for (;;) {
        const unsigned char *run = p->at;
        size_t length = 1;

        while (p->at < p->end && *p->at >= 0x20 && *p->at != '"' && *p->at != '\\' &&
               (length = base_utf8_length((const char *)p->at, (size_t)(p->end - p->at))) > 0)
            p->at += length;
        TRY(append(p, run, (size_t)(p->at - run)));
        if (p->at >= p->end)
            return fail_at(p, start, "a string without closing quote");
        if (take(p, '"'))
            return MIEN_OK;
        if (length == 0)
            return fail_at(p, p->at, "a byte that is not UTF-8");
        if (*p->at < 0x20)
            return fail_at(p, p->at, "a control character in a string; write it as an escape");
        TRY(parse_escape(p));
    }
fail:
    return status;
}

static bool skip_digits(struct parser *p)
{
    const unsigned char *start = p->at;

    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at > start;
}

/* The grammar of a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool skip_number(struct parser *p)
{
    take(p, '-');
    if (!take(p, '0') && !skip_digits(p))
        return false;
    if (take(p, '.') && !skip_digits(p))
        return false;
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+'))
            take(p, '-');
        return skip_digits(p);
    }
    return true;
}

static enum mien_status parse_number(struct parser *p, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *start = p->at;
    double value;

    if (!skip_number(p) || (peek(p) >= '0' && peek(p) <= '9'))
        return fail_at(p, start, "not a number as JSON writes it (no leading zero or plus, digits around the point)");
    p->used = 0;
    TRY(append(p, start, (size_t)(p->at - start)));
    value = strtod(p->scratch, NULL); /* in the C locale: see base_json_parse */
    if (isinf(value))
        return fail_at(p, start, "a number too large for double precision");
    *out = cJSON_CreateNumber(value);
    if (!*out)
        return no_memory(p);
fail:
    return status;
}

static enum mien_status parse_word(struct parser *p, cJSON **out)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t left = (size_t)(p->end - p->at);

    for (int i = 0; i < 3; i++) {
        size_t length = strlen(words[i]);

        if (left < length || memcmp(p->at, words[i], length) != 0)
            continue;
        p->at += length;
        *out = i == 2 ? cJSON_CreateNull() : cJSON_CreateBool(i == 0);
        return *out ? MIEN_OK : no_memory(p);
    }
    return fail_at(p, p->at, left ? "a value was expected" : "the text ends where a value was expected");
}

static enum mien_status parse_array(struct parser *p, cJSON *array)
{
    enum mien_status status = MIEN_OK;
    cJSON *item = NULL;

    p->at++;
    skip_space(p);
    if (take(p, ']'))
        return MIEN_OK;
    do {
        TRY(parse_value(p, &item));
        cJSON_AddItemToArray(array, item);
        skip_space(p);
    } while (take(p, ','));
    if (!take(p, ']'))
        status = fail_at(p, p->at, "',' or ']' was expected in an array");
fail:
    return status;
}

static int compare_keys(const void *a, const void *b)
{
    const cJSON *x = *(const cJSON *const *)a, *y = *(const cJSON *const *)b;

    return strcmp(x->string, y->string);
}

/* By sorting: a vocabulary has 49,408 keys. */
static enum mien_status refuse_duplicates(struct parser *p, const cJSON *object, const unsigned char *start)
{
    enum mien_status status = MIEN_OK;
    const cJSON **members = NULL, *item;
    size_t capacity = 0, count = 0;

    cJSON_ArrayForEach(item, object)
    {
        TRY(base_grow(&members, &capacity, count + 1, sizeof(*members)));
        members[count++] = item;
    }
    if (count > 1)
        qsort(members, count, sizeof(*members), compare_keys);
    for (size_t i = 1; i < count && status == MIEN_OK; i++) {
        if (strcmp(members[i - 1]->string, members[i]->string) == 0) {
            char what[160];

            snprintf(what, sizeof(what), "the object that starts here has the key \"%.100s\" twice",
                     members[i]->string);
            status = fail_at(p, start, what);
        }
    }
fail:
    base_free(members);
    return status;
}

static enum mien_status parse_member(struct parser *p, cJSON *object)
{
    enum mien_status status = MIEN_OK;
    cJSON *item = NULL;
    char *key = NULL;

    skip_space(p);
    if (peek(p) != '"')
        return fail_at(p, p->at, "a key in quotes was expected");
    TRY(parse_text(p));
    key = base_alloc(1, p->used + 1);
    FAIL_IF_NULL(key, p->where);
    memcpy(key, p->scratch, p->used);
    skip_space(p);
    if (!take(p, ':')) {
        status = fail_at(p, p->at, "':' was expected after a key");
        goto fail;
    }
    TRY(parse_value(p, &item));
    if (!cJSON_AddItemToObject(object, key, item)) {
        cJSON_Delete(item);
        status = no_memory(p);
    }
fail:
    base_free(key);
    return status;
}

static enum mien_status parse_object(struct parser *p, cJSON *object)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *start = p->at++;

    skip_space(p);
    if (take(p, '}'))
        return MIEN_OK;
    do {
        TRY(parse_member(p, object));
        skip_space(p);
    } while (take(p, ','));
    if (!take(p, '}'))
        return fail_at(p, p->at, "',' or '}' was expected in an object");
    TRY(refuse_duplicates(p, object, start));
fail:
    return status;
}

static enum mien_status parse_container(struct parser *p, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    bool object = peek(p) == '{';
    cJSON *value = NULL;

    if (++p->depth > DEEPEST)
        return fail_at(p, p->at, "nested too deeply (256 levels at most)");
    value = object ? cJSON_CreateObject() : cJSON_CreateArray();
    if (!value)
        return no_memory(p);
    TRY(object ? parse_object(p, value) : parse_array(p, value));
    p->depth--;
    *out = value;
    return MIEN_OK;
fail:
    cJSON_Delete(value);
    return status;
}

static enum mien_status parse_value(struct parser *p, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    unsigned c;

    *out = NULL;
    skip_space(p);
    c = peek(p);
    if (c == '{' || c == '[')
        return parse_container(p, out);
    if (c == '-' || (c >= '0' && c <= '9'))
        return parse_number(p, out);
    if (c != '"')
        return parse_word(p, out);
    TRY(parse_text(p));
    *out = cJSON_CreateString(p->scratch);
    if (!*out)
        status = no_memory(p);
fail:
    return status;
}

static enum mien_status parse_document(struct parser *p, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    cJSON *root = NULL;

    if (p->end - p->text >= 3 && memcmp(p->text, "\xEF\xBB\xBF", 3) == 0)
        return fail_at(p, p->text, "a byte order mark");
    TRY(parse_value(p, &root));
    skip_space(p);
    if (p->at < p->end) {
        status = fail_at(p, p->at, "text after the end of the value");
        cJSON_Delete(root);
        root = NULL;
    }
    *out = root;
fail:
    return status;
}

enum mien_status base_json_parse(const char *text, size_t size, const char *where, cJSON **out)
{
    enum mien_status status = MIEN_OK;
    struct parser p = {.text = (const unsigned char *)text, .where = where};
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;

    *out = NULL;
    if (c_locale == (locale_t)0)
        return no_memory(&p);
    before = uselocale(c_locale); /* of this thread: an application's decimal comma must not reach strtod */
    p.at = p.text;
    p.end = p.text + size;
    status = parse_document(&p, out);
    uselocale(before);
    freelocale(c_locale);
    base_free(p.scratch);
    return status;
}

enum mien_status base_json_read(const char *path, cJSON **out)
{
    return base_source_json(&(struct base_source){0}, path, out);
}
