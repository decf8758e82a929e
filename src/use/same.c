/* same.c: which texts are one to the model: those of the same tokens after cleaning and cutting. */
#include "use/use.h"

#include <stdlib.h>
#include <string.h>

/* A text as tokens. */
struct row {
    const int32_t *ids;
    size_t count;
};

/* Texts that stand for one thing, in the order of their tokens. */
struct group {
    const struct row *rows;
    size_t count;
    uint32_t index;
};

static int by_tokens(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    return x->count ? memcmp(x->ids, y->ids, x->count * sizeof(*x->ids)) : 0;
}

/* By their texts alone: 0 = the same to the model. */
static int compare(const struct group *x, const struct group *y)
{
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (size_t i = 0; i < x->count; i++) {
        int order = by_tokens(&x->rows[i], &y->rows[i]);
        if (order)
            return order;
    }
    return 0;
}

static int by_texts(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int order = compare(x, y);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

enum mien_status use_same_texts(const struct data_tokenizer *tokenizer, uint32_t context, const char *const *texts,
                                const size_t *first, size_t count, uint32_t *same)
{
    enum mien_status status = MIEN_OK;
    struct data_ids ids = {0};
    size_t total = first ? first[count] : count;
    size_t *start = base_alloc(total + 1, sizeof(*start));
    struct row *rows = base_alloc(total + 1, sizeof(*rows));
    struct group *groups = base_alloc(count + 1, sizeof(*groups));
    FAIL_IF(!start || !rows || !groups, MIEN_ERR_NOMEM, "out of host memory for %zu texts", total);
    for (size_t i = 0; i < total; i++) {
        TRY(data_tokenizer_encode_row(tokenizer, texts[i], context, &ids, NULL));
        start[i + 1] = ids.count;
    }
    for (size_t i = 0; i < total; i++)
        rows[i] = (struct row){ids.ids + start[i], start[i + 1] - start[i]};
    for (size_t i = 0; i < count; i++) {
        size_t from = first ? first[i] : i, end = first ? first[i + 1] : i + 1;
        qsort(rows + from, end - from, sizeof(*rows), by_tokens);
        groups[i] = (struct group){rows + from, end - from, (uint32_t)i};
    }
    qsort(groups, count, sizeof(*groups), by_texts);
    for (size_t i = 0; i < count; i++)
        same[groups[i].index] =
            i > 0 && compare(&groups[i - 1], &groups[i]) == 0 ? same[groups[i - 1].index] : groups[i].index;
fail:
    base_free(start);
    base_free(rows);
    base_free(groups);
    base_free(ids.ids);
    return status;
}
