/* unicode.h: inside data: what a tokenizer must know of Unicode and HTML. The tables are unicode_tables.c, nfc_tables.c
 * and html_tables.c, made by make_unicode.py. */
#ifndef DATA_UNICODE_H
#define DATA_UNICODE_H

#include "mien/common.h"

/* Growable text; `data` is malloc'ed, not ended by a zero byte. */
struct unicode_text {
    char *data;
    size_t size, capacity;
};
enum mien_status unicode_append(struct unicode_text *text, const char *data, size_t size);
enum mien_status unicode_append_code(struct unicode_text *text, uint32_t code);

/* The code point at p and its length in bytes; a malformed byte is U+FFFD of length 1. left >= 1. */
uint32_t unicode_decode(const char *p, size_t left, size_t *length);
/* UTF-8 of a code point into out[4]; its length. */
size_t unicode_encode(uint32_t code, char out[4]);

bool unicode_is_letter(uint32_t code); /* \p{L} */
bool unicode_is_number(uint32_t code); /* \p{N} */
bool unicode_is_word(uint32_t code);   /* \w: letters, marks, digits, connectors */
bool unicode_is_space(uint32_t code);  /* White_Space */

/* Python's str.lower(): U+0130 becomes two code points, a capital sigma at the end of a word the final form.
 * Malformed UTF-8 becomes U+FFFD. Appends to out. */
enum mien_status unicode_lower(const char *text, size_t size, struct unicode_text *out);

/* Normalisation form C: what is composed of base and marks becomes one character, marks stand in their order. Time and
 * memory are linear in size, but for a factor of log(marks) at most. Malformed UTF-8 becomes U+FFFD. Appends to out. */
enum mien_status unicode_nfc(const char *text, size_t size, struct unicode_text *out);

/* Python's html.unescape(): all character references of HTML 5, and the numeric ones. Appends to out. */
enum mien_status unicode_html_unescape(const char *text, size_t size, struct unicode_text *out);

/* Tables */
struct unicode_range {
    uint32_t first, last;
};
struct unicode_run {
    uint32_t first, last, step;
    int32_t delta;
};
struct unicode_class {
    uint32_t first, last, order;
};
struct unicode_single {
    uint32_t code, to;
};
struct unicode_pair {
    uint32_t code, first, second;
};
struct unicode_entity {
    const char *name;
    uint32_t code, second; /* second: 0 = one character */
};
extern const struct unicode_range unicode_letter[], unicode_number[], unicode_word[], unicode_cased[];
extern const struct unicode_range unicode_case_ignorable[];
extern const size_t unicode_letter_count, unicode_number_count, unicode_word_count, unicode_cased_count;
extern const size_t unicode_case_ignorable_count;
extern const struct unicode_run unicode_lower_runs[];
extern const size_t unicode_lower_runs_count;
extern const struct unicode_class unicode_classes[];
extern const struct unicode_single unicode_singles[];
extern const struct unicode_pair unicode_pairs[];
extern const uint16_t unicode_composed[];
extern const size_t unicode_classes_count, unicode_singles_count, unicode_pairs_count, unicode_composed_count;
extern const struct unicode_entity unicode_entities[];
extern const char *const unicode_bare_entities[];
extern const size_t unicode_entities_count, unicode_bare_entities_count;

#endif
