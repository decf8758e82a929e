/* mien/model.h: a trained model in use: embeddings of images and texts, and scores of labels in an open vocabulary.
 *
 *   struct mien_gpu *gpu;
 *   struct mien_model *model;
 *   float image[512], texts[2 * 512];                       // embed values each, see mien_model_describe
 *   mien_gpu_create(NULL, &gpu);
 *   mien_model_open(gpu, "model", NULL, &model);
 *   mien_model_embed(model, &(struct mien_input){.path = "face.png"}, 1, NULL, image);
 *   mien_model_embed_texts(model, (const char *const[]){"a happy face", "a sad face"}, 2, 0, texts);
 *   mien_model_destroy(&model);
 *   mien_gpu_destroy(&gpu);
 *
 * A model directory is a Hugging Face CLIP directory: config.json, model.safetensors, preprocessor_config.json and the
 * tokenizer's files. Threads: a model belongs to one thread at a time, and so does the gpu under it; labels count as
 * part of their model. Every function that runs on the device may also fail with MIEN_ERR_NOMEM, MIEN_ERR_DEVICE_MEMORY
 * or MIEN_ERR_DRIVER, or with MIEN_ERR_DEVICE_LOST or MIEN_ERR_TIMEOUT, after which the gpu is lost (mien_gpu_lost).
 * After a failure `out` arrays hold nothing of use; unless the gpu is lost the model can be used on. */
#ifndef MIEN_MODEL_H
#define MIEN_MODEL_H

#include "mien/gpu.h"
#include "mien/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mien_model;
struct mien_store; /* embeddings in files, below */

struct mien_model_info {
    size_t size;
    uint32_t embed;        /* length of an embedding */
    uint32_t image, patch; /* pixels */
    uint32_t context;      /* most tokens of a text, start and end included */
    uint32_t vocab;
    uint64_t parameters;
    float logit_scale; /* scores = exp(logit_scale) * cosine */
};

/* How a model is used. */
struct mien_model_params {
    size_t size;
    /* How the device stores matrices of weights: MIEN_F32, MIEN_F16 or MIEN_BF16, the last two in half the memory, on
     * every device. Rounded to nearest even from files with more digits, kept to the bit from files of the same type.
     * Activations, positions and what has one dimension (biases, norms) are f32, and so is arithmetic, but that matrix
     * units, where the device has them for this type, multiply numbers rounded to it. A number of f16 below 2^-14 may
     * count as 0, as the device has it. */
    enum mien_dtype precision;
    /* With dir NULL: the files of a model directory, in memory; no file is opened. Other files are passed over. All is
     * borrowed during the call alone: weights are then on the device. */
    const struct mien_file *files;
    size_t file_count;
    struct mien_ranks *ranks; /* processes that have opened the same model and embed the same pictures and clips
                                 together (mien/ranks.h), each its part: every one gets all embeddings, with the bits
                                 that one process gives. A rank that fails must end them all. NULL: one */
};

/* Loads a model directory, or one's files, onto a device; params may be NULL. The gpu must outlive the model; the
 * caller owns *out. preprocessor_config.json may be missing: CLIP's own values then, with a warning; and the tokenizer
 * may: such a model takes pictures alone, and functions on texts and labels give MIEN_ERR_DATA. MIEN_ERR_ARG: another
 * precision; both a directory and files, or neither; a file without name or bytes; two of one name. MIEN_ERR_DATA: a
 * file is missing or does not fit (path, or "memory: config.json", and tensor or key are named), or a weight is above
 * 65504 with MIEN_F16 (the tensor is named); MIEN_ERR_DEVICE_MEMORY. */
MIEN_API enum mien_status mien_model_open(struct mien_gpu *gpu, const char *dir, const struct mien_model_params *params,
                                          struct mien_model **out);

/* The model directory that comes with Mien, small weights trained on drawn faces: its path into path [size]. place: the
 * directory of Mien's weights ("/usr/share/mien/weights"); NULL or "": MIEN_WEIGHTS_DIR of the environment, else what
 * lies beside the library or the program, installed or in a build. MIEN_ERR_DATA: it is not there, or its path is
 * longer than size; path is then "". Thread-safe; needs no device. */
MIEN_API enum mien_status mien_default_weights(const char *place, char *path, size_t size);

