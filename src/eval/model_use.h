/* model_use.h: inside eval: the public model (mien/model.h): towers, tokenizer and preprocessing together. */
#ifndef EVAL_MODEL_USE_H
#define EVAL_MODEL_USE_H

#include "data/loader.h"
#include "mien/model.h"
#include "nn/encoder.h"

struct mien_model {
    struct vk_device *device;
    struct nn_model *nn;
    struct nn_encoder *encoder;
    struct data_tokenizer *tokenizer;
    struct data_preprocess preprocess;
    float logit_scale;
};

/* One embedding per label: out [count,E]; of unit length when embeddings are averaged. params may be NULL. */
enum mien_status eval_embed_labels(struct mien_model *model, const struct mien_label *labels, size_t count,
                                   const struct mien_labels_params *params, float *out);

#endif
