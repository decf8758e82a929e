/* use.h: inside use: the public model (mien/model.h): towers, tokenizer and preprocessing together. */
#ifndef USE_USE_H
#define USE_USE_H

#include "data/loader.h"
#include "mien/model.h"
#include "nn/encoder.h"

struct mien_model {
    struct mien_gpu *gpu; /* NULL where training has made the model */
    char error[MIEN_ERROR_SIZE];
    struct vk_device *device;
    struct nn_model *nn;
    struct nn_encoder *encoder;
    struct data_tokenizer *tokenizer;
    struct data_preprocess preprocess;
    float logit_scale;
    size_t *cut; /* counts texts that were cut, in place of a warning each time; NULL: there are warnings */
};

/* The end of a public call on a model (which may be NULL): keeps a failure's message for mien_model_error; returns
 * status. */
enum mien_status use_ended(struct mien_model *model, enum mien_status status);

/* One embedding per label: out [count,E]; of unit length when embeddings are averaged. params may be NULL. */
enum mien_status use_embed_labels(struct mien_model *model, const struct mien_label *labels, size_t count,
                                  const struct mien_labels_params *params, float *out);

/* MIEN_ERR_ARG, with both, when two of the names are the same tokens (use_embed_labels asks that too). */
enum mien_status use_check_names(const struct data_tokenizer *tokenizer, uint32_t context, const char *const *names,
                                 size_t count);

/* The clip that a row of a manifest is, frames or video: out [E]. */
enum mien_status use_embed_row_clip(struct mien_model *model, const struct data_row *row,
                                    const struct mien_embed_params *params, float *out);
/* What a row's picture or clip is called: the picture, the video, the directory or the first frame. */
const char *use_row_path(const struct data_row *row);

#endif
