/* parts.h: what a model directory holds, read and written whole: for use and for training alike. */
#ifndef USE_PARTS_H
#define USE_PARTS_H

#include "data/preprocess.h"
#include "data/tokenizer.h"
#include "nn/nn.h"

struct use_parts {
    struct nn_model *nn;
    struct data_tokenizer *tokenizer; /* NULL: the directory has none, and serves pictures alone */
    struct io_preprocess preprocess;
    uint32_t frames; /* of a clip, with which the model was trained ("mien.frames" of config.json); 0 = not known */
};

/* From a directory or memory: reads config.json, weights, tokenizer (if there is one) and preprocessor_config.json, and
 * checks them against each other. MIEN_ERR_DATA: a file is missing or does not fit (path and tensor or key are named).
 */
enum mien_status use_parts_read(struct vk_device *device, const struct base_source *source,
                                const struct nn_extras *extras, struct use_parts *out);
/* Into a directory that exists; `extra` (may be NULL) under "mien" of config.json. */
enum mien_status use_parts_write(const struct use_parts *parts, const cJSON *extra, const char *dir);
void use_parts_clear(struct use_parts *parts);

/* Where tokenizer and model do not fit each other: an id without a row of the table, many rows without a token, another
 * end token than config.json's (the legacy value 2 aside). How many; each said in `text`. */
enum { USE_FIT_MOST = 2, USE_FIT_TEXT = 600 };
size_t use_tokenizer_problems(const struct data_tokenizer *tokenizer, const struct io_clip_config *config,
                              char text[USE_FIT_MOST][USE_FIT_TEXT]);
/* MIEN_ERR_DATA for the first of them; `name` is the directory's. A warning where the legacy value pools at another
 * token than the last. */
enum mien_status use_tokenizer_check(const struct data_tokenizer *tokenizer, const struct io_clip_config *config,
                                     const char *name);
/* MIEN_ERR_DATA with the remedy when there is no tokenizer; `name` is the directory's, or NULL. */
enum mien_status use_tokenizer_needed(const struct data_tokenizer *tokenizer, const char *name);

/* The form of preprocessor_config.json as pictures are prepared by. */
struct data_preprocess use_preprocess(const struct io_preprocess *preprocess);

#endif
