/* json_print.c: cJSON's tree as text. cJSON's printer takes numbers as equal that differ in the last bits, and its
 * pretty form puts a tab before every line. */
#include "base/encoding.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

struct printer {
    struct base_text text;
    bool pretty;
};

static void put(struct printer *p, const char *bytes, size_t count)
{
    base_text_add(&p->text, bytes, count);
}

static void put_text(struct printer *p, const char *text)
{
    put(p, text, strlen(text));
}

static void put_string(struct printer *p, const char *text)
{
    size_t left = text ? strlen(text) : 0, length;
    put(p, "\"", 1);
    for (const char *c = text; left > 0; c += length, left -= length) {
        static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";
        const char *found = strchr(plain, *c);

        length = base_utf8_length(c, left);
        if (length == 0) { /* names of files may be any bytes; JSON may not */
            put_text(p, "\xEF\xBF\xBD");
            length = 1;
        } else if (found) {
            char pair[2] = {'\\', escaped[found - plain]};

            put(p, pair, 2);
        } else if ((unsigned char)*c < 0x20) {
            char code[8];

            snprintf(code, sizeof(code), "\\u%04x", (unsigned)(unsigned char)*c);
            put_text(p, code);
        } else {
            put(p, c, length);
        }
    }
    put(p, "\"", 1);
}

static void put_break(struct printer *p, unsigned depth)
{
    if (!p->pretty)
        return;
    put(p, "\n", 1);
    while (depth-- > 0)
        put(p, "  ", 2);
}

/* Arrays of numbers and words stay on one line: a shape or a matrix row is read across. */
static bool has_containers(const cJSON *value)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, value)
    {
        if (cJSON_IsArray(item) || cJSON_IsObject(item))
            return true;
    }
    return false;
}

static void put_value(struct printer *p, const cJSON *value, unsigned depth);

static void put_container(struct printer *p, const cJSON *value, unsigned depth)
{
    bool object = cJSON_IsObject(value), lines = value->child && (object || has_containers(value));
    const cJSON *item;

    put(p, object ? "{" : "[", 1);
    cJSON_ArrayForEach(item, value)
    {
        if (item != value->child)
            put_text(p, p->pretty && !lines ? ", " : ",");
        if (lines)
            put_break(p, depth + 1);
        if (object) {
            put_string(p, item->string);
            put_text(p, p->pretty ? ": " : ":");
        }
        put_value(p, item, depth + 1);
    }
    if (lines)
        put_break(p, depth);
    put(p, object ? "}" : "]", 1);
}

static void put_value(struct printer *p, const cJSON *value, unsigned depth)
{
    char number[BASE_NUMBER_SIZE];

    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        put_container(p, value, depth);
    else if (cJSON_IsString(value))
        put_string(p, value->valuestring);
    else if (cJSON_IsNumber(value))
        put_text(p, base_number_text(value->valuedouble, 0, number));
    else if (cJSON_IsBool(value))
        put_text(p, cJSON_IsTrue(value) ? "true" : "false");
    else if (cJSON_IsRaw(value))
        put_text(p, value->valuestring);
    else
        put_text(p, "null");
}

char *base_json_print(const cJSON *value, bool pretty)
{
    struct printer p = {.pretty = pretty};
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;

    if (c_locale == (locale_t)0)
        return NULL;
    before = uselocale(c_locale);
    put_value(&p, value, 0);
    uselocale(before);
    freelocale(c_locale);
    if (p.text.status != MIEN_OK)
        base_text_clear(&p.text);
    return p.text.data;
}
