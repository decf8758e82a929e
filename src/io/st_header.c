/* st_header.c: a strict reader for the one JSON shape that a safetensors header has:
 *   {"__metadata__": {string: string}, name: {"dtype": word, "shape": [u64], "data_offsets": [u64, u64]}, ...}
 * Numbers must be plain unsigned integers and are kept exactly, which a reader by way of double could not do. */
#include "io/st_header.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

struct scan {
    const unsigned char *text;
    size_t size, at;
    const char *path;
    struct base_arena *arena;
};

static enum mien_status bad(const struct scan *s, const char *what)
{
    return base_fail(MIEN_ERR_DATA, "%s: header byte %zu: %s; the file is damaged or not safetensors", s->path, s->at,
                     what);
}

static void skip_space(struct scan *s)
{
    while (s->at < s->size && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
        s->at++;
}

/* True and consumed when the next character after white space is c. */
static bool accept(struct scan *s, char c)
{
    skip_space(s);
    if (s->at >= s->size || s->text[s->at] != (unsigned char)c)
        return false;
    s->at++;
    return true;
}

static enum mien_status expect(struct scan *s, char c)
{
    char what[32];
    snprintf(what, sizeof(what), "'%c' expected", c);
    return accept(s, c) ? MIEN_OK : bad(s, what);
}

/* Length of the well-formed UTF-8 sequence at p (no overlong forms, no surrogates), 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

static bool hex4(const struct scan *s, size_t at, uint32_t *value)
{
    *value = 0;
    for (size_t i = at; i < at + 4; i++) {
        if (i >= s->size)
            return false;
        unsigned char c = s->text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? c - (uint32_t)'0'
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10u
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10u
                                                : 16u;
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static size_t utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00u >> n & 0xF0u) | c);
    return n;
}

/* The escape after a backslash at s->at; appends to out. */
static enum mien_status escape(struct scan *s, char *out, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned char c = s->at < s->size ? s->text[s->at] : 0;
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit) {
        out[(*n)++] = to[hit - from];
        s->at++;
        return MIEN_OK;
    }
    uint32_t code, low;
    if (c != 'u' || !hex4(s, s->at + 1, &code))
        return bad(s, "wrong escape in a string");
    s->at += 5;
    if (code >= 0xD800 && code < 0xDC00 && s->at + 1 < s->size && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u' &&
        hex4(s, s->at + 2, &low) && low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        s->at += 6;
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000))
        return bad(s, "a NUL or half a surrogate pair in a string");
    *n += utf8_put(out + *n, code);
    return MIEN_OK;
}

static enum mien_status string(struct scan *s, const char **out)
{
    if (!accept(s, '"'))
        return bad(s, "a string expected");
    size_t end = s->at;
    while (end < s->size && s->text[end] != '"')
        end += s->text[end] == '\\' ? 2 : 1;
    if (end >= s->size)
        return bad(s, "string without end");
    char *text = base_arena_alloc(s->arena, end - s->at + 1); /* escapes only shrink */
    if (!text)
        return base_fail(MIEN_ERR_NOMEM, "%s: out of host memory for its header", s->path);
    size_t n = 0;
    while (s->text[s->at] != '"') {
        unsigned char c = s->text[s->at];
        size_t length = utf8_length(s->text + s->at, s->size - s->at);
        if (c < 0x20 || length == 0)
            return bad(s, c < 0x20 ? "control character in a string" : "not UTF-8");
        if (c == '\\') {
            s->at++;
            enum mien_status status = escape(s, text, &n);
            if (status != MIEN_OK)
                return status;
            continue;
        }
        memcpy(text + n, s->text + s->at, length);
        n += length;
        s->at += length;
    }
    s->at++;
    *out = text;
    return MIEN_OK;
}

