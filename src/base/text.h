/* text.h: text that grows, and JSON objects under construction. A failure sticks: many calls, one check at the end. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "mien/common.h"

#include <cjson/cJSON.h>
#include <stdarg.h>

/* A zeroed struct is empty text. */
struct base_text {
    char *data; /* NULL, or ended by a zero byte, which is not counted */
    size_t size, capacity;
    enum mien_status status; /* of the first call that failed; later ones do nothing */
};

void base_text_add(struct base_text *text, const void *data, size_t size);
/* Numbers have a decimal point, whatever the application's locale. */
void base_text_print(struct base_text *text, const char *fmt, ...) MIEN_PRINTF(2, 3);
void base_text_print_list(struct base_text *text, const char *fmt, va_list args) MIEN_PRINTF(2, 0);
void base_text_clear(struct base_text *text); /* frees; empty again */

/* An object or a list. */
struct base_json {
    cJSON *tree;
    bool failed; /* memory ran out */
};

struct base_json base_json_object_begin(void);
struct base_json base_json_list_begin(void);
/* The tree, which the caller owns; NULL, and nothing is left, when memory ran out. */
cJSON *base_json_end(struct base_json *json);

/* Members of an object; they stand in the order of the calls. */
void base_put(struct base_json *object, const char *key, cJSON *item);                 /* takes item; NULL fails */
void base_put_tree(struct base_json *object, const char *key, struct base_json *tree); /* ends it */
void base_put_number(struct base_json *object, const char *key, double value);         /* null where not finite */
void base_put_text(struct base_json *object, const char *key, const char *text);       /* NULL: nothing is put */
void base_put_texts(struct base_json *object, const char *key, const char *const *texts, size_t count);
void base_put_numbers(struct base_json *object, const char *key, const double *values, size_t count);

/* Elements of a list, likewise. */
void base_add(struct base_json *list, cJSON *item);
void base_add_tree(struct base_json *list, struct base_json *tree);
void base_add_number(struct base_json *list, double value);
void base_add_numbers(struct base_json *list, const double *values, size_t count); /* a list in the list */

#endif
