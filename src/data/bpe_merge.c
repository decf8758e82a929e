/* bpe_merge.c: the merges of one word: the pair of lowest rank wherever it occurs, left to right, until no pair has a
 * rank. The word is a list of symbols over its first places; a heap holds its pairs by rank, then place, so that a word
 * of n bytes takes n log n: a text may be one word. */
#include "data/bpe.h"

#include <string.h>

#define NONE UINT32_MAX

/* ---- the heap: rank << 32 | place, the least first ---- */

static void push(struct bpe_word *w, uint64_t entry)
{
    size_t i = w->heap_count++;
    for (; i > 0 && entry < w->heap[(i - 1) / 2]; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = entry;
}

static uint64_t pop(struct bpe_word *w)
{
    uint64_t top = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < w->heap_count) {
        if (child + 1 < w->heap_count && w->heap[child + 1] < w->heap[child])
            child++;
        if (last <= w->heap[child])
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* The pair that begins at a place, when it has a rank. */
static void push_pair(const struct data_tokenizer *t, struct bpe_word *w, uint32_t at)
{
    uint32_t next = at == NONE || w->symbols[at] == NONE ? NONE : w->next[at];
    uint32_t rank = next == NONE ? NONE : bpe_rank(t, w->symbols[at], w->symbols[next]);
    if (rank != NONE)
        push(w, (uint64_t)rank << 32 | at);
}

/* ---- the word ---- */

/* Merges what stands at a place, if it is still that pair; whether it was. */
static bool merge_at(struct bpe_word *w, const struct bpe_merge *m, uint32_t at)
{
    uint32_t next = w->symbols[at] == m->a ? w->next[at] : NONE;
    if (next == NONE || w->symbols[next] != m->b)
        return false;
    w->symbols[at] = m->result;
    w->symbols[next] = NONE;
    w->next[at] = w->next[next];
    if (w->next[at] != NONE)
        w->before[w->next[at]] = at;
    return true;
}

/* All pairs of the rank on top. What they give rise to waits until they are done, though its rank may be lower. */
static void merge_rank(const struct data_tokenizer *t, struct bpe_word *w)
{
    uint32_t rank = (uint32_t)(w->heap[0] >> 32), changed = 0;
    while (w->heap_count > 0 && w->heap[0] >> 32 == rank) {
        uint32_t at = (uint32_t)pop(w);
        if (merge_at(w, &t->merges[rank], at))
            w->changed[changed++] = at;
    }
    for (uint32_t i = 0; i < changed; i++) {
        push_pair(t, w, w->before[w->changed[i]]);
        push_pair(t, w, w->changed[i]);
    }
}

/* Each byte enters the heap with one pair, each merge takes one place away and enters two. */
static enum mien_status reserve(struct bpe_word *w, size_t size)
{
    enum mien_status status = MIEN_OK;
    if (size <= w->capacity)
        return MIEN_OK;
    size = BASE_MAX(size, 2 * w->capacity);
    bpe_word_clear(w);
    w->symbols = base_alloc(size, 4 * sizeof(*w->symbols));
    w->heap = base_alloc(size, 3 * sizeof(*w->heap));
    FAIL_IF(!w->symbols || !w->heap, MIEN_ERR_NOMEM, "out of host memory for a word of %zu bytes", size);
    w->next = w->symbols + size;
    w->before = w->next + size;
    w->changed = w->before + size;
    w->capacity = size;
fail:
    if (status != MIEN_OK)
        bpe_word_clear(w);
    return status;
}

void bpe_word_clear(struct bpe_word *w)
{
    base_free(w->symbols);
    base_free(w->heap);
    *w = (struct bpe_word){0};
}

enum mien_status bpe_merge_word(const struct data_tokenizer *t, struct bpe_word *w, const char *piece, size_t size)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = (uint32_t)size, kept = 0;
    w->count = 0;
    FAIL_IF(size >= NONE, MIEN_ERR_DATA, "a word of %zu bytes is longer than 4 GiB", size);
    TRY(reserve(w, size));
    for (uint32_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)piece[i];
        w->symbols[i] = i + 1 < n ? t->plain[byte] : t->final[byte];
        w->next[i] = i + 1 < n ? i + 1 : NONE;
        w->before[i] = i > 0 ? i - 1 : NONE;
    }
    w->heap_count = 0;
    for (uint32_t i = 0; i < n; i++)
        push_pair(t, w, i);
    while (w->heap_count > 0)
        merge_rank(t, w);
    for (uint32_t i = 0; n > 0 && i != NONE; i = w->next[i]) /* place 0 is never merged away */
        w->symbols[kept++] = w->symbols[i];
    w->count = kept;
fail:
    return status;
}
