/* mien/model.h: a trained model in use: embeddings of images and texts, and scores of labels in an open vocabulary.
 *
 *   struct mien_gpu *gpu;
 *   struct mien_model *model;
 *   float image[512], texts[2 * 512];                       // embed values each, see mien_model_describe
 *   mien_gpu_create(NULL, &gpu);
 *   mien_model_open(gpu, "model", &model);
 *   mien_model_embed_images(model, (const char *const[]){"face.png"}, 1, 0, image);
 *   mien_model_embed_texts(model, (const char *const[]){"a happy face", "a sad face"}, 2, 0, texts);
 *   mien_model_destroy(&model);
 *   mien_gpu_destroy(&gpu);
 *
 * A model directory is a Hugging Face CLIP directory: config.json, model.safetensors, preprocessor_config.json and the
 * tokenizer's files. Threads: a model belongs to one thread at a time, and so does the gpu under it. */
#ifndef MIEN_MODEL_H
#define MIEN_MODEL_H

#include "mien/gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mien_model;

struct mien_model_info {
    uint32_t embed;        /* length of an embedding */
    uint32_t image, patch; /* pixels */
    uint32_t context;      /* most tokens of a text, start and end included */
    uint32_t vocab;
    uint64_t parameters;
    float logit_scale; /* scores = exp(logit_scale) * cosine */
};

/* Loads a model directory onto a device. The gpu must outlive the model; the caller owns *out.
 * MIEN_ERR_DATA: a file is missing or does not fit (path and tensor or key are named); MIEN_ERR_DEVICE_MEMORY. */
MIEN_API enum mien_status mien_model_open(struct mien_gpu *gpu, const char *dir, struct mien_model **out);
MIEN_API void mien_model_destroy(struct mien_model **model);

MIEN_API void mien_model_describe(const struct mien_model *model, struct mien_model_info *info);

enum {
    MIEN_RAW = 1,     /* embeddings as projected; otherwise of unit length */
    MIEN_NO_EXIF = 2, /* ignore the orientation that a JPEG file states, as CLIP does */
};

/* Decodes, resizes and crops `count` image files (PNG, JPEG) as the model was trained, and writes their embeddings to
 * out [count][embed]. The images are cropped faces. MIEN_ERR_DATA: a file cannot be read or decoded; the message names
 * it, and out is then undefined. */
MIEN_API enum mien_status mien_model_embed_images(struct mien_model *model, const char *const *paths, size_t count,
                                                  uint32_t flags, float *out);

/* Embeddings of `count` UTF-8 texts to out [count][embed]. A text longer than the context is cut as CLIP cuts it. */
MIEN_API enum mien_status mien_model_embed_texts(struct mien_model *model, const char *const *texts, size_t count,
                                                 uint32_t flags, float *out);

/* Token ids of a text, from start to end token, unpadded, at most `capacity` (>= context) of them into ids; *count says
 * how many. Needs no device. */
MIEN_API enum mien_status mien_model_tokenize(const struct mien_model *model, const char *text, int32_t *ids,
                                              size_t capacity, size_t *count);

/* ---- labels ---- */

/* One embedding per label: every template with the label put in place of "{}" is embedded, the unit embeddings are
 * averaged, and the mean is brought to unit length. templates NULL: Mien's own (mien_default_templates).
 * out [label_count][embed]. MIEN_ERR_ARG: a template without "{}", or no labels. */
MIEN_API enum mien_status mien_model_embed_labels(struct mien_model *model, const char *const *labels,
                                                  size_t label_count, const char *const *templates,
                                                  size_t template_count, float *out);

/* Mien's own templates; static storage. */
MIEN_API const char *const *mien_default_templates(size_t *count);

/* Probabilities of the labels for one unit image embedding: softmax over exp(logit_scale) * cosine.
 * label_embeds [label_count][embed], out [label_count]. */
MIEN_API void mien_model_scores(const struct mien_model *model, const float *image_embed, const float *label_embeds,
                                size_t label_count, float *out);

#ifdef __cplusplus
}
#endif
#endif
