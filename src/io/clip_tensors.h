/* clip_tensors.h: the one list of the tensors that a CLIP model of given sizes has: Hugging Face's names, shapes,
 * initial values, and where OpenAI's and open_clip's naming has them. A model's parameters (nn/params.c), the checks of
 * a directory and conversions are made from it. */
#ifndef IO_CLIP_TENSORS_H
#define IO_CLIP_TENSORS_H

#include "io/model_dir.h"

/* How Hugging Face's tensor comes out of OpenAI's: as it is, transposed, or the first, second or last third of the
 * rows. */
enum io_clip_form { IO_CLIP_SAME, IO_CLIP_TRANSPOSED, IO_CLIP_Q, IO_CLIP_K, IO_CLIP_V };

/* How a tensor starts when there are no weights. */
enum io_init { IO_INIT_CONSTANT, IO_INIT_NORMAL, IO_INIT_UNIFORM };

struct io_clip_tensor {
    const char *name;   /* Hugging Face's; "temporal.*" as EmoCLIP has it */
    const char *openai; /* "" where OpenAI's models have none */
    enum io_clip_form form;
    uint32_t rank; /* of Hugging Face's */
    uint64_t dims[4];
    uint64_t count;
    enum io_init init;
    double spread; /* CONSTANT: the value; NORMAL: standard deviation; UNIFORM: half width around 0 */
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
