/* tokenizer.c: from a text to ids. */
#include "data/bpe.h"

#include <string.h>

/* Where the expression's "ignore case" shows on a text in lower case: LONG_S counts as s; the combining IOTA, whose
 * capital is a letter while itself is none, fits no alternative and is passed over. */
enum { LONG_S = 0x17F, IOTA = 0x345 };

/* What Python's strip() takes off the ends: white space and the separators 1C to 1F, which \s does not match. */
static bool strips(uint32_t code)
{
    return unicode_is_space(code) || (code >= 0x1C && code <= 0x1F);
}

static void strip(const char **text, size_t *size)
{
    size_t length, first = 0, end = 0;
    for (size_t at = 0; at < *size; at += length) {
        uint32_t code = unicode_decode(*text + at, *size - at, &length);
        if (strips(code) && end == 0)
            first = at + length;
        if (!strips(code))
            end = at + length;
    }
    *text += first;
    *size = end > first ? end - first : 0;
}

/* The typographic quotes, as ftfy makes them straight. */
static char straight(uint32_t code)
{
    return code >= 0x2018 && code <= 0x201B ? '\'' : code >= 0x201C && code <= 0x201F ? '"' : 0;
}

/* White space collapsed to one space, none at the ends; quotes straight. */
static enum mien_status collapse(const char *text, size_t size, struct unicode_text *out)
{
    enum mien_status status = MIEN_OK;
    size_t length, start = out->size;
    bool space = false;
    if (size == 0)
        return MIEN_OK;
    strip(&text, &size);
    for (size_t at = 0; at < size; at += length) {
        uint32_t code = unicode_decode(text + at, size - at, &length);
        if (unicode_is_space(code)) {
            space = out->size > start;
            continue;
        }
        if (space)
            TRY(unicode_append(out, " ", 1));
        space = false;
        char quote = straight(code);
        TRY(unicode_append(out, quote ? &quote : text + at, quote ? 1 : length));
    }
fail:
    return status;
}

enum mien_status bpe_clean(const char *text, size_t size, struct unicode_text *out)
{
    enum mien_status status = MIEN_OK;
    struct unicode_text a = {0}, b = {0};
    TRY(unicode_html_unescape(text, size, &a));
    TRY(unicode_html_unescape(a.data, a.size, &b));
    a.size = 0;
    TRY(unicode_nfc(b.data, b.size, &a));
    b.size = 0;
    TRY(collapse(a.data, a.size, &b));
    TRY(unicode_lower(b.data, b.size, out));
fail:
    base_free(a.data);
    base_free(b.data);
    return status;
}

/* Length of an apostrophe's ending ('s 't 're 've 'm 'll 'd) at p, or 0. */
static size_t ending(const char *p, size_t left)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t length;
    if (p[0] != '\'')
        return 0;
    for (size_t i = 0; i < BASE_COUNT(endings); i++) {
        size_t n = strlen(endings[i]);
        if (left >= n && memcmp(p, endings[i], n) == 0)
            return n;
    }
    return left > 2 && unicode_decode(p + 1, left - 1, &length) == LONG_S ? 1 + length : 0;
}

static int class_of(uint32_t code)
{
    return unicode_is_space(code) || code == IOTA ? 0 : unicode_is_letter(code) ? 1 : unicode_is_number(code) ? 2 : 3;
}

/* Length of the run of characters of the first one's class; a number stands alone. */
static size_t run(const char *p, size_t left, int *class)
{
    size_t length, n;
    *class = class_of(unicode_decode(p, left, &n));
    while (*class != 2 && n < left && class_of(unicode_decode(p + n, left - n, &length)) == *class)
        n += length;
    return n;
}

