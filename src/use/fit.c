/* fit.c: whether a tokenizer and a model belong together, both ways: no id without a row, no rows without a token. */
#include "use/parts.h"

#include <stdio.h>

/* Tables are padded to multiples of 64; more rows than that without a token mean that tokens are missing. */
enum { PADDING = 64, LEGACY_END = 2 };

size_t use_tokenizer_problems(const struct data_tokenizer *t, const struct io_clip_config *config,
                              char text[USE_FIT_MOST][USE_FIT_TEXT])
{
    uint32_t tokens = data_tokenizer_vocab(t), rows = config->text.vocab, have = data_tokenizer_count(t);
    size_t count = 0;
    if (tokens > rows)
        snprintf(text[count++], USE_FIT_TEXT,
                 "the tokenizer has %u tokens, the model %u: %s gives \"%s\" the id %u, for which there is no row "
                 "(vocab_size); it belongs to another model",
                 tokens, rows, data_tokenizer_last_file(t), data_tokenizer_symbol(t, tokens - 1), tokens - 1);
    else if (rows - have >= PADDING)
        snprintf(text[count++], USE_FIT_TEXT,
                 "the model has rows for %u tokens, the tokenizer %u of them; files with added tokens are missing "
                 "(added_tokens.json), or it belongs to another model",
                 rows, have);
    if (config->text.eos != LEGACY_END && data_tokenizer_eos(t) != (int32_t)config->text.eos)
        snprintf(text[count++], USE_FIT_TEXT,
                 "the tokenizer ends texts with id %d, config.json says %u (eos_token_id); it belongs to another model",
                 data_tokenizer_eos(t), config->text.eos);
    return count;
}

enum mien_status use_tokenizer_check(const struct data_tokenizer *t, const struct io_clip_config *config,
                                     const char *name)
{
    char text[USE_FIT_MOST][USE_FIT_TEXT];
    uint32_t last = data_tokenizer_vocab(t) - 1;
    if (use_tokenizer_problems(t, config, text) == 0) {
        if (config->text.eos == LEGACY_END && last != (uint32_t)data_tokenizer_eos(t))
            LOG_WARN("%s: eos_token_id 2 pools a text at its largest id, which is \"%s\" (%u) where it stands, not the "
                     "end token; eos_token_id %d in config.json pools there",
                     name, data_tokenizer_symbol(t, last), last, data_tokenizer_eos(t));
        return MIEN_OK;
    }
    return base_fail(MIEN_ERR_DATA, "%s: %s", name, text[0]);
}

enum mien_status use_tokenizer_needed(const struct data_tokenizer *t, const char *name)
{
    if (t)
        return MIEN_OK;
    return base_fail(MIEN_ERR_DATA,
                     "%s: no tokenizer here, so that it serves pictures alone; for texts put vocab.json with "
                     "merges.txt, tokenizer.json, or bpe_simple_vocab_16e6.txt.gz there",
                     name ? name : "a model in memory");
}