/* Frees the model and its memory on the device; labels made with it must have been destroyed. */
MIEN_API void mien_model_destroy(struct mien_model **model);

/* Fills *info. */
MIEN_API enum mien_status mien_model_describe(const struct mien_model *model, struct mien_model_info *info);

/* Why the last call that failed on the model, or on labels of it, did; "" when none has. Valid until the next call with
 * it. What fails before there is a model: mien_gpu_error. */
MIEN_API const char *mien_model_error(const struct mien_model *model);

enum {
    MIEN_RAW = 1,        /* embeddings as projected; otherwise of unit length */
    MIEN_NO_EXIF = 2,    /* ignore the orientation that a picture file states, as CLIP does */
    MIEN_JPEG_DRAFT = 4, /* decode a JPEG at 1/2, 1/4 or 1/8 where twice the model's image size or more remains of it
                            (of its box), and use no pack: faster, embeddings near those of the whole picture. Where
                            this library was built without libjpeg-turbo, pictures are decoded whole */
};

/* ---- pictures and clips ---- */

/* A cropped face, or a clip of one: exactly one of path, bytes, pixels, frames, directory and video is given. All is
 * borrowed during the call. However it is given, one picture has one embedding, bit for bit, on one device and driver:
 * whatever stands beside it, and in whichever command or call. */
struct mien_input {
    /* a picture */
    const char *path;            /* PNG or JPEG file */
    const void *bytes;           /* the contents of such a file, in memory */
    size_t byte_count;           /* of `bytes` */
    const unsigned char *pixels; /* decoded: rows from top to bottom, see mien_pixel_format */
    uint32_t width, height;      /* of `pixels`, 1 to 65,536 each */
    enum mien_pixel_format format;
    size_t stride; /* bytes from a row's start to the next; 0: no gaps */
    /* a clip */
    const struct mien_input *frames; /* [frame_count] pictures in their order */
    size_t frame_count;
    const char *directory; /* its PNG and JPEG files in natural order: runs of digits in their names compare as numbers,
                              all else as bytes (other files and hidden ones are passed over) */
    const char *video;     /* a file that the program ffmpeg decodes: it must be on PATH (5.1 or later) and is run
                              without a shell */
    /* of either */
    bool has_box;         /* only this part is looked at: of a clip, of every frame that has no box of its own */
    int32_t box[4];       /* x, y, width, height in pixels (of the turned picture), clipped to it; a bad input when
                             nothing of it lies inside. From a detector's numbers: mien_box_round (data.h) */
    uint64_t reserved[4]; /* 0 */
};

#define MIEN_ALL_FRAMES UINT32_MAX

/* How many frames of a clip are used, and how many it has. */
struct mien_clip_frames {
    uint64_t used, there;
};

struct mien_embed_params {
    size_t size;
    uint32_t flags;      /* MIEN_RAW, MIEN_NO_EXIF, MIEN_JPEG_DRAFT */
    uint32_t frames;     /* of a clip, at most: so many at equal spacing (the middles of equal parts), a clip with no
                            more is used whole; 0: as many as the model was trained with ("mien.frames" of its
                            config.json), else 32; MIEN_ALL_FRAMES: all */
    uint32_t threads;    /* that decode pictures while the device works; 0: one per processor */
    uint64_t max_pixels; /* a picture with more is bad, unless given as pixels; 0: 64 million. Told by its header,
                            before it is decoded, and so are its other limits: 8 bytes of memory for each of max_pixels
                            (of 64 million where that is more; 16-bit RGBA takes 16 a pixel), 500 scans of a JPEG, 1,280
                            million pixels in all scans */
    bool *ok;            /* [count] NULL: a bad input ends the call. Else it is named in the log, its row
                            of the result is 0 and ok[i] false */
    mien_progress_fn progress; /* of inputs; may be NULL. When it says `done`, so many rows of the result (and of ok)
                                  are final; they stay so when it cancels */
    void *user;
    struct mien_clip_frames *clips; /* [count], may be NULL: those of clips in folders and lists are filled, the others
                                       left as they are: how many frames a video has is not known */
    const struct mien_store *store; /* embeddings made before, by the same model: inputs that are in it as they are now
                                       are not embedded again, and have the same bits (below); NULL: none */
};