/* CLIP's expression: specials | endings | letters | one number | anything else but white space. */
enum mien_status bpe_split(const char *text, size_t size, bpe_piece_fn fn, void *user)
{
    static const char *const specials[] = {BPE_BOS, BPE_EOS};
    enum mien_status status = MIEN_OK;
    for (size_t at = 0, n; at < size; at += n) {
        int special = 0, class = 3;
        for (int i = 0; i < 2; i++)
            if (size - at >= strlen(specials[i]) && memcmp(text + at, specials[i], strlen(specials[i])) == 0)
                special = i + 1;
        n = special ? strlen(specials[special - 1]) : ending(text + at, size - at);
        if (n == 0)
            n = run(text + at, size - at, &class);
        if (class != 0)
            TRY(fn(user, text + at, n, special));
    }
fail:
    return status;
}

struct encoder {
    const struct data_tokenizer *tokenizer;
    struct data_ids *out;
    struct bpe_word word;
};

static enum mien_status encode_parts(struct encoder *e, const char *text, size_t size, bool cleaned);

static enum mien_status append_id(struct data_ids *out, int32_t id)
{
    enum mien_status status = base_grow(&out->ids, &out->capacity, out->count + 1, sizeof(*out->ids));
    if (status == MIEN_OK)
        out->ids[out->count++] = id;
    return status;
}

static enum mien_status encode_piece(void *user, const char *piece, size_t size, int special)
{
    enum mien_status status = MIEN_OK;
    struct encoder *e = user;
    const struct data_tokenizer *t = e->tokenizer;
    if (special)
        return append_id(e->out, special == 1 ? t->bos : t->eos);
    TRY(bpe_merge_word(t, &e->word, piece, size));
    for (size_t i = 0; i < e->word.count; i++) {
        int32_t id = t->symbols[e->word.symbols[i]].id;
        TRY(append_id(e->out, id >= 0 ? id : t->eos)); /* CLIP's unknown token is its end token */
    }
fail:
    return status;
}

/* A part of a text: between added tokens that are looked for in the text as it is, or, with `cleaned`, between the
 * others. */
static enum mien_status encode_part(struct encoder *e, const char *text, size_t size, bool cleaned)
{
    enum mien_status status = MIEN_OK;
    struct unicode_text clean = {0};
    if (cleaned)
        return bpe_split(text, size, encode_piece, e);
    TRY(bpe_clean(text, size, &clean));
    TRY(encode_parts(e, clean.data, clean.size, true));
fail:
    base_free(clean.data);
    return status;
}

static enum mien_status encode_parts(struct encoder *e, const char *text, size_t size, bool cleaned)
{
    enum mien_status status = MIEN_OK;
    const struct bpe_added *token;
    size_t at = 0, start;
    while ((token = bpe_find_added(e->tokenizer, cleaned, text, size, at, &start))) {
        if (start > at)
            TRY(encode_part(e, text + at, start - at, cleaned));
        TRY(append_id(e->out, token->id));
        at = start + token->size;
    }
    if (at < size)
        TRY(encode_part(e, text + at, size - at, cleaned));
fail:
    return status;
}

enum mien_status data_tokenizer_encode(const struct data_tokenizer *tokenizer, const char *text, size_t size,
                                       struct data_ids *out)
{
    struct encoder e = {.tokenizer = tokenizer, .out = out};
    enum mien_status status = encode_parts(&e, text, size, false);
    bpe_word_clear(&e.word);
    return status;
}

enum mien_status data_tokenizer_encode_row(const struct data_tokenizer *tokenizer, const char *text, uint32_t context,
                                           struct data_ids *out, bool *cut)
{
    enum mien_status status = MIEN_OK;
    size_t start = out->count;
    TRY(base_argument_check("a text", text));
    FAIL_IF(context < 2, MIEN_ERR_ARG, "a context of %u tokens holds no text; 2 are the least", context);
    TRY(append_id(out, tokenizer->bos));
    TRY(data_tokenizer_encode(tokenizer, text, strlen(text), out));
    TRY(append_id(out, tokenizer->eos));
    bool long_ = out->count - start > context;
    if (long_) {
        out->count = start + context;
        out->ids[out->count - 1] = tokenizer->eos;
    }
    if (cut)
        *cut = long_;
fail:
    return status;
}
