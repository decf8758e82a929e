/* text.h: text that grows, and JSON objects under construction. A failure sticks: many calls, one check at the end. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "mien/common.h"

#include <cjson/cJSON.h>

/* A zeroed struct is empty text. */
struct base_text {
    char *data; /* NULL, or ended by a zero byte, which is not counted */
    size_t size, capacity;
    enum mien_status status; /* of the first call that failed; later ones do nothing */
};

void base_text_add(struct base_text *text, const void *data, size_t size);
/* Numbers have a decimal point, whatever the application's locale. */
void base_text_print(struct base_text *text, const char *fmt, ...) MIEN_PRINTF(2, 3);
void base_text_clear(struct base_text *text); /* frees; empty again */

/* An object: keys are added in order, out of memory sets `failed`. */
struct base_object {
    cJSON *json;
    bool failed;
};

struct base_object base_object_begin(void);
/* The object, which the caller owns; NULL, and nothing is left, when memory ran out. */
cJSON *base_object_end(struct base_object *object);

void base_put(struct base_object *object, const char *key, cJSON *item);           /* takes item; NULL fails */
void base_put_number(struct base_object *object, const char *key, double value);   /* null where not finite */
void base_put_text(struct base_object *object, const char *key, const char *text); /* NULL: nothing is put */
void base_put_texts(struct base_object *object, const char *key, const char *const *texts, size_t count);
void base_put_numbers(struct base_object *object, const char *key, const double *values, size_t count);
void base_put_object(struct base_object *object, const char *key, struct base_object *inner); /* ends inner */

/* Arrays likewise. */
cJSON *base_json_numbers(const double *values, size_t count); /* null where not finite; NULL when out of memory */

#endif