/* Embeddings of pictures and clips, in any mixture, to out [count][embed]. The pictures, and the frames of clips, are
 * resized and cut as the model was trained; a clip's embedding is that of its frames by the model's temporal
 * transformer or, where it has none, their mean before normalisation. Pictures and frames of all inputs pass the device
 * together, in batches; worker threads decode the next ones, videos too, while it works. Memory does not grow with
 * count: two batches of prepared pictures, and one embedding for each frame of one clip. params may be NULL.
 * MIEN_ERR_DATA, MIEN_ERR_IO: an input is bad (the message names it): it cannot be read, decoded or cut; a clip has a
 * bad frame among those that are used, or no frame; ffmpeg finds any damage in a video, or is not there. Unless
 * params->ok is given out is then undefined. MIEN_ERR_ARG: an input is not exactly one thing, a stride below a row or
 * beyond memory, a frame that is a clip, more frames than the temporal transformer takes, an unknown flag.
 * MIEN_ERR_FAILED: an embedding is not finite. MIEN_ERR_CANCELLED: progress said so. */
MIEN_API enum mien_status mien_model_embed(struct mien_model *model, const struct mien_input *inputs, size_t count,
                                           const struct mien_embed_params *params, float *out);

/* So many pictures (frames count, too) will be embedded soon, say after labels: what the driver's compiler has to make
 * for them is begun with what is compiled next, on other cores, in place of when they come. Nothing else changes,
 * whatever comes. MIEN_ERR_ARG: no model. */
MIEN_API enum mien_status mien_model_expect(struct mien_model *model, size_t pictures);

/* ---- heads ---- */

/* The name of what a model's head says number `index` from 0 on, a target or a class; NULL after the last, and for a
 * model without a head. It lives as long as the model. */
MIEN_API const char *mien_model_target(const struct mien_model *model, size_t index);

/* What the head says of raw embeddings (MIEN_RAW) [count][embed]: out [count][targets], values in the targets' own
 * units, or the logits of classes (the largest is the likeliest). On the host, in double. MIEN_ERR_ARG: the model has
 * no head (it is made by training, model.head). */
MIEN_API enum mien_status mien_model_predict(struct mien_model *model, const float *raw, size_t count, float *out);

/* ---- texts ---- */

/* Embeddings of `count` UTF-8 texts to out [count][embed]. A text longer than the context is cut as CLIP cuts it; one
 * warning says how many were. MIEN_ERR_ARG: a NULL text, one that is not UTF-8. */
MIEN_API enum mien_status mien_model_embed_texts(struct mien_model *model, const char *const *texts, size_t count,
                                                 uint32_t flags, float *out);

/* Token ids of a text, from start to end token, unpadded, at most `capacity` (>= context) of them into ids; *count says
 * how many. A text longer than the context is cut, with a warning. MIEN_ERR_ARG: not UTF-8. */
MIEN_API enum mien_status mien_model_tokenize(const struct mien_model *model, const char *text, int32_t *ids,
                                              size_t capacity, size_t *count);

/* ---- embeddings in files ---- */

struct mien_embeds {
    const char *name;  /* of the tensor: "image_embeds" */
    const float *data; /* [rows][width] */
    size_t rows, width;
};

/* Writes f32 tensors [rows][width] to a safetensors file, whole or not at all; its directory must exist. Equal input
 * gives equal bytes. MIEN_ERR_ARG: two sets of one name; MIEN_ERR_FAILED: a value is not finite; MIEN_ERR_IO.
 * Thread-safe. */
MIEN_API enum mien_status mien_embeds_write(const char *path, const struct mien_embeds *sets, size_t count);

/* Embeddings of a collection, kept to be used again: each with the path that it was given by and a key: a checksum of
 * the picture's bytes (of a clip: of its frames that are used), its box, the number of frames and whether EXIF is
 * heeded. What has one key has one embedding: a file may be moved, copied or touched, but when it is changed, or
 * looked at in another way, it is embedded anew. A store belongs to the model that made it: to sizes, weights as stored
 * on the device (precision) and preprocessing, not to a directory or device; on another device the last bits of what is
 * embedded may differ, and with 16-bit weights as much as rounding to them does. A store may be read by several threads
 * at once; it does not need its model any more. */
struct mien_store;

