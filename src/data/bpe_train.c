/* bpe_train.c: learns merges. Words are kept once with their counts; each pair knows its count and the words it was
 * seen in; a heap yields the most frequent pair. Entries of the heap may be out of date: they are put back corrected
 * when they surface. Counts of pairs without the newest symbol only ever fall, so that is enough. */
#include "data/bpe.h"

#include <stdlib.h>
#include <string.h>

struct word {
    uint32_t *symbols; /* in the arena */
    uint32_t length;
    uint64_t count;
    uint32_t next; /* word + 1 with the same hash */
};

struct pair {
    uint32_t a, b;
    uint64_t count;
    uint32_t *words; /* may name a word that has it no more */
    size_t word_count, word_capacity;
    uint32_t stamp; /* the merge that last raised it */
};

struct heap_entry {
    uint64_t count;
    uint32_t pair;
};

struct trainer {
    struct data_tokenizer *t;
    struct base_arena arena;
    struct word *words;
    size_t word_count, word_capacity;
    uint32_t *buckets; /* word + 1 */
    size_t bucket_count;
    struct pair *pairs;
    size_t pair_count, pair_capacity;
    struct bpe_table by_pair;
    struct heap_entry *heap;
    size_t heap_count, heap_capacity;
    uint32_t *raised; /* pairs of the merge under way */
    size_t raised_count, raised_capacity;
    struct unicode_text clean;
};

struct data_bpe_learner {
    struct trainer trainer;
    uint32_t vocab_size;
    uint64_t texts;
};

static uint64_t hash_pair(uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 31;
}

static bool same_word(const struct trainer *r, const struct word *w, const char *piece, size_t size)
{
    if (w->length != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)piece[i];
        if (w->symbols[i] != (i + 1 < size ? r->t->plain[byte] : r->t->final[byte]))
            return false;
    }
    return true;
}

static enum mien_status add_word(struct trainer *r, const char *piece, size_t size, uint32_t *bucket)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&r->words, &r->word_capacity, r->word_count + 1, sizeof(*r->words)));
    struct word *w = &r->words[r->word_count];
    *w = (struct word){.symbols = base_arena_array(&r->arena, size, sizeof(uint32_t)),
                       .length = (uint32_t)size,
                       .count = 1,
                       .next = *bucket};
    FAIL_IF_NULL(w->symbols, "the words of a tokenizer");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)piece[i];
        w->symbols[i] = i + 1 < size ? r->t->plain[byte] : r->t->final[byte];
    }
    *bucket = (uint32_t)++r->word_count;
fail:
    return status;
}

static enum mien_status count_piece(void *user, const char *piece, size_t size, int special)
{
    enum { LONGEST = 1000 }; /* bytes; nothing longer is a word, and each merge would go through all of it */
    struct trainer *r = user;
    uint64_t h = 0xCBF29CE484222325u;
    if (special || size > LONGEST)
        return MIEN_OK;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)piece[i]) * 0x100000001B3u;
    uint32_t *bucket = &r->buckets[(h ^ h >> 29) & (r->bucket_count - 1)];
    for (uint32_t at = *bucket; at != 0; at = r->words[at - 1].next) {
        if (same_word(r, &r->words[at - 1], piece, size)) {
            r->words[at - 1].count++;
            return MIEN_OK;
        }
    }
    return add_word(r, piece, size, bucket);
}

/* More frequent first; then the pair whose symbols came first. */
static bool before(const struct trainer *r, struct heap_entry x, struct heap_entry y)
{
    const struct pair *p = &r->pairs[x.pair], *q = &r->pairs[y.pair];
    if (x.count != y.count)
        return x.count > y.count;
    return p->a != q->a ? p->a < q->a : p->b < q->b;
}

static enum mien_status heap_push(struct trainer *r, uint32_t pair)
{
    enum mien_status status = base_grow(&r->heap, &r->heap_capacity, r->heap_count + 1, sizeof(*r->heap));
    if (status != MIEN_OK)
        return status;
    struct heap_entry entry = {r->pairs[pair].count, pair};
    size_t at = r->heap_count++;
    for (; at > 0 && before(r, entry, r->heap[(at - 1) / 2]); at = (at - 1) / 2)
        r->heap[at] = r->heap[(at - 1) / 2];
    r->heap[at] = entry;
    return MIEN_OK;
}

