/* bpe.h: inside data: the parts of a tokenizer. */
#ifndef DATA_BPE_H
#define DATA_BPE_H

#include "base/base.h"
#include "data/tokenizer.h"
#include "data/unicode.h"

/* A symbol: text in the byte alphabet; every string that a vocabulary or a merge names, once. */
struct bpe_symbol {
    const char *text;
    uint32_t length;
    int32_t id;     /* in the vocabulary, -1 when it is not there */
    uint32_t added; /* place among the added tokens + 1, 0 = none of them */
};

/* A text that is one token wherever it stands. */
struct bpe_added {
    const char *content; /* as the file has it */
    const char *text;    /* [size] what is looked for: the content, or, when normalized, the cleaned content */
    size_t size;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
    bool in_vocab;    /* of the vocabulary as well */
    const char *file; /* that gives it */
};

struct bpe_merge {
    uint32_t a, b, result; /* symbols */
};

/* Open addressing; slots hold index + 1, 0 = empty; a power of two of them, at most half full. */
struct bpe_table {
    uint32_t *slots;
    size_t size, used;
};

struct data_tokenizer {
    struct base_arena arena;
    struct bpe_symbol *symbols;
    size_t symbol_count, symbol_capacity;
    struct bpe_table by_text;
    struct bpe_merge *merges; /* by rank */
    size_t merge_count, merge_capacity;
    struct bpe_table by_pair;
    uint32_t plain[256], final[256]; /* symbols of each byte, inside and at the end of a word */
    uint32_t *by_id;                 /* symbol + 1 of each id, 0 = none */
    struct bpe_added *added;
    size_t added_count, added_capacity;
    const struct bpe_added **sorted; /* [added_count] by text: raw_count that are not normalized, then the others */
    size_t raw_count;
    const char *file; /* that gives the vocabulary */
    uint32_t vocab, tokens;
    int32_t bos, eos, pad;
};

#define BPE_BOS "<|startoftext|>"
#define BPE_EOS "<|endoftext|>"

/* An empty tokenizer with the 512 byte symbols, without ids. Freed by data_tokenizer_destroy. */
enum mien_status bpe_create(struct data_tokenizer **out);
/* The symbol of that text, made when it is new. */
enum mien_status bpe_intern(struct data_tokenizer *t, const char *text, size_t length, uint32_t *symbol);
/* The symbol, or UINT32_MAX. */
uint32_t bpe_find(const struct data_tokenizer *t, const char *text, size_t length);
/* Appends a merge of two symbols; its result is interned. A pair that is known takes the later rank. */
enum mien_status bpe_add_merge(struct data_tokenizer *t, uint32_t a, uint32_t b);
/* Rank of a pair, or UINT32_MAX. */
uint32_t bpe_rank(const struct data_tokenizer *t, uint32_t a, uint32_t b);
/* Gives ids as CLIP numbers them: bytes, final bytes, results of merges in order (a repeated one keeps its first id),
 * then the two special tokens. */
enum mien_status bpe_number(struct data_tokenizer *t);
/* "token": id of an object; the file goes into t->file. */
enum mien_status bpe_read_vocab(struct data_tokenizer *t, const cJSON *json, const char *path);
/* A whole number that can be an id; `name` for the message. */
enum mien_status bpe_read_id(const cJSON *item, const char *path, const char *name, int32_t *id);
/* Vocabulary and merges of tokenizer.json; MIEN_ERR_DATA, naming what it is instead, when it is not CLIP's. */
enum mien_status bpe_read_json(struct data_tokenizer *t, const struct base_source *source, const char *path);
/* The added tokens of all files that have some; after the vocabulary, before bpe_finish. */
enum mien_status bpe_read_added(struct data_tokenizer *t, const struct base_source *source);
/* One of them; content and file are copied, text, size and in_vocab ignored. MIEN_ERR_DATA when it has another id
 * elsewhere. */
enum mien_status bpe_add_token(struct data_tokenizer *t, const struct bpe_added *token);
enum mien_status bpe_sort_added(struct data_tokenizer *t);
/* The next of them from `from` on, beginning at *start and token->size long, or NULL. normalized: text is cleaned. */
const struct bpe_added *bpe_find_added(const struct data_tokenizer *t, bool normalized, const char *text, size_t size,
                                       size_t from, size_t *start);
/* The file that gives an id which a token has. */
const char *bpe_id_file(const struct data_tokenizer *t, int32_t id);
/* Fills by_id, vocab, bos, eos; pad = eos. MIEN_ERR_DATA when a special token or a byte has no id. `path` for the
 * message. */
enum mien_status bpe_finish(struct data_tokenizer *t, const char *path);
/* Byte with place `order` in CLIP's byte order. */
unsigned bpe_byte_at(unsigned order);

/* A word under merging; zeros at first, one serves many words. */
struct bpe_word {
    uint32_t *symbols; /* the result [count] */
    size_t count;
    uint32_t *next, *before, *changed; /* places [capacity] */
    uint64_t *heap;
    size_t heap_count, capacity;
};
/* A piece of a text, its last byte ending the word, into symbols after all merges. */
enum mien_status bpe_merge_word(const struct data_tokenizer *t, struct bpe_word *w, const char *piece, size_t size);
void bpe_word_clear(struct bpe_word *w);

/* The pieces of a cleaned text, in order. special: 1 = BPE_BOS, 2 = BPE_EOS, 0 = a word. */
typedef enum mien_status (*bpe_piece_fn)(void *user, const char *piece, size_t size, int special);
enum mien_status bpe_clean(const char *text, size_t size, struct unicode_text *out);
enum mien_status bpe_split(const char *text, size_t size, bpe_piece_fn fn, void *user);

#endif