/* One or both of inputs and manifest are needed; all is borrowed during the call. */
struct mien_store_params {
    size_t size;
    const struct mien_input *inputs; /* [count] */
    size_t count;
    const char *manifest; /* then all of its rows */
    const char *columns;  /* of a manifest that is a table, as in mien_eval_params; NULL: as they are */
    bool skip_bad;        /* bad ones are named in the log and left out, instead of ending the call */
    const struct mien_embed_params *embed; /* may be NULL; all but ok and clips. With MIEN_RAW embeddings are kept as
                                              projected, and brought to unit length where they are used */
};

/* Embeds a collection. The caller owns *out. Errors as mien_model_embed and mien_search. */
MIEN_API enum mien_status mien_store_create(struct mien_model *model, const struct mien_store_params *params,
                                            struct mien_store **out);

/* Writes a safetensors file, whole or not at all: image_embeds [N,E] of pictures and video_embeds [V,E] of clips, each
 * in the order of inputs, where there were such; then `more` sets (may be NULL; not of these names). Its metadata
 * "mien.embeddings" is JSON: {"version", "model" (checksum), "raw", "images": [{"path", "size" (bytes of the files),
 * "key"}, ...], "videos": [...]}. No time and no host is in it: equal inputs give equal bytes. Errors as
 * mien_embeds_write. */
MIEN_API enum mien_status mien_store_write(const struct mien_store *store, const char *path,
                                           const struct mien_embeds *more, size_t more_count);

/* Reads such a file, for the model that made it. The caller owns *out. MIEN_ERR_DATA: not such a file, damaged, or of
 * another model. */
MIEN_API enum mien_status mien_store_read(struct mien_model *model, const char *path, struct mien_store **out);

/* Frees the store; no params may name it any more. */
MIEN_API void mien_store_destroy(struct mien_store **store);

struct mien_store_entry {
    size_t size;
    const char *path;   /* as it was given; lives as long as the store; NULL: it had none */
    const float *embed; /* [embed], likewise; NULL: it was bad (skip_bad) */
    bool is_clip;
};
/* Fills *entry with number `index`, in the order of inputs (of a file: pictures, then clips). False after the last. */
MIEN_API bool mien_store_at(const struct mien_store *store, size_t index, struct mien_store_entry *entry);

/* ---- labels ---- */

/* One embedding per label: every template with the label put in place of "{}" is embedded, the unit embeddings are
 * averaged, and the mean is brought to unit length. templates NULL: Mien's own (mien_default_templates).
 * out [label_count][embed]. MIEN_ERR_ARG: a template without "{}", no labels, or two of the same tokens. */
MIEN_API enum mien_status mien_model_embed_labels(struct mien_model *model, const char *const *labels,
                                                  size_t label_count, const char *const *templates,
                                                  size_t template_count, float *out);

/* Mien's own templates; static storage. */
MIEN_API const char *const *mien_default_templates(size_t *count);

/* Probabilities of the labels for one unit image embedding: softmax over exp(logit_scale) * cosine.
 * label_embeds [label_count][embed], out [label_count]. MIEN_ERR_FAILED: a score is not finite; out is then undefined.
 */
MIEN_API enum mien_status mien_model_scores(const struct mien_model *model, const float *image_embed,
                                            const float *label_embeds, size_t label_count, float *out);

/* Labels of an open vocabulary, each with one or more sentences, embedded once and then scored as often as wanted. */
struct mien_labels;

struct mien_label {
    const char *name;         /* "joy" */
    const char *const *texts; /* sentences that describe it, used as they are; NULL: the templates with its name */
    size_t text_count;
    uint64_t reserved[2]; /* 0 */
};

/* How several sentences of a label become one score. */
enum mien_average {
    MIEN_AVERAGE_EMBEDS, /* the mean of their unit embeddings, brought to unit length (CLIP's way) */
    MIEN_AVERAGE_LOGITS, /* the mean of their scores */
};

struct mien_labels_params {
    size_t size;
    const char *const *templates; /* each with "{}"; NULL: mien_default_templates */
    size_t template_count;
    const char *descriptions; /* JSON file {"label": "text" or ["text", ...]} for labels without texts of their own; a
                                 label that it lacks takes the templates, with a warning; NULL: none */
    enum mien_average average;
};