static struct heap_entry heap_pop(struct trainer *r)
{
    struct heap_entry top = r->heap[0], last = r->heap[--r->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= r->heap_count)
            break;
        if (child + 1 < r->heap_count && before(r, r->heap[child + 1], r->heap[child]))
            child++;
        if (!before(r, r->heap[child], last))
            break;
        r->heap[at] = r->heap[child];
        at = child;
    }
    r->heap[at] = last;
    return top;
}

static enum mien_status grow_table(struct trainer *r)
{
    struct bpe_table bigger = {.size = r->by_pair.size ? r->by_pair.size * 2 : 4096};
    bigger.slots = base_alloc(bigger.size, sizeof(*bigger.slots));
    if (!bigger.slots)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for the pairs of a tokenizer");
    for (uint32_t i = 0; i < r->pair_count; i++) {
        size_t at = hash_pair(r->pairs[i].a, r->pairs[i].b) & (bigger.size - 1);
        while (bigger.slots[at])
            at = (at + 1) & (bigger.size - 1);
        bigger.slots[at] = i + 1;
    }
    base_free(r->by_pair.slots);
    r->by_pair = bigger;
    return MIEN_OK;
}

/* The pair's index, made when it is new. */
static enum mien_status find_pair(struct trainer *r, uint32_t a, uint32_t b, uint32_t *index)
{
    enum mien_status status = MIEN_OK;
    if ((r->pair_count + 1) * 2 > r->by_pair.size)
        TRY(grow_table(r));
    size_t mask = r->by_pair.size - 1, at = hash_pair(a, b) & mask;
    for (; r->by_pair.slots[at]; at = (at + 1) & mask) {
        *index = r->by_pair.slots[at] - 1;
        if (r->pairs[*index].a == a && r->pairs[*index].b == b)
            return MIEN_OK;
    }
    TRY(base_grow(&r->pairs, &r->pair_capacity, r->pair_count + 1, sizeof(*r->pairs)));
    *index = (uint32_t)r->pair_count++;
    r->pairs[*index] = (struct pair){.a = a, .b = b};
    r->by_pair.slots[at] = *index + 1;
fail:
    return status;
}

/* Counts the pairs of a word in; those that hold `fresh` (UINT32_MAX = all) note the word and are gathered. */
static enum mien_status count_in(struct trainer *r, uint32_t word, uint32_t fresh, uint32_t stamp)
{
    enum mien_status status = MIEN_OK;
    const struct word *w = &r->words[word];
    for (uint32_t i = 0; i + 1 < w->length; i++) {
        uint32_t index;
        TRY(find_pair(r, w->symbols[i], w->symbols[i + 1], &index));
        struct pair *p = &r->pairs[index];
        p->count += w->count;
        if (fresh != UINT32_MAX && p->a != fresh && p->b != fresh)
            continue;
        if (p->word_count == 0 || p->words[p->word_count - 1] != word) { /* once, however often it has the pair */
            TRY(base_grow(&p->words, &p->word_capacity, p->word_count + 1, sizeof(*p->words)));
            p->words[p->word_count++] = word;
        }
        if (p->stamp == stamp)
            continue;
        p->stamp = stamp;
        TRY(base_grow(&r->raised, &r->raised_capacity, r->raised_count + 1, sizeof(*r->raised)));
        r->raised[r->raised_count++] = index;
    }
fail:
    return status;
}

static enum mien_status count_out(struct trainer *r, uint32_t word)
{
    enum mien_status status = MIEN_OK;
    const struct word *w = &r->words[word];
    for (uint32_t i = 0; i + 1 < w->length; i++) {
        uint32_t index;
        TRY(find_pair(r, w->symbols[i], w->symbols[i + 1], &index));
        r->pairs[index].count -= w->count;
    }
fail:
    return status;
}

static enum mien_status push_raised(struct trainer *r)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < r->raised_count; i++)
        TRY(heap_push(r, r->raised[i]));
    r->raised_count = 0;
fail:
    return status;
}

static bool has_pair(const struct word *w, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i + 1 < w->length; i++)
        if (w->symbols[i] == a && w->symbols[i + 1] == b)
            return true;
    return false;
}

static void rewrite(struct word *w, const struct bpe_merge *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->length; i++) {
        bool hit = i + 1 < w->length && w->symbols[i] == m->a && w->symbols[i + 1] == m->b;
        w->symbols[kept++] = hit ? m->result : w->symbols[i];
        i += hit;
    }
    w->length = kept;
}

