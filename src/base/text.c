/* text.c: text that grows, and JSON objects under construction. */
#include "base/text.h"

#include "base/arena.h"
#include "base/status.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void base_text_add(struct base_text *text, const void *data, size_t size)
{
    if (text->status == MIEN_OK)
        text->status = base_grow(&text->data, &text->capacity, text->size + size + 1, 1);
    if (text->status != MIEN_OK)
        return;
    if (size)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = 0;
}

void base_text_print(struct base_text *text, const char *fmt, ...)
{
    char piece[512], *longer = NULL;
    va_list args, again;
    locale_t before = uselocale((locale_t)0), plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain != (locale_t)0)
        uselocale(plain);
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(piece, sizeof(piece), fmt, args);
    if (length >= (int)sizeof(piece) && (longer = base_alloc((size_t)length + 1, 1)))
        vsnprintf(longer, (size_t)length + 1, fmt, again);
    if (length < 0 || (length >= (int)sizeof(piece) && !longer))
        text->status =
            text->status != MIEN_OK ? text->status : base_fail(MIEN_ERR_NOMEM, "out of host memory for text");
    base_text_add(text, longer ? longer : piece, length > 0 ? (size_t)length : 0);
    base_free(longer);
    va_end(again);
    va_end(args);
    uselocale(before);
    if (plain != (locale_t)0)
        freelocale(plain);
}

void base_text_clear(struct base_text *text)
{
    base_free(text->data);
    *text = (struct base_text){0};
}

struct base_object base_object_begin(void)
{
    return (struct base_object){.json = cJSON_CreateObject()};
}

cJSON *base_object_end(struct base_object *object)
{
    cJSON *json = object->json;
    if (object->failed) {
        cJSON_Delete(json);
        json = NULL;
    }
    *object = (struct base_object){0};
    return json;
}

void base_put(struct base_object *object, const char *key, cJSON *item)
{
    object->failed = object->failed || !item || !cJSON_AddItemToObject(object->json, key, item);
    if (object->failed)
        cJSON_Delete(item);
}

static cJSON *number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

void base_put_number(struct base_object *object, const char *key, double value)
{
    base_put(object, key, number(value));
}

void base_put_text(struct base_object *object, const char *key, const char *text)
{
    if (text)
        base_put(object, key, cJSON_CreateString(text));
}

void base_put_texts(struct base_object *object, const char *key, const char *const *texts, size_t count)
{
    base_put(object, key, cJSON_CreateStringArray(texts, (int)count));
}

cJSON *base_json_numbers(const double *values, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list && i < count; i++) {
        cJSON *item = number(values[i]);
        if (item && cJSON_AddItemToArray(list, item))
            continue;
        cJSON_Delete(item);
        cJSON_Delete(list);
        list = NULL;
    }
    return list;
}

void base_put_numbers(struct base_object *object, const char *key, const double *values, size_t count)
{
    base_put(object, key, base_json_numbers(values, count));
}

void base_put_object(struct base_object *object, const char *key, struct base_object *inner)
{
    base_put(object, key, base_object_end(inner));
}
