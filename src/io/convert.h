/* convert.h: weights under OpenAI's, open_clip's, EmoCLIP's or Hugging Face's names become the files of a Hugging Face
 * directory, other sizes of image and text included. The tokenizer's files are not io's business (data/). */
#ifndef IO_CONVERT_H
#define IO_CONVERT_H

#include "io/clip_tensors.h"
#include "io/weights.h"

enum io_naming { IO_NAMING_HF, IO_NAMING_OPENAI, IO_NAMING_OPEN_CLIP, IO_NAMING_EMOCLIP };

struct io_convert_wish {
    const char *act;     /* "quick_gelu", "gelu"; NULL: as the source says */
    uint32_t context;    /* tokens; 0: the source's */
    uint32_t image;      /* pixels; 0: the source's */
    enum io_dtype dtype; /* of the file written: F32, F16 or BF16 */
};

struct io_conversion {
    struct io_weights *weights;
    enum io_naming naming;
    bool custom_text;                   /* CustomTextCLIP: the text tower's names begin with "text." */
    char outer[256], prefix[256];       /* what stands before the names: "module.", "module.backbone." */
    char passed[256];                   /* and before those of another model, which is passed over; or "" */
    struct io_clip_config from, config; /* of the source; wanted */
    struct io_clip_tensors list;        /* of config */
    struct io_preprocess preprocess;
    enum io_dtype dtype;
    cJSON *extra; /* what the source's config.json has under "mien" */
    char *dir;    /* where the source's companions lie */
};

/* `source`: a file or a directory (io_weights_open). Sizes come from the shapes of the tensors and, where they are
 * there, from config.json or open_clip_config.json; all tensors are checked. MIEN_ERR_DATA names what is missing,
 * unexpected or misshapen; MIEN_ERR_ARG: a wish that cannot be fulfilled, or an activation that nothing tells. */
enum mien_status io_conversion_open(const char *source, const struct io_convert_wish *wish, struct io_conversion **out);
void io_conversion_close(struct io_conversion **conversion);

/* config.json, model.safetensors and preprocessor_config.json into a directory that exists. A value that F16 cannot
 * hold is MIEN_ERR_DATA. progress (of tensors) may be NULL. */
enum mien_status io_conversion_write(const struct io_conversion *conversion, const char *dir, mien_progress_fn progress,
                                     void *user);

/* ---- between convert.c, convert_config.c and convert_write.c ---- */

/* The source's tensor under OpenAI's name ("visual.proj"); NULL when there is none. */
const struct io_tensor *io_conversion_openai(const struct io_conversion *c, const char *name);
/* The source of a wanted tensor, or NULL. */
const struct io_tensor *io_conversion_source(const struct io_conversion *c, const struct io_clip_tensor *want);
/* Fills from, preprocess and extra. */
enum mien_status io_conversion_sizes(struct io_conversion *c, const struct io_convert_wish *wish);

#endif
