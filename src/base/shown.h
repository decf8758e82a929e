/* shown.h: text as a terminal or a line of a log may have it: names of files hold any byte but two, and some of them
 * move cursors, colour lines or begin new ones. Needs no other part of base: the command uses it beside libmien. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { BASE_SHOWN_MOST = 12 }; /* bytes that one character becomes at most, the end included */

/* The character at `text` (not its end): its bytes, 1 where they are no UTF-8, and its number. */
static inline size_t base_shown_read(const char *text, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t more = s[0] < 0xC2 || s[0] > 0xF4 ? 0 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : 3;
    *code = more ? s[0] & (0x3Fu >> more) : s[0];
    for (size_t i = 1; i <= more; i++) { /* the end is no 10xxxxxx: nothing beyond it is read */
        if ((s[i] & 0xC0) != 0x80) {
            *code = s[0];
            return 1;
        }
        *code = *code << 6 | (s[i] & 0x3F);
    }
    return more + 1;
}

/* Controls of ASCII and Latin 1, line separators, what turns the direction of writing; bytes that are no UTF-8. */
static inline bool base_shown_escapes(uint32_t code, size_t bytes)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (bytes == 1 && code >= 0x80) || code == 0x2028 ||
           code == 0x2029 || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* Puts the character at *text, as it may be shown, into out (with an end) and moves behind it; returns its bytes. */
static inline size_t base_shown_next(const char **text, char out[BASE_SHOWN_MOST])
{
    uint32_t code;
    size_t bytes = base_shown_read(*text, &code), length = 0;
    if (!base_shown_escapes(code, bytes)) {
        for (; length < bytes; length++)
            out[length] = (*text)[length];
        out[length] = 0;
    } else if (code == '\n' || code == '\t' || code == '\r') {
        length = (size_t)snprintf(out, BASE_SHOWN_MOST, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
    } else if (bytes == 1) {
        length = (size_t)snprintf(out, BASE_SHOWN_MOST, "\\x%02x", (unsigned)code);
    } else {
        length = (size_t)snprintf(out, BASE_SHOWN_MOST, "\\u%04x", (unsigned)code);
    }
    *text += bytes;
    return length;
}

/* The whole text, cut to `size` after a whole character; returns the bytes it takes uncut, without the end. */
static inline size_t base_shown(const char *text, char *out, size_t size)
{
    size_t need = 0, used = 0;
    bool cut = false;
    while (*text) {
        char one[BASE_SHOWN_MOST];
        size_t length = base_shown_next(&text, one);
        need += length;
        cut = cut || used + length >= size;
        for (size_t i = 0; i < length && !cut; i++)
            out[used++] = one[i];
    }
    if (size)
        out[used] = 0;
    return need;
}

#endif
