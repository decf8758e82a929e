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

void base_text_print_list(struct base_text *text, const char *fmt, va_list args)
{
    char piece[512], *longer = NULL;
    va_list again;
    locale_t before = uselocale((locale_t)0), plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain != (locale_t)0)
        uselocale(plain);
    va_copy(again, args);
    int length = vsnprintf(piece, sizeof(piece), fmt, args);
    if (length >= (int)sizeof(piece) && (longer = base_alloc((size_t)length + 1, 1)))
        vsnprintf(longer, (size_t)length + 1, fmt, again);
    if (text->status == MIEN_OK && (length < 0 || (length >= (int)sizeof(piece) && !longer)))
        text->status = base_fail(MIEN_ERR_NOMEM, "out of host memory for text");
    base_text_add(text, longer ? longer : piece, length > 0 ? (size_t)length : 0);
    base_free(longer);
    va_end(again);
    uselocale(before);
    if (plain != (locale_t)0)
        freelocale(plain);
}

void base_text_print(struct base_text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    base_text_print_list(text, fmt, args);
    va_end(args);
}

void base_text_clear(struct base_text *text)
{
    base_free(text->data);
    *text = (struct base_text){0};
}

/* ---- JSON ---- */

struct base_json base_json_object_begin(void)
{
    return (struct base_json){.tree = cJSON_CreateObject()};
}

struct base_json base_json_list_begin(void)
{
    return (struct base_json){.tree = cJSON_CreateArray()};
}

cJSON *base_json_end(struct base_json *json)
{
    cJSON *tree = json->tree;
    if (json->failed) {
        cJSON_Delete(tree);
        tree = NULL;
    }
    *json = (struct base_json){0};
    return tree;
}

void base_put(struct base_json *object, const char *key, cJSON *item)
{
    object->failed = object->failed || !item || !cJSON_AddItemToObject(object->tree, key, item);
    if (object->failed)
        cJSON_Delete(item);
}

void base_add(struct base_json *list, cJSON *item)
{
    list->failed = list->failed || !item || !cJSON_AddItemToArray(list->tree, item);
    if (list->failed)
        cJSON_Delete(item);
}

static cJSON *number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

static cJSON *numbers(const double *values, size_t count)
{
    struct base_json list = base_json_list_begin();
    for (size_t i = 0; i < count; i++)
        base_add_number(&list, values[i]);
    return base_json_end(&list);
}

void base_put_tree(struct base_json *object, const char *key, struct base_json *tree)
{
    base_put(object, key, base_json_end(tree));
}

void base_put_number(struct base_json *object, const char *key, double value)
{
    base_put(object, key, number(value));
}

void base_put_text(struct base_json *object, const char *key, const char *text)
{
    if (text)
        base_put(object, key, cJSON_CreateString(text));
}

void base_put_texts(struct base_json *object, const char *key, const char *const *texts, size_t count)
{
    base_put(object, key, cJSON_CreateStringArray(texts, (int)count));
}

void base_put_numbers(struct base_json *object, const char *key, const double *values, size_t count)
{
    base_put(object, key, numbers(values, count));
}

void base_add_tree(struct base_json *list, struct base_json *tree)
{
    base_add(list, base_json_end(tree));
}

void base_add_number(struct base_json *list, double value)
{
    base_add(list, number(value));
}

void base_add_numbers(struct base_json *list, const double *values, size_t count)
{
    base_add(list, numbers(values, count));
}
