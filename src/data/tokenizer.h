/* tokenizer.h: CLIP's byte-level byte-pair encoding: reading, learning, saving, encoding. */
#ifndef DATA_TOKENIZER_H
#define DATA_TOKENIZER_H

#include "base/source.h"

struct data_tokenizer;

/* From dir/vocab.json and dir/merges.txt (the form of Hugging Face's CLIPTokenizer; pad token from
 * dir/special_tokens_map.json or dir/tokenizer_config.json when there), else from dir/tokenizer.json (transformers 5;
 * one that is not CLIP's is refused), else from dir/bpe_simple_vocab_16e6.txt.gz (OpenAI's; pad 0). Added tokens of
 * tokenizer_config.json, tokenizer.json and added_tokens.json are single tokens. MIEN_ERR_DATA with file and line, or
 * saying what is missing. */
enum mien_status data_tokenizer_load(const char *dir, struct data_tokenizer **out);
enum mien_status data_tokenizer_load_from(const struct base_source *source, struct data_tokenizer **out);

/* Learns one: ids 0-255 the bytes in CLIP's order, 256-511 the bytes that end a word, then merges by falling frequency
 * (ties: the pair whose symbols came first), then <|startoftext|> and <|endoftext|>; pad is the end token. Stops early
 * when no pair occurs twice, so that the vocabulary may be smaller than vocab_size (at least 514). Same texts, same
 * result. Texts are cleaned as in encoding. */
enum mien_status data_bpe_train(const char *const *texts, size_t count, uint32_t vocab_size,
                                struct data_tokenizer **out);
/* The same with one text after another, none of which is kept: different words are, with their counts. */
struct data_bpe_learner;
enum mien_status data_bpe_begin(uint32_t vocab_size, struct data_bpe_learner **out);
enum mien_status data_bpe_add(struct data_bpe_learner *learner, const char *text);
uint64_t data_bpe_texts(const struct data_bpe_learner *learner); /* so many have been added */
enum mien_status data_bpe_end(struct data_bpe_learner **learner, struct data_tokenizer **out); /* clears it always */
void data_bpe_abandon(struct data_bpe_learner **learner);

/* Writes vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json and, where there are added tokens,
 * added_tokens.json, from which transformers'
 * CLIPTokenizer gives the same ids; a pad token that is a letter (OpenAI's "!") becomes the end token there. `context`
 * becomes model_max_length. */
enum mien_status data_tokenizer_save(const struct data_tokenizer *tokenizer, const char *dir, uint32_t context);

/* Whether one of the files is there that a tokenizer begins with. */
bool data_tokenizer_there(const struct base_source *source);

void data_tokenizer_destroy(struct data_tokenizer **tokenizer);

uint32_t data_tokenizer_vocab(const struct data_tokenizer *tokenizer); /* largest id + 1 */
uint32_t data_tokenizer_count(const struct data_tokenizer *tokenizer); /* ids that have a token */
/* The file that gives the largest id. */
const char *data_tokenizer_last_file(const struct data_tokenizer *tokenizer);
int32_t data_tokenizer_bos(const struct data_tokenizer *tokenizer); /* <|startoftext|> */
int32_t data_tokenizer_eos(const struct data_tokenizer *tokenizer); /* <|endoftext|> */
int32_t data_tokenizer_pad(const struct data_tokenizer *tokenizer);
/* The symbol of an id in the byte alphabet of vocab.json ("happy</w>"), or NULL. */
const char *data_tokenizer_symbol(const struct data_tokenizer *tokenizer, uint32_t id);

/* Growable list; free `ids` with base_free. */
struct data_ids {
    int32_t *ids;
    size_t count, capacity;
};

/* Appends the ids of a text, without start and end token. Cleaning is CLIP's, of ftfy's repairs only what
 * texts of any origin need: HTML references resolved twice, normalisation form C, typographic quotes made straight,
 * white space collapsed, Unicode lower case. Malformed UTF-8 counts as U+FFFD. Thread-safe: the tokenizer is not
 * changed. */
enum mien_status data_tokenizer_encode(const struct data_tokenizer *tokenizer, const char *text, size_t size,
                                       struct data_ids *out);

/* Appends start token, ids, end token: at most `context` (>= 2) of them; a longer text keeps its first context-1 and
 * ends with the end token, as CLIP cuts it. *cut (may be NULL) says whether it was. MIEN_ERR_ARG: not UTF-8. */
enum mien_status data_tokenizer_encode_row(const struct data_tokenizer *tokenizer, const char *text, uint32_t context,
                                           struct data_ids *out, bool *cut);

#endif
