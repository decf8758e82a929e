/* model_dir.h: config.json and preprocessor_config.json of a Hugging Face CLIP directory as plain structs.
 * Keys and defaults are those of transformers' CLIPConfig and CLIPImageProcessor. */
#ifndef IO_MODEL_DIR_H
#define IO_MODEL_DIR_H

#include "base/base.h"
#include "mien/common.h"

/* quick_gelu: x * sigmoid(1.702 x) (OpenAI's weights); gelu: exact, by erf (LAION's). Never guessed from a name. */
enum io_act { IO_ACT_QUICK_GELU, IO_ACT_GELU };

struct io_tower_config {
    uint32_t width;  /* hidden_size */
    uint32_t mlp;    /* intermediate_size */
    uint32_t layers; /* num_hidden_layers */
    uint32_t heads;  /* num_attention_heads; width is a multiple */
    enum io_act act; /* hidden_act */
    double eps;      /* layer_norm_eps */
};

/* The transformer over a clip's frames, EmoCLIP's: "mien": {"temporal": {...}} in config.json. Its width is the
 * embedding's; heads * head_dim need not be. */
struct io_temporal_config {
    uint32_t layers; /* 0 = there is none: a clip's embedding is the mean of its frames' */
    uint32_t heads, head_dim;
    uint32_t mlp;        /* inner width of the feed-forward part */
    uint32_t max_frames; /* rows of the position embedding, the class token's included */
};

/* Two layers on an image's or a clip's raw embedding: hidden with ReLU, then the targets. "mien": {"head": {...}} in
 * config.json, tensors head.0.weight [hidden,E], head.0.bias, head.2.weight [targets,hidden], head.2.bias. */
enum io_head_kind { IO_HEAD_NONE, IO_HEAD_REGRESSION, IO_HEAD_CLASSES };
enum { IO_HEAD_TARGETS_MAX = 64, IO_HEAD_NAME_MAX = 64 };
struct io_head_config {
    enum io_head_kind kind;
    uint32_t hidden, targets;
    char name[IO_HEAD_TARGETS_MAX][IO_HEAD_NAME_MAX]; /* of the targets, or the classes */
    /* Of a regression: what the head says, times std, plus mean, is in the target's own units. */
    double mean[IO_HEAD_TARGETS_MAX], std[IO_HEAD_TARGETS_MAX];
};

enum { IO_SCALARS_MAX = 4 };

/* A parameter of one number that a loss has added to the model: "mien": {"logit_bias": true}, tensor logit_bias. */
struct io_scalar {
    char name[32]; /* begins with "logit_" */
    double init;   /* of a new one; not kept in files */
};

struct io_clip_config {
    struct {
        struct io_tower_config tower;
        uint32_t vocab;         /* vocab_size */
        uint32_t context;       /* max_position_embeddings */
        uint32_t bos, eos, pad; /* token ids; eos 2 is a legacy value: pool at the largest id of the row */
    } text;
    struct {
        struct io_tower_config tower;
        uint32_t image, patch; /* image_size, patch_size in pixels; a last partial patch is not seen, as in HF */
    } vision;
    struct io_temporal_config temporal;
    struct io_head_config head;
    uint32_t embed;          /* projection_dim */
    double logit_scale_init; /* logit_scale_init_value, a natural logarithm */
    struct io_scalar scalar[IO_SCALARS_MAX];
    uint32_t scalars; /* how many */
};

/* transformers' defaults: ViT-B/32 with QuickGELU. */
void io_clip_config_default(struct io_clip_config *out);

/* From a parsed config.json or the `config` of a training configuration; missing keys take the defaults. `strict`:
 * keys that CLIPConfig has not are refused by name (MIEN_ERR_ARG). Wrong types and impossible sizes are
 * MIEN_ERR_DATA; another activation than the two is refused too. */
enum mien_status io_clip_config_parse(const cJSON *object, const char *where, bool strict, struct io_clip_config *out);

/* EmoCLIP's released sizes. */
void io_temporal_config_default(struct io_temporal_config *out);
/* From the object under "temporal"; missing keys take the defaults, others are refused by name (MIEN_ERR_ARG). */
enum mien_status io_temporal_config_parse(const cJSON *object, const char *where, struct io_temporal_config *out);

/* From the object under "head"; kind, targets and hidden are needed, mean and std default to 0 and 1. MIEN_ERR_DATA
 * names what is wrong. */
enum mien_status io_head_config_parse(const cJSON *object, const char *where, struct io_head_config *out);
enum mien_status io_head_config_check(const struct io_head_config *config, const char *where);
/* The same as JSON for cJSON_Delete; NULL when out of memory. */
cJSON *io_head_config_json(const struct io_head_config *config);

/* Sizes that make a model: none zero, width a multiple of heads, patch <= image, ids inside the vocabulary. */
enum mien_status io_clip_config_check(const struct io_clip_config *config, const char *where);

/* The scalar of that name, or NULL. */
const struct io_scalar *io_clip_scalar(const struct io_clip_config *config, const char *name);
/* Adds those that are not there (ended by an empty name; NULL = none), and sets their initial values. MIEN_ERR_ARG:
 * more than IO_SCALARS_MAX in all. */
enum mien_status io_clip_scalars_add(struct io_clip_config *config, const struct io_scalar *scalars);

/* dir/config.json. `extra` (may be NULL) receives a copy of the object under "mien", or NULL; free with cJSON_Delete.
 */
enum mien_status io_clip_config_read(const char *dir, struct io_clip_config *out, cJSON **extra);
enum mien_status io_clip_config_read_from(const struct base_source *source, struct io_clip_config *out, cJSON **extra);
/* With `extra` (may be NULL) under "mien", where "temporal", "head" and "logit_*" follow `config` whatever `extra`
 * says. Loads in CLIPModel.from_pretrained. */
enum mien_status io_clip_config_write(const char *dir, const struct io_clip_config *config, const cJSON *extra);

/* How pixels become the tower's input: the shorter side is resized to `size` (bicubic), a centre square of `crop` is
 * cut out, x = (pixel / 255 - mean) / std per channel. */
struct io_preprocess {
    uint32_t size, crop;
    float mean[3], std[3];
    bool rgb_first;    /* do_convert_rgb: alpha dropped before the resize (HF) or after it (OpenAI's code) */
    bool torch_resize; /* bicubic with a = -0.75 and no antialiasing, as torch tensors are resized; Mien's own key */
};

/* CLIP's mean and std, size = crop = image. */
void io_preprocess_default(uint32_t image, struct io_preprocess *out);

/* dir/preprocessor_config.json in its present form (size: {"shortest_edge": n}) or the old one (size: n), or the same
 * under "image_processor" of dir/processor_config.json; where both are there they must agree. A missing file gives the
 * default for `image` with a warning. Another filter than bicubic, a crop that is not square, no resize
 * or another rescaling than 1/255 is MIEN_ERR_DATA. */
enum mien_status io_preprocess_read(const char *dir, uint32_t image, struct io_preprocess *out);
enum mien_status io_preprocess_read_from(const struct base_source *source, uint32_t image, struct io_preprocess *out);
/* Mean from 0 to 1, as pixels are divided by 255, std from 0.001 to 1000; MIEN_ERR_DATA names the key. */
enum mien_status io_preprocess_check(const struct io_preprocess *preprocess, const char *where);
enum mien_status io_preprocess_write(const char *dir, const struct io_preprocess *preprocess);

/* Prints `json` to dir/name, ended by a newline; appears by rename. */
enum mien_status io_write_json(const char *dir, const char *name, const cJSON *json);

#endif