/* An unsigned integer without sign, fraction, exponent or leading zeros. */
static enum mien_status integer(struct scan *s, uint64_t *out)
{
    skip_space(s);
    size_t first = s->at;
    uint64_t value = 0;
    while (s->at < s->size && s->text[s->at] >= '0' && s->text[s->at] <= '9') {
        uint64_t digit = s->text[s->at] - (uint64_t)'0';
        if (value > (UINT64_MAX - digit) / 10)
            return bad(s, "number above 2^64-1");
        value = value * 10 + digit;
        s->at++;
    }
    unsigned char next = s->at < s->size ? s->text[s->at] : 0;
    if (s->at == first || (s->text[first] == '0' && s->at > first + 1) || next == '.' || next == 'e' || next == 'E')
        return bad(s, "an unsigned integer expected");
    *out = value;
    return MIEN_OK;
}

/* [u64, ...] of at most `max` numbers. */
static enum mien_status integers(struct scan *s, uint64_t *values, uint32_t max, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    *count = 0;
    TRY(expect(s, '['));
    if (accept(s, ']'))
        return MIEN_OK;
    do {
        if (*count == max)
            return bad(s, "more numbers than fit (a tensor has at most 8 dimensions, data_offsets 2 numbers)");
        TRY(integer(s, &values[*count]));
        ++*count;
    } while (accept(s, ','));
    TRY(expect(s, ']'));
fail:
    return status;
}

/* A number by JSON's grammar, of no interest. */
static enum mien_status skip_number(struct scan *s)
{
    char text[64];
    size_t n = 0;
    while (s->at < s->size && n + 1 < sizeof(text) && strchr("+-.eE0123456789", s->text[s->at]) && s->text[s->at])
        text[n++] = (char)s->text[s->at++];
    text[n] = '\0';
    const char *p = text + (text[0] == '-');
    size_t whole = strspn(p, "0123456789");
    bool ok = whole > 0 && (p[0] != '0' || whole == 1);
    p += whole;
    if (ok && *p == '.') {
        size_t digits = strspn(p + 1, "0123456789");
        ok = digits > 0;
        p += 1 + digits;
    }
    if (ok && (*p == 'e' || *p == 'E')) {
        p += 1 + (p[1] == '+' || p[1] == '-');
        size_t digits = strspn(p, "0123456789");
        ok = digits > 0;
        p += digits;
    }
    return ok && *p == '\0' ? MIEN_OK : bad(s, "a value expected");
}

static enum mien_status skip_value(struct scan *s, int depth);

static enum mien_status skip_members(struct scan *s, char close, int depth)
{
    enum mien_status status = MIEN_OK;
    const char *key;
    s->at++;
    if (accept(s, close))
        return MIEN_OK;
    do {
        if (close == '}') {
            TRY(string(s, &key));
            TRY(expect(s, ':'));
        }
        TRY(skip_value(s, depth + 1));
    } while (accept(s, ','));
    TRY(expect(s, close));
fail:
    return status;
}

/* Any JSON value: fields of a tensor that later versions of the format may add are skipped. */
static enum mien_status skip_value(struct scan *s, int depth)
{
    const char *ignored;
    skip_space(s);
    unsigned char c = s->at < s->size ? s->text[s->at] : 0;
    if (depth > MAX_DEPTH)
        return bad(s, "nested too deeply");
    if (c == '"')
        return string(s, &ignored);
    if (c == '{' || c == '[')
        return skip_members(s, c == '{' ? '}' : ']', depth);
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        size_t n = strlen(words[i]);
        if (s->size - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
            s->at += n;
            return MIEN_OK;
        }
    }
    return skip_number(s);
}

static enum mien_status dtype_of(struct scan *s, const char *word, enum io_dtype *out)
{
    for (int d = 0; d < IO_DTYPE_COUNT; d++)
        if (strcmp(word, io_dtype_name((enum io_dtype)d)) == 0) {
            *out = (enum io_dtype)d;
            return MIEN_OK;
        }
    return base_fail(MIEN_ERR_DATA, "%s: header byte %zu: unknown dtype \"%s\"", s->path, s->at, word);
}

