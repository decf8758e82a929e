/* bpe.c: symbols, merges and their numbers. */
#include "data/bpe.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_bytes(const char *text, size_t length)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
    return h ^ h >> 29;
}

static uint64_t hash_pair(uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 31;
}

static uint64_t hash_symbol(const struct data_tokenizer *t, size_t i)
{
    return hash_bytes(t->symbols[i].text, t->symbols[i].length);
}

static uint64_t hash_merge(const struct data_tokenizer *t, size_t i)
{
    return hash_pair(t->merges[i].a, t->merges[i].b);
}

static void table_put(struct bpe_table *table, uint64_t hash, uint32_t index)
{
    size_t at = hash & (table->size - 1);
    while (table->slots[at] != 0)
        at = (at + 1) & (table->size - 1);
    table->slots[at] = index + 1;
    table->used++;
}

/* Room for one more entry; `hash` gives an entry's hash again. */
static enum mien_status table_reserve(const struct data_tokenizer *t, struct bpe_table *table,
                                      uint64_t (*hash)(const struct data_tokenizer *, size_t))
{
    if (table->size > 0 && (table->used + 1) * 2 <= table->size)
        return MIEN_OK;
    struct bpe_table bigger = {.size = table->size ? table->size * 2 : 2048};
    bigger.slots = base_alloc(bigger.size, sizeof(*bigger.slots));
    if (!bigger.slots)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for a tokenizer's table");
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i] != 0)
            table_put(&bigger, hash(t, table->slots[i] - 1), table->slots[i] - 1);
    base_free(table->slots);
    *table = bigger;
    return MIEN_OK;
}

uint32_t bpe_find(const struct data_tokenizer *t, const char *text, size_t length)
{
    const struct bpe_table *table = &t->by_text;
    if (table->size == 0)
        return UINT32_MAX;
    for (size_t at = hash_bytes(text, length) & (table->size - 1); table->slots[at];
         at = (at + 1) & (table->size - 1)) {
        const struct bpe_symbol *s = &t->symbols[table->slots[at] - 1];
        if (s->length == length && memcmp(s->text, text, length) == 0)
            return table->slots[at] - 1;
    }
    return UINT32_MAX;
}

enum mien_status bpe_intern(struct data_tokenizer *t, const char *text, size_t length, uint32_t *symbol)
{
    enum mien_status status = MIEN_OK;
    *symbol = bpe_find(t, text, length);
    if (*symbol != UINT32_MAX)
        return MIEN_OK;
    TRY(table_reserve(t, &t->by_text, hash_symbol));
    TRY(base_grow(&t->symbols, &t->symbol_capacity, t->symbol_count + 1, sizeof(*t->symbols)));
    const char *copy = base_arena_strndup(&t->arena, text, length);
    FAIL_IF_NULL(copy, "a tokenizer's symbol");
    t->symbols[t->symbol_count] = (struct bpe_symbol){copy, (uint32_t)length, -1, 0};
    *symbol = (uint32_t)t->symbol_count++;
    table_put(&t->by_text, hash_bytes(text, length), *symbol);
fail:
    return status;
}

uint32_t bpe_rank(const struct data_tokenizer *t, uint32_t a, uint32_t b)
{
    const struct bpe_table *table = &t->by_pair;
    if (table->size == 0)
        return UINT32_MAX;
    for (size_t at = hash_pair(a, b) & (table->size - 1); table->slots[at]; at = (at + 1) & (table->size - 1)) {
        const struct bpe_merge *m = &t->merges[table->slots[at] - 1];
        if (m->a == a && m->b == b)
            return table->slots[at] - 1;
    }
    return UINT32_MAX;
}

enum mien_status bpe_add_merge(struct data_tokenizer *t, uint32_t a, uint32_t b)
{
    enum mien_status status = MIEN_OK;
    uint32_t result, known = bpe_rank(t, a, b);
    const struct bpe_symbol *x = &t->symbols[a], *y = &t->symbols[b];
    size_t length = x->length + y->length;
    char *text = base_arena_alloc(&t->arena, length);
    FAIL_IF_NULL(text, "a tokenizer's merge");
    memcpy(text, x->text, x->length);
    memcpy(text + x->length, y->text, y->length);
    TRY(bpe_intern(t, text, length, &result));
    TRY(table_reserve(t, &t->by_pair, hash_merge));
    TRY(base_grow(&t->merges, &t->merge_capacity, t->merge_count + 1, sizeof(*t->merges)));
    t->merges[t->merge_count] = (struct bpe_merge){a, b, result};
    if (known == UINT32_MAX) {
        table_put(&t->by_pair, hash_pair(a, b), (uint32_t)t->merge_count);
    } else { /* the later rank takes over the slot */
        size_t at = hash_pair(a, b) & (t->by_pair.size - 1);
        while (t->by_pair.slots[at] != known + 1)
            at = (at + 1) & (t->by_pair.size - 1);
        t->by_pair.slots[at] = (uint32_t)t->merge_count + 1;
    }
    t->merge_count++;
fail:
    return status;
}

