/* unicode.c: UTF-8, character classes and lower case. */
#include "data/unicode.h"

#include "base/base.h"

#include <string.h>

enum { CAPITAL_SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2, SIGMA = 0x3C3, DOTTED_I = 0x130, REPLACEMENT = 0xFFFD };

enum mien_status unicode_append(struct unicode_text *text, const char *data, size_t size)
{
    enum mien_status status = base_grow(&text->data, &text->capacity, text->size + size + 1, 1);
    if (status == MIEN_OK && size > 0) {
        memcpy(text->data + text->size, data, size);
        text->size += size;
    }
    return status;
}

size_t unicode_encode(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (n == 1) {
        out[0] = (char)code;
        return 1;
    }
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xF0u) | code);
    return n;
}

enum mien_status unicode_append_code(struct unicode_text *text, uint32_t code)
{
    char bytes[4];
    return unicode_append(text, bytes, unicode_encode(code, bytes));
}

uint32_t unicode_decode(const char *p, size_t left, size_t *length)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)p;
    *length = 1;
    if (s[0] < 0x80)
        return s[0];
    size_t n = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (n == 0 || n > left)
        return REPLACEMENT;
    uint32_t code = s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        code = code << 6 | (s[i] & 0x3F);
    }
    if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return REPLACEMENT;
    *length = n;
    return code;
}

static bool in_ranges(const struct unicode_range *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else if (code < ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

bool unicode_is_letter(uint32_t code)
{
    if (code < 0x80)
        return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    return in_ranges(unicode_letter, unicode_letter_count, code);
}

bool unicode_is_word(uint32_t code)
{
    return in_ranges(unicode_word, unicode_word_count, code);
}

bool unicode_is_number(uint32_t code)
{
    if (code < 0x80)
        return code >= '0' && code <= '9';
    return in_ranges(unicode_number, unicode_number_count, code);
}

bool unicode_is_space(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == ' ' || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

static uint32_t lower_one(uint32_t code)
{
    size_t low = 0, high = unicode_lower_runs_count;
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_run *run = &unicode_lower_runs[middle];
        if (code > run->last)
            low = middle + 1;
        else if (code < run->first)
            high = middle;
        else
            return (code - run->first) % run->step == 0 ? (uint32_t)((int64_t)code + run->delta) : code;
    }
    return code;
}

static bool ignorable(uint32_t code)
{
    return in_ranges(unicode_case_ignorable, unicode_case_ignorable_count, code);
}

static bool cased(uint32_t code)
{
    return in_ranges(unicode_cased, unicode_cased_count, code);
}

/* Whether the sigma at `at` (2 bytes) ends a word: a cased letter before it, none after it, case-ignorable characters
 * not counted (Unicode's Final_Sigma). */
static bool sigma_is_final(const char *text, size_t size, size_t at)
{
    size_t length;
    uint32_t code = 0;
    size_t before = at;
    do {
        if (before == 0)
            return false;
        before--;
        while (before > 0 && (text[before] & 0xC0) == 0x80)
            before--;
        code = unicode_decode(text + before, size - before, &length);
    } while (ignorable(code));
    if (!cased(code))
        return false;
    for (size_t after = at + 2; after < size; after += length) {
        code = unicode_decode(text + after, size - after, &length);
        if (!ignorable(code))
            return !cased(code);
    }
    return true;
}

enum mien_status unicode_lower(const char *text, size_t size, struct unicode_text *out)
{
    enum mien_status status = MIEN_OK;
    size_t length;
    for (size_t at = 0; at < size; at += length) {
        uint32_t code = unicode_decode(text + at, size - at, &length);
        if (code == DOTTED_I)
            TRY(unicode_append(out, "i\xCC\x87", 3)); /* i and a combining dot above */
        else if (code == CAPITAL_SIGMA)
            TRY(unicode_append_code(out, sigma_is_final(text, size, at) ? FINAL_SIGMA : SIGMA));
        else
            TRY(unicode_append_code(out, lower_one(code)));
    }
fail:
    return status;
}