static enum mien_status apply(struct trainer *r, uint32_t pair)
{
    enum mien_status status = MIEN_OK;
    TRY(bpe_add_merge(r->t, r->pairs[pair].a, r->pairs[pair].b));
    struct bpe_merge m = r->t->merges[r->t->merge_count - 1];
    for (size_t i = 0; i < r->pairs[pair].word_count; i++) {
        uint32_t word = r->pairs[pair].words[i];
        if (!has_pair(&r->words[word], m.a, m.b))
            continue;
        TRY(count_out(r, word));
        rewrite(&r->words[word], &m);
        TRY(count_in(r, word, m.result, (uint32_t)r->t->merge_count + 1));
    }
    TRY(push_raised(r));
fail:
    return status;
}

static enum mien_status learn(struct trainer *r, uint32_t vocab_size)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t word = 0; word < r->word_count; word++)
        TRY(count_in(r, word, UINT32_MAX, 1));
    TRY(push_raised(r));
    while (r->t->symbol_count + 2 < vocab_size && r->heap_count > 0) {
        struct heap_entry top = heap_pop(r);
        uint64_t now = r->pairs[top.pair].count;
        if (now < 2)
            continue;
        TRY(now != top.count ? heap_push(r, top.pair) : apply(r, top.pair));
    }
fail:
    return status;
}

void data_bpe_abandon(struct data_bpe_learner **learner)
{
    if (!*learner)
        return;
    struct trainer *r = &(*learner)->trainer;
    data_tokenizer_destroy(&r->t);
    for (size_t i = 0; i < r->pair_count; i++)
        base_free(r->pairs[i].words);
    base_free(r->words);
    base_free(r->buckets);
    base_free(r->pairs);
    base_free(r->by_pair.slots);
    base_free(r->heap);
    base_free(r->raised);
    base_free(r->clean.data);
    base_arena_clear(&r->arena);
    base_free(*learner);
    *learner = NULL;
}

enum mien_status data_bpe_begin(uint32_t vocab_size, struct data_bpe_learner **out)
{
    enum mien_status status = MIEN_OK;
    struct data_bpe_learner *learner = base_alloc(1, sizeof(*learner));
    *out = NULL;
    FAIL_IF_NULL(learner, "a tokenizer");
    FAIL_IF(vocab_size < 514, MIEN_ERR_ARG,
            "a vocabulary of %u cannot hold the 512 byte symbols and two special tokens; use 514 or more", vocab_size);
    struct trainer *r = &learner->trainer;
    learner->vocab_size = vocab_size;
    TRY(bpe_create(&r->t));
    r->bucket_count = 1 << 16;
    r->buckets = base_alloc(r->bucket_count, sizeof(*r->buckets));
    FAIL_IF_NULL(r->buckets, "the words of a tokenizer");
    *out = learner;
    return MIEN_OK;
fail:
    data_bpe_abandon(&learner);
    return status;
}

enum mien_status data_bpe_add(struct data_bpe_learner *learner, const char *text)
{
    enum mien_status status = MIEN_OK;
    struct trainer *r = &learner->trainer;
    r->clean.size = 0;
    learner->texts++;
    TRY(bpe_clean(text, strlen(text), &r->clean));
    TRY(bpe_split(r->clean.data, r->clean.size, count_piece, r));
fail:
    return status;
}

uint64_t data_bpe_texts(const struct data_bpe_learner *learner)
{
    return learner->texts;
}

enum mien_status data_bpe_end(struct data_bpe_learner **learner, struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct trainer *r = &(*learner)->trainer;
    *out = NULL;
    TRY(learn(r, (*learner)->vocab_size));
    TRY(bpe_number(r->t));
    TRY(bpe_finish(r->t, "a learnt tokenizer"));
    if (r->t->vocab < (*learner)->vocab_size)
        LOG_INFO("the texts have words for a vocabulary of %u, not %u", r->t->vocab, (*learner)->vocab_size);
    *out = r->t;
    r->t = NULL;
fail:
    data_bpe_abandon(learner);
    return status;
}

enum mien_status data_bpe_train(const char *const *texts, size_t count, uint32_t vocab_size,
                                struct data_tokenizer **out)
{
    enum mien_status status = MIEN_OK;
    struct data_bpe_learner *learner = NULL;
    *out = NULL;
    TRY(data_bpe_begin(vocab_size, &learner));
    for (size_t i = 0; i < count; i++)
        TRY(data_bpe_add(learner, texts[i]));
    return data_bpe_end(&learner, out);
fail:
    data_bpe_abandon(&learner);
    return status;
}