/* Bytes that print stand for themselves and come first; the other 68 take the code points from 256 on. */
static bool prints(unsigned byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

unsigned bpe_byte_at(unsigned order)
{
    for (int pass = 1; pass >= 0; pass--)
        for (unsigned b = 0; b < 256; b++)
            if (prints(b) == (pass == 1) && order-- == 0)
                return b;
    return 0;
}

static enum mien_status make_bytes(struct data_tokenizer *t)
{
    enum mien_status status = MIEN_OK;
    for (int final = 0; final < 2; final++) {
        for (unsigned order = 0, next = 256; order < 256; order++) {
            unsigned byte = bpe_byte_at(order);
            char text[8];
            size_t n = unicode_encode(prints(byte) ? byte : next++, text);
            if (final)
                memcpy(text + n, "</w>", 4);
            TRY(bpe_intern(t, text, n + (final ? 4 : 0), final ? &t->final[byte] : &t->plain[byte]));
        }
    }
fail:
    return status;
}

enum mien_status bpe_create(struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct data_tokenizer *t = base_alloc(1, sizeof(*t));
    *out = NULL;
    FAIL_IF_NULL(t, "a tokenizer");
    TRY(make_bytes(t));
    *out = t;
    return MIEN_OK;
fail:
    data_tokenizer_destroy(&t);
    return status;
}

void data_tokenizer_destroy(struct data_tokenizer **tokenizer)
{
    if (!tokenizer || !*tokenizer)
        return;
    struct data_tokenizer *t = *tokenizer;
    base_free(t->symbols);
    base_free(t->merges);
    base_free(t->by_text.slots);
    base_free(t->by_pair.slots);
    base_free(t->by_id);
    base_free(t->added);
    base_free(t->sorted);
    base_arena_clear(&t->arena);
    base_free(t);
    *tokenizer = NULL;
}

enum mien_status bpe_number(struct data_tokenizer *t)
{
    enum mien_status status = MIEN_OK;
    uint32_t special[2];
    int32_t next = 512;
    TRY(bpe_intern(t, BPE_BOS, strlen(BPE_BOS), &special[0]));
    TRY(bpe_intern(t, BPE_EOS, strlen(BPE_EOS), &special[1]));
    for (unsigned order = 0; order < 256; order++) {
        t->symbols[t->plain[bpe_byte_at(order)]].id = (int32_t)order;
        t->symbols[t->final[bpe_byte_at(order)]].id = (int32_t)order + 256;
    }
    for (size_t i = 0; i < t->merge_count; i++) {
        struct bpe_symbol *s = &t->symbols[t->merges[i].result];
        if (s->id < 0)
            s->id = next++;
    }
    for (int i = 0; i < 2; i++)
        t->symbols[special[i]].id = next++;
fail:
    return status;
}

static enum mien_status special_id(const struct data_tokenizer *t, const char *name, const char *path, int32_t *id)
{
    uint32_t symbol = bpe_find(t, name, strlen(name));
    if (symbol == UINT32_MAX || t->symbols[symbol].id < 0)
        return base_fail(MIEN_ERR_DATA, "%s: no token %s; this is not a CLIP tokenizer", path, name);
    *id = t->symbols[symbol].id;
    return MIEN_OK;
}

enum mien_status bpe_finish(struct data_tokenizer *t, const char *path)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < t->symbol_count; i++)
        t->vocab = BASE_MAX(t->vocab, (uint32_t)(t->symbols[i].id + 1));
    t->by_id = base_alloc((size_t)t->vocab + 1, sizeof(*t->by_id));
    FAIL_IF_NULL(t->by_id, path);
    for (size_t i = 0; i < t->symbol_count; i++) {
        if (t->symbols[i].id < 0)
            continue;
        uint32_t *slot = &t->by_id[t->symbols[i].id];
        uint32_t added = t->symbols[i].added;
        FAIL_IF(*slot != 0, MIEN_ERR_DATA, "%s: \"%s\" and \"%s\" have the same id %d",
                added ? t->added[added - 1].file : path, t->symbols[*slot - 1].text, t->symbols[i].text,
                t->symbols[i].id);
        *slot = (uint32_t)i + 1;
        t->tokens++;
    }
    TRY(special_id(t, BPE_BOS, path, &t->bos));
    TRY(special_id(t, BPE_EOS, path, &t->eos));
    t->pad = t->eos;
fail:
    return status;
}

uint32_t data_tokenizer_vocab(const struct data_tokenizer *tokenizer)
{
    return tokenizer->vocab;
}

uint32_t data_tokenizer_count(const struct data_tokenizer *tokenizer)
{
    return tokenizer->tokens;
}

const char *data_tokenizer_last_file(const struct data_tokenizer *tokenizer)
{
    const char *file = bpe_id_file(tokenizer, (int32_t)tokenizer->vocab - 1);
    return file ? file : "a learnt tokenizer";
}

int32_t data_tokenizer_bos(const struct data_tokenizer *tokenizer)
{
    return tokenizer->bos;
}

int32_t data_tokenizer_eos(const struct data_tokenizer *tokenizer)
{
    return tokenizer->eos;
}

int32_t data_tokenizer_pad(const struct data_tokenizer *tokenizer)
{
    return tokenizer->pad;
}

const char *data_tokenizer_symbol(const struct data_tokenizer *tokenizer, uint32_t id)
{
    if (id >= tokenizer->vocab || tokenizer->by_id[id] == 0)
        return NULL;
    return tokenizer->symbols[tokenizer->by_id[id] - 1].text;
}
