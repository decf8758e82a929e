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

/* ---- model directories: no device is needed ---- */

/* A zeroed struct with source and directory means the defaults. Strings are UTF-8 and borrowed during the call. */
struct mien_convert_params {
    const char *source;     /* a file of weights, or a directory with one: model.safetensors (several by its index too),
                               pytorch_model.bin, open_clip_model.safetensors, open_clip_pytorch_model.bin */
    const char *directory;  /* to be made: must not exist, or be empty */
    const char *tokenizer;  /* directory with vocab.json and merges.txt, or bpe_simple_vocab_16e6.txt.gz; NULL: beside
                               the source, if there */
    const char *activation; /* "quick_gelu" or "gelu"; NULL: as the source tells */
    const char *dtype;      /* "f32", "f16" or "bf16", how weights are stored; NULL: "f32" */
    uint32_t context;       /* tokens: 3 to 65,536; 0: the source's */
    uint32_t image;         /* pixels, a multiple of the patch; 0: the source's */
};

struct mien_convert_summary {
    const char *naming; /* whose names the source had: "OpenAI", "open_clip", "EmoCLIP", "Hugging Face"; static */
    const char *activation;
    uint64_t parameters;
    uint32_t tensors;
    uint32_t image, patch, context;
    bool temporal;  /* with a transformer over frames */
    bool tokenizer; /* its files were found and written */
};

/* Weights under OpenAI's, open_clip's or EmoCLIP's names, or Hugging Face's, become a model directory, which appears
 * whole or not at all. Files: safetensors, or PyTorch's zip form (torch.save since 1.6, TorchScript archives), which is
 * read as data: nothing in it is run. F16 and BF16 become F32 exactly. Sizes come from the shapes; heads are 64 wide
 * unless open_clip_config.json beside the source says otherwise; the activation is QuickGELU for OpenAI's and EmoCLIP's
 * weights, open_clip_config.json's for open_clip's. Another image size resizes the position embedding bicubically, with
 * antialias, as open_clip does; a context of 248 from 77 is stretched as Long-CLIP does it, any other linearly. Without
 * a tokenizer the model is written all the same, with a warning. summary may be NULL.
 * MIEN_ERR_ARG: a size or word that cannot be, a directory that holds something, or weights of open_clip that do not
 * tell their activation; MIEN_ERR_DATA: path and byte, key or tensor; MIEN_ERR_IO. Thread-safe. */
MIEN_API enum mien_status mien_convert(const struct mien_convert_params *params, struct mien_convert_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