/* Embeds the sentences of `count` labels (at least one). The model must outlive *out, which the caller owns; params may
 * be NULL. MIEN_ERR_ARG: no labels, two whose names, or whose sentences as cut at the context, are the same tokens
 * ("Joy" and "joy"; both are named), a template without "{}", an empty list of texts; MIEN_ERR_DATA: the descriptions
 * cannot be read or have another form (file and key are named). */
MIEN_API enum mien_status mien_labels_create(struct mien_model *model, const struct mien_label *labels, size_t count,
                                             const struct mien_labels_params *params, struct mien_labels **out);

/* Frees the labels; before their model. */
MIEN_API void mien_labels_destroy(struct mien_labels **labels);

/* Probabilities of the labels [count] for one embedding of unit length: softmax over exp(logit_scale) * cosine.
 * MIEN_ERR_FAILED: a score is not finite; out is then undefined. */
MIEN_API enum mien_status mien_labels_scores(const struct mien_labels *labels, const float *embed, float *out);

/* ---- search ---- */

/* Manifest, texts and text_count are needed. Strings are borrowed during the call. */
struct mien_search_params {
    size_t size;
    const char *manifest;     /* JSON Lines, see data.h; all of its rows are the collection */
    const char *const *texts; /* sentences to search by, [text_count] */
    size_t text_count;
    size_t top;                            /* results a sentence, at most; 0: all */
    const struct mien_embed_params *embed; /* may be NULL; flags MIEN_NO_EXIF, MIEN_JPEG_DRAFT, frames, threads,
                                              max_pixels, progress, user, store */
    const char *columns; /* of a manifest that is a table, as in mien_eval_params; NULL: none has another name */
};

struct mien_match {
    double score;     /* cosine of sentence and picture, -1 to 1 */
    uint32_t line;    /* of the manifest, from 1 */
    const char *path; /* of the picture, video, clip's directory or first frame; lives as long as the result */
};

struct mien_search {
    struct mien_match *matches; /* [text_count][count], best first; ties: the earlier line */
    size_t text_count, count;
    size_t rows;  /* of the collection: looked at */
    size_t bad;   /* of these, left out because a file could not be read; named in the log */
    void *memory; /* the library's */
};

/* Ranks a collection by sentences. The caller destroys *out. MIEN_ERR_DATA: the manifest cannot be read, or none of its
 * pictures can. */
MIEN_API enum mien_status mien_search(struct mien_model *model, const struct mien_search_params *params,
                                      struct mien_search **out);

/* Frees the result and the paths in it. Thread-safe. */
MIEN_API void mien_search_destroy(struct mien_search **result);

/* ---- model directories: no device is needed ---- */

/* Source and directory are needed. Strings are UTF-8 and borrowed during the call. */
struct mien_convert_params {
    size_t size;
    const char *source;     /* a file of weights, or a directory with one: model.safetensors (several by its index too),
                               pytorch_model.bin, open_clip_model.safetensors, open_clip_pytorch_model.bin */
    const char *directory;  /* to be made: must not exist, or be empty */
    const char *tokenizer;  /* directory with vocab.json and merges.txt, tokenizer.json, or
                               bpe_simple_vocab_16e6.txt.gz; NULL: beside the source, if there */
    const char *activation; /* "quick_gelu" or "gelu"; NULL: as the source tells */
    const char *dtype;      /* "f32", "f16" or "bf16", how weights are stored; NULL: "f32" */
    uint32_t context;       /* tokens: 3 to 65,536; 0: the source's */
    uint32_t image;         /* pixels, a multiple of the patch; 0: the source's */
    mien_progress_fn progress; /* of tensors; may be NULL. Cancelled: nothing is written */
    void *user;
};

