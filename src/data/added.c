/* added.c: added tokens: texts that are one token wherever they stand, as transformers' fast tokenizers find them.
 * Those that are "normalized" are looked for in the cleaned text, cleaned themselves; the others in the text as it is
 * given, which is cut there before it is cleaned. lstrip and rstrip take white space away, which stands for nothing in
 * CLIP. */
#include "data/bpe.h"

#include <stdlib.h>
#include <string.h>

static bool is_marker(const char *content)
{
    return strcmp(content, BPE_BOS) == 0 || strcmp(content, BPE_EOS) == 0;
}

const char *bpe_id_file(const struct data_tokenizer *t, int32_t id)
{
    const struct bpe_symbol *s = &t->symbols[t->by_id[id] - 1];
    return s->added ? t->added[s->added - 1].file : t->file;
}

/* A cleaned token, with its blanks at the ends, in the arena. */
static enum mien_status clean_content(struct data_tokenizer *t, struct bpe_added *token)
{
    enum mien_status status = MIEN_OK;
    struct unicode_text text = {0}, whole = {0};
    /* between characters that join no other, so that its ends are none of a text */
    TRY(unicode_append(&text, "|", 1));
    TRY(unicode_append(&text, token->content, strlen(token->content)));
    TRY(unicode_append(&text, "|", 1));
    TRY(bpe_clean(text.data, text.size, &whole));
    token->size = whole.size - 2;
    token->text = base_arena_strndup(&t->arena, whole.data + 1, token->size);
    FAIL_IF_NULL(token->text, "an added token");
fail:
    base_free(text.data);
    base_free(whole.data);
    return status;
}

enum mien_status bpe_add_token(struct data_tokenizer *t, const struct bpe_added *given)
{
    enum mien_status status = MIEN_OK;
    struct bpe_added token = *given;
    uint32_t symbol;
    TRY(bpe_intern(t, token.content, strlen(token.content), &symbol));
    struct bpe_symbol *s = &t->symbols[symbol];
    FAIL_IF(s->id >= 0 && s->id != token.id, MIEN_ERR_DATA, "%s: \"%s\" has the id %d here, and %d in %s", token.file,
            token.content, token.id, s->id, s->added ? t->added[s->added - 1].file : t->file);
    token.in_vocab = s->id >= 0;
    s->id = token.id;
    if (s->added || !token.content[0] || is_marker(token.content))
        return MIEN_OK;
    token.content = s->text;
    token.file = base_arena_strdup(&t->arena, token.file);
    FAIL_IF_NULL(token.file, "an added token");
    token.text = token.content;
    token.size = strlen(token.content);
    if (token.normalized)
        TRY(clean_content(t, &token));
    TRY(base_grow(&t->added, &t->added_capacity, t->added_count + 1, sizeof(*t->added)));
    t->added[t->added_count++] = token;
    t->symbols[symbol].added = (uint32_t)t->added_count;
fail:
    return status;
}

/* ---- looking for them ---- */

/* By kind, then by bytes; a shorter one before those that it begins. */
static int by_text(const void *a, const void *b)
{
    const struct bpe_added *x = *(const struct bpe_added *const *)a, *y = *(const struct bpe_added *const *)b;
    int order = memcmp(x->text, y->text, BASE_MIN(x->size, y->size));
    if (x->normalized != y->normalized)
        return x->normalized ? 1 : -1;
    if (order == 0 && x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return order != 0 ? order : x->id < y->id ? -1 : x->id > y->id; /* cleaned, two may be one: the first id */
}

enum mien_status bpe_sort_added(struct data_tokenizer *t)
{
    enum mien_status status = MIEN_OK;
    if (t->added_count == 0)
        return MIEN_OK;
    t->sorted = base_alloc(t->added_count, sizeof(*t->sorted));
    FAIL_IF_NULL(t->sorted, "added tokens");
    for (size_t i = 0; i < t->added_count; i++) {
        t->sorted[i] = &t->added[i];
        t->raw_count += !t->added[i].normalized;
    }
    qsort(t->sorted, t->added_count, sizeof(*t->sorted), by_text);
fail:
    return status;
}

/* The first in [low, high) whose byte at `at` is not below `byte`; those that are too short come first. */
static size_t first_from(const struct bpe_added *const *sorted, size_t low, size_t high, size_t at, unsigned byte)
{
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct bpe_added *token = sorted[middle];
        if (token->size <= at || (unsigned char)token->text[at] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest that begins at p, or NULL. */
static const struct bpe_added *longest_at(const struct bpe_added *const *sorted, size_t low, size_t high, const char *p,
                                          size_t left)
{
    const struct bpe_added *found = NULL;
    for (size_t at = 0; at < left && low < high; at++) {
        unsigned byte = (unsigned char)p[at];
        low = first_from(sorted, low, high, at, byte);
        high = byte == 255 ? high : first_from(sorted, low, high, at, byte + 1);
        if (low < high && sorted[low]->size == at + 1)
            found = sorted[low];
    }
    return found;
}

static bool ends_with_word(const char *text, size_t size)
{
    size_t at = size, length;
    while (at > 0 && (text[--at] & 0xC0) == 0x80)
        ;
    return size > 0 && unicode_is_word(unicode_decode(text + at, size - at, &length));
}

static bool begins_with_word(const char *text, size_t size)
{
    size_t length;
    return size > 0 && unicode_is_word(unicode_decode(text, size, &length));
}

const struct bpe_added *bpe_find_added(const struct data_tokenizer *t, bool normalized, const char *text, size_t size,
                                       size_t from, size_t *start)
{
    size_t low = normalized ? t->raw_count : 0, high = normalized ? t->added_count : t->raw_count;
    const struct bpe_added *const *sorted = (const struct bpe_added *const *)t->sorted;
    for (size_t at = from; low < high && at < size; at++) {
        const struct bpe_added *token = longest_at(sorted, low, high, text + at, size - at);
        if (!token)
            continue;
        size_t end = at + token->size;
        *start = at;
        if (!token->single_word || (!ends_with_word(text, at) && !begins_with_word(text + end, size - end)))
            return token;
        at = end - 1; /* passed over whole */
    }
    return NULL;
}
