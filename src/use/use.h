/* use.h: inside use and what stands on it: the public model (mien/model.h): towers, tokenizer and preprocessing
 * together. */
#ifndef USE_USE_H
#define USE_USE_H

#include "mien/model.h"
#include "nn/encoder.h"
#include "use/parts.h"

struct mien_model {
    struct mien_gpu *gpu; /* NULL where training has made the model */
    char error[MIEN_ERROR_SIZE];
    char *name;               /* the directory that it was opened from; NULL: files in memory, or training */
    struct mien_ranks *ranks; /* that share what is embedded; NULL: one */
    struct vk_device *device;
    struct nn_model *nn;
    struct nn_encoder *encoder;
    struct data_tokenizer *tokenizer;
    struct data_preprocess preprocess;
    float logit_scale;
    uint32_t frames;       /* of a clip, unless another number is asked for; 0 = not known */
    size_t *cut;           /* counts texts that were cut, in place of a warning each time; NULL: there are warnings */
    unsigned char key[16]; /* of the weights: see use_model_key; when has_key */
    bool has_key;
    struct use_parts owned; /* what goes with the model; empty where somebody else owns it */
};

/* The end of a public call on a model (which may be NULL): keeps a failure's message for mien_model_error; returns
 * status. */
enum mien_status use_ended(struct mien_model *model, enum mien_status status);

/* The failure of an embedding that is infinite or NaN, of an input of that name. */
enum mien_status use_not_finite(const struct mien_model *model, const char *input);

/* A model over parts that somebody else owns, changes (training) and keeps for as long as the model lives. */
enum mien_status use_model_over(const struct use_parts *parts, struct mien_model **out);
/* After the weights have changed: what the model keeps of them besides. */
enum mien_status use_model_refresh(struct mien_model *model);

/* Frames of a clip to use, at most: `asked`, or, where that is 0, as many as the model was trained with, else 32. */
uint32_t use_frames(const struct mien_model *model, uint32_t asked);

/* One embedding per label: out [count,E]; of unit length when embeddings are averaged. params may be NULL. */
enum mien_status use_embed_labels(struct mien_model *model, const struct mien_label *labels, size_t count,
                                  const struct mien_labels_params *params, float *out);

/* MIEN_ERR_ARG, with both, when two labels are one to the model: their names are the same tokens, or all of their
 * sentences are, after the cut at `context` (use_embed_labels asks that too). params may be NULL. */
enum mien_status use_check_labels(const struct data_tokenizer *tokenizer, uint32_t context,
                                  const struct mien_label *labels, size_t count,
                                  const struct mien_labels_params *params);

/* Which texts are one to the model: `count` groups, the texts first[i] to first[i + 1] of each in any order (first
 * NULL: a text each); same[i] is the first group of the same tokens, i itself where there is none before it. */
enum mien_status use_same_texts(const struct data_tokenizer *tokenizer, uint32_t context, const char *const *texts,
                                const size_t *first, size_t count, uint32_t *same);

#endif