struct mien_convert_summary {
    size_t size;
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
 * read as data: nothing in it is run, and what stands there beside tensors is passed over; parts with their index too.
 * Of two models in a file the trained one is taken before its moving average, "state_dict" before others, with a
 * warning. F16 and BF16 become F32 exactly; a logit_bias is kept. Sizes come from the shapes; heads are 64 wide unless
 * open_clip_config.json beside the source says otherwise; the activation is QuickGELU for OpenAI's and EmoCLIP's
 * weights, open_clip_config.json's for open_clip's. Another image size resizes the position embedding bicubically, with
 * antialias, as open_clip does; a context of 248 from 77 is stretched as Long-CLIP does it, any other linearly. Without
 * a tokenizer the model is written all the same, with a warning. summary may be NULL.
 * MIEN_ERR_ARG: a size or word that cannot be, a directory that holds something, or weights of open_clip that do not
 * tell their activation; MIEN_ERR_DATA: path and byte, key or tensor, of one that is not finite too; MIEN_ERR_IO.
 * Thread-safe. */
MIEN_API enum mien_status mien_convert(const struct mien_convert_params *params, struct mien_convert_summary *summary);

/* One tower's sizes. */
struct mien_tower_info {
    uint32_t width, layers, heads, mlp;
    const char *activation; /* "quick_gelu", "gelu"; static */
};

/* What a model directory holds. Texts belong to the report. */
struct mien_model_report {
    struct mien_model_info info;
    float scale; /* exp(logit_scale): what cosines are multiplied by; both are NaN when it cannot be read */
    struct mien_tower_info image, text;
    uint32_t temporal_layers; /* 0: no transformer over frames, and the next four are 0 */
    uint32_t temporal_heads, temporal_head_dim, temporal_mlp, temporal_frames;
    const char *weights; /* file, or the index of several */
    uint64_t bytes;      /* of the tensors */
    uint32_t tensors;
    const char *dtypes; /* "F32"; "F16 x 147, F32 x 1" */
    bool preprocessor;  /* preprocessor_config.json (or processor_config.json) is there, else CLIP's values are used */
    bool tokenizer;
    uint32_t tokens;             /* ids that it has a token for; of the tokenizer are also: */
    int32_t start, end, padding; /* ids */
    size_t problem_count;        /* why the directory cannot be used as it is: */
    const char *const *problems; /* missing, unexpected or misshapen tensors, values that are no numbers, ... */
    const char *head;            /* "regression", "classes"; NULL: there is none, and the next three are 0 */
    uint32_t head_hidden;        /* units of its inner layer */
    size_t target_count;
    const char *const *targets; /* their names */
};

/* Reads a model directory and checks it: config.json against the tensors, every value finite, the tokenizer against the
 * vocabulary. Problems are listed, not logged. The caller owns *out. MIEN_ERR_DATA: there is no readable config.json or
 * no readable file of weights. Thread-safe. */
MIEN_API enum mien_status mien_model_inspect(const char *dir, struct mien_model_report **out);

/* Frees the report and its texts. Thread-safe. */
MIEN_API void mien_model_report_destroy(struct mien_model_report **report);

/* What using a model takes, worked out without loading it. Bytes. */
struct mien_model_plan {
    size_t size;
    char device[256];               /* whose limits and kernels it is for */
    uint32_t images, texts;         /* pictures and texts of a run: the largest that the library makes, or fewer */
    uint64_t weights;               /* on the device */
    uint64_t image_run;             /* beside them on the device: activations and inputs of a run of pictures */
    uint64_t text_run;              /* of texts as long as the context */
    uint64_t device_peak;           /* all of these: what the library takes from the device at most */
    uint64_t host_peak;             /* host memory that the device sees: inputs, outputs, uploads */
    uint64_t pixels;                /* beside it, in the process: two runs' pictures, decoded ahead */
    double image_flops, text_flops; /* of one picture; of one text as long as the context */
};

/* For a model that is opened with params (may be NULL), plans mien_model_embed and mien_model_embed_texts with
 * up to `images` pictures and `texts` texts at a time (0: none; above 32: 32, as in the library's own batches) on a
 * device, or, where gpu is NULL, on a discrete device as most are. The peaks equal the count of the library's allocator
 * to the byte as long as calls have that many or 32 at a time; programs for other numbers add theirs. Clips' temporal
 * transformer is not in it. Of params->files (dir NULL) only config.json is looked at. MIEN_ERR_ARG: as
 * mien_model_open; MIEN_ERR_DATA: no readable config.json (path and key). */
MIEN_API enum mien_status mien_model_plan(const char *dir, struct mien_gpu *gpu, const struct mien_model_params *params,
                                          uint32_t images, uint32_t texts, struct mien_model_plan *out);

#ifdef __cplusplus
}
#endif
#endif