/* One field of a tensor; `seen` gathers bits: 1 dtype, 2 shape, 4 data_offsets. */
static enum mien_status tensor_field(struct scan *s, struct st_entry *entry, unsigned *seen)
{
    enum mien_status status = MIEN_OK;
    const char *key, *word;
    uint64_t range[2];
    uint32_t n = 0;
    unsigned bit = 0;
    TRY(string(s, &key));
    TRY(expect(s, ':'));
    if (strcmp(key, "dtype") == 0) {
        bit = 1;
        TRY(string(s, &word));
        TRY(dtype_of(s, word, &entry->tensor.dtype));
    } else if (strcmp(key, "shape") == 0) {
        bit = 2;
        TRY(integers(s, entry->tensor.dims, IO_MAX_RANK, &entry->tensor.rank));
    } else if (strcmp(key, "data_offsets") == 0) {
        bit = 4;
        TRY(integers(s, range, 2, &n));
        if (n != 2)
            return bad(s, "data_offsets needs two numbers");
        entry->begin = range[0];
        entry->end = range[1];
    } else {
        TRY(skip_value(s, 0));
    }
    if (*seen & bit)
        return bad(s, "a field of a tensor stands there twice");
    *seen |= bit;
fail:
    return status;
}

static enum mien_status tensor_entry(struct scan *s, struct st_header *header, const char *name)
{
    enum mien_status status = MIEN_OK;
    unsigned seen = 0;
    TRY(base_grow(&header->entries, &header->capacity, header->count + 1, sizeof(header->entries[0])));
    struct st_entry *entry = &header->entries[header->count];
    memset(entry, 0, sizeof(*entry));
    entry->tensor.name = name;
    TRY(expect(s, '{'));
    if (!accept(s, '}')) {
        do {
            TRY(tensor_field(s, entry, &seen));
        } while (accept(s, ','));
        TRY(expect(s, '}'));
    }
    FAIL_IF(seen != 7, MIEN_ERR_DATA, "%s: tensor \"%s\" lacks its dtype, shape or data_offsets; the file is damaged",
            s->path, name);
    header->count++;
fail:
    return status;
}

static enum mien_status metadata(struct scan *s, struct st_header *header)
{
    enum mien_status status = MIEN_OK;
    TRY(expect(s, '{'));
    if (accept(s, '}'))
        return MIEN_OK;
    do {
        TRY(base_grow(&header->pairs, &header->pair_capacity, header->pair_count + 1, sizeof(header->pairs[0])));
        struct st_pair *pair = &header->pairs[header->pair_count];
        TRY(string(s, &pair->key));
        TRY(expect(s, ':'));
        TRY(string(s, &pair->value));
        header->pair_count++;
    } while (accept(s, ','));
    TRY(expect(s, '}'));
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct st_entry *)a)->tensor.name, ((const struct st_entry *)b)->tensor.name);
}

static enum mien_status refuse_duplicates(const struct scan *s, struct st_header *header)
{
    if (header->count > 0)
        qsort(header->entries, header->count, sizeof(header->entries[0]), by_name);
    for (size_t i = 1; i < header->count; i++)
        if (by_name(&header->entries[i - 1], &header->entries[i]) == 0)
            return base_fail(MIEN_ERR_DATA, "%s: two tensors are named \"%s\"; the file is damaged", s->path,
                             header->entries[i].tensor.name);
    return MIEN_OK;
}

enum mien_status st_header_parse(const char *text, size_t size, const char *path, struct st_header *out)
{
    enum mien_status status = MIEN_OK;
    struct scan s = {(const unsigned char *)text, size, 0, path, &out->arena};
    const char *name;
    bool has_metadata = false;
    if (size == 0 || text[0] != '{')
        return bad(&s, "'{' expected");
    s.at = 1;
    if (!accept(&s, '}')) {
        do {
            TRY(string(&s, &name));
            TRY(expect(&s, ':'));
            bool is_metadata = strcmp(name, "__metadata__") == 0;
            if (is_metadata && has_metadata)
                return bad(&s, "two __metadata__");
            has_metadata = has_metadata || is_metadata;
            TRY(is_metadata ? metadata(&s, out) : tensor_entry(&s, out, name));
        } while (accept(&s, ','));
        TRY(expect(&s, '}'));
    }
    skip_space(&s);
    if (s.at != s.size)
        return bad(&s, "text after the header's end");
    TRY(refuse_duplicates(&s, out));
fail:
    return status;
}

void st_header_clear(struct st_header *header)
{
    base_free(header->entries);
    base_free(header->pairs);
    base_arena_clear(&header->arena);
    memset(header, 0, sizeof(*header));
}
