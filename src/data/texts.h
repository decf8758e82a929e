/* texts.h: texts as padded rows of token ids. */
#ifndef DATA_TEXTS_H
#define DATA_TEXTS_H

#include "base/base.h"
#include "data/manifest.h"
#include "data/tokenizer.h"

/* Rows of equal length. */
struct data_text_block {
    uint32_t count, length; /* [count, length] */
    int32_t *tokens;        /* start token, ids, end token, then pad */
    int32_t *eot;           /* [count] place of each row's end token */
    uint32_t cut;           /* how many texts were longer than the context */
};

/* Encodes `count` texts, each cut to `context` as CLIP cuts; the length is that of the longest, rounded up to 8, at
 * most `context`. Free with data_texts_free. */
enum mien_status data_texts_encode(const struct data_tokenizer *tokenizer, const char *const *texts, uint32_t count,
                                   uint32_t context, struct data_text_block *out);
void data_texts_free(struct data_text_block *block);

/* Length of padded rows whose longest has `longest` tokens. */
uint32_t data_texts_length(uint32_t longest, uint32_t context);
/* One row of `length` from its `count` tokens; returns the place of the end token. */
int32_t data_texts_pad(const int32_t *ids, uint32_t count, int32_t pad, uint32_t length, int32_t *row);

/* Which text of a row is meant. BOTH = global and summary, two texts per picture. */
enum data_text {
    DATA_TEXT_BOTH,
    DATA_TEXT_GLOBAL,
    DATA_TEXT_SUMMARY,
    DATA_TEXT_CAPTION,
    DATA_TEXT_LABEL,
    DATA_TEXT_NONE
};
/* Which local sentences are taken besides. */
enum data_pick { DATA_PICK_NONE, DATA_PICK_RANDOM, DATA_PICK_FIRST, DATA_PICK_ROTATE };

#endif
