/* json.h: strict JSON reading over cJSON: errors with file, line and key; unknown keys refused with the nearest known
 * one; defaults in one place. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "mien/common.h"

#include <cjson/cJSON.h>

/* Parses text [size]; the whole of it must be one JSON value (RFC 8259: no trailing text, no NaN, valid UTF-8). Refused
 * beyond the RFC, which allows a reader to: equal keys in an object, \u0000 in a string, halves of surrogate pairs,
 * numbers above double precision, more than 256 levels. MIEN_ERR_DATA; `where` (a path, or "path:line") goes into the
 * message, with line and column. Free with cJSON_Delete. */
enum mien_status base_json_parse(const char *text, size_t size, const char *where, cJSON **out);
/* A file, which may begin with a byte-order mark. */
enum mien_status base_json_read(const char *path, cJSON **out);

/* The line, from 1 on, on which a member's name stands in a text that base_json_parse has taken; name: dotted, from the
 * outermost object on ("optim.lr"). 0 when it is not there. */
unsigned base_json_line(const char *text, const char *name);

/* A member of an object; NULL when it is missing or null, which pandas and Hugging Face's libraries write for what is
 * not there. */
const cJSON *base_json_member(const cJSON *object, const char *key);

/* Typed members of an object. `where` as above. A missing or null key leaves *value as it is (the default) and is no
 * error; a wrong type is MIEN_ERR_DATA naming the key and what was expected. */
enum mien_status base_json_string(const cJSON *object, const char *key, const char *where, const char **value);
enum mien_status base_json_number(const cJSON *object, const char *key, const char *where, double *value);
enum mien_status base_json_u32(const cJSON *object, const char *key, const char *where, uint32_t *value);
enum mien_status base_json_u64(const cJSON *object, const char *key, const char *where, uint64_t *value); /* <= 2^53 */
enum mien_status base_json_bool(const cJSON *object, const char *key, const char *where, bool *value);
enum mien_status base_json_object(const cJSON *object, const char *key, const char *where, const cJSON **value);
enum mien_status base_json_array(const cJSON *object, const char *key, const char *where, const cJSON **value);

/* Index of the member's string in `choices` (NULL-ended) into *value; a wrong word is MIEN_ERR_ARG naming all choices.
 */
enum mien_status base_json_choice(const cJSON *object, const char *key, const char *where, const char *const *choices,
                                  uint32_t *value);

/* MIEN_ERR_ARG naming the first key of `object` that is not in `known` (NULL-ended) and the nearest known one. */
enum mien_status base_json_only(const cJSON *object, const char *where, const char *const *known);

/* Nearest of `words` (NULL-ended) to `word` by edit distance, or NULL when none is near. */
const char *base_nearest(const char *word, const char *const *words);

/* Puts item, which it takes, in the place of the member `key`. False: there is no such member, item is NULL, or memory
 * ran out; the object is then only good for deleting. cJSON before 1.7.16 does not notice the last, and leaves a member
 * without a name. */
bool base_json_replace(cJSON *object, const char *key, cJSON *item);

/* Letters to insert, delete, change or swap with their neighbour; UINT_MAX for words of more than 64 bytes. */
unsigned base_word_distance(const char *a, const char *b);
/* The most that is still a slip: a third of the letters; more is another word. */
unsigned base_word_slip(const char *word);

/* Numbers are printed in the fewest digits that read back as the same double; not finite ones as null. `pretty`: two
 * spaces a level, arrays of plain values on one line. What is not UTF-8 becomes U+FFFD. No newline at the end. */
char *base_json_print(const cJSON *value, bool pretty); /* malloc'ed; free with base_free; NULL when out of memory */

#endif
