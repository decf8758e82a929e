/* texts.c: padded rows of token ids. */
#include "data/texts.h"

#include <string.h>

uint32_t data_texts_length(uint32_t longest, uint32_t context)
{
    return (uint32_t)BASE_MIN(base_round_up(longest, 8), (uint64_t)context);
}

int32_t data_texts_pad(const int32_t *ids, uint32_t count, int32_t pad, uint32_t length, int32_t *row)
{
    memcpy(row, ids, count * sizeof(*row));
    for (uint32_t i = count; i < length; i++)
        row[i] = pad;
    return (int32_t)count - 1;
}

void data_texts_free(struct data_text_block *block)
{
    base_free(block->tokens);
    base_free(block->eot);
    *block = (struct data_text_block){0};
}

enum mien_status data_texts_encode(const struct data_tokenizer *tokenizer, const char *const *texts, uint32_t count,
                                   uint32_t context, struct data_text_block *out)
{
    enum mien_status status = MIEN_OK;
    struct data_ids ids = {0};
    uint32_t longest = 0;
    *out = (struct data_text_block){.count = count};
    size_t *start = base_alloc((size_t)count + 1, sizeof(*start));
    FAIL_IF_NULL(start, "texts");
    for (uint32_t i = 0; i < count; i++) {
        bool cut;
        TRY(data_tokenizer_encode_row(tokenizer, texts[i], context, &ids, &cut));
        start[i + 1] = ids.count;
        longest = BASE_MAX(longest, (uint32_t)(start[i + 1] - start[i]));
        out->cut += cut;
    }
    out->length = data_texts_length(longest, context);
    out->tokens = base_alloc((size_t)count * out->length + 1, sizeof(*out->tokens));
    out->eot = base_alloc((size_t)count + 1, sizeof(*out->eot));
    FAIL_IF(!out->tokens || !out->eot, MIEN_ERR_NOMEM, "out of host memory for %u texts", count);
    for (uint32_t i = 0; i < count; i++)
        out->eot[i] = data_texts_pad(ids.ids + start[i], (uint32_t)(start[i + 1] - start[i]),
                                     data_tokenizer_pad(tokenizer), out->length, out->tokens + (size_t)i * out->length);
fail:
    base_free(start);
    base_free(ids.ids);
    if (status != MIEN_OK)
        data_texts_free(out);
    return status;
}
