/* clip_tensors.h: which tensors a CLIP model of given sizes has, as Hugging Face names them, and where OpenAI's and
 * open_clip's naming has them. */
#ifndef IO_CLIP_TENSORS_H
#define IO_CLIP_TENSORS_H

#include "io/model_dir.h"

/* How Hugging Face's tensor comes out of OpenAI's: as it is, transposed, or the first, second or last third of the
 * rows. */
enum io_clip_form { IO_CLIP_SAME, IO_CLIP_TRANSPOSED, IO_CLIP_Q, IO_CLIP_K, IO_CLIP_V };

struct io_clip_tensor {
    const char *name;   /* Hugging Face's; "temporal.*" as EmoCLIP has it */
    const char *openai; /* "" for temporal tensors */
    enum io_clip_form form;
    uint32_t rank; /* of Hugging Face's */
    uint64_t dims[4];
    uint64_t count;
};

struct io_clip_tensors {
    struct io_clip_tensor *items; /* sorted by name */
    size_t count, capacity;
    uint64_t elements; /* of all */
    struct base_arena arena;
};

enum mien_status io_clip_tensors_list(const struct io_clip_config *config, struct io_clip_tensors *out);
void io_clip_tensors_clear(struct io_clip_tensors *list);
/* By Hugging Face's name; NULL when there is none. */
const struct io_clip_tensor *io_clip_tensors_find(const struct io_clip_tensors *list, const char *name);

/* Buffers that some exports keep beside the weights: position_ids, attn_mask, context_length, ... */
bool io_clip_is_buffer(const char *name);

#define IO_CLIP_VISION_POSITIONS "vision_model.embeddings.position_embedding.weight"
#define IO_CLIP_TEXT_POSITIONS "text_model.embeddings.position_embedding.weight"

#endif
