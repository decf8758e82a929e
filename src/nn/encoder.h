/* encoder.h: embeddings of any number of images, texts and clips: batches of up to 32, programs kept by shape. What one
 * of them gives does not depend, to the bit, on how many others go with it. */
#ifndef NN_ENCODER_H
#define NN_ENCODER_H

#include "nn/nn.h"

struct nn_encoder;

/* The model is borrowed and must outlive the encoder; its weights may change between calls. */
enum mien_status nn_encoder_create(struct nn_model *model, struct nn_encoder **out);
void nn_encoder_destroy(struct nn_encoder **encoder);
/* Images, texts and clips that runs have computed so far. */
uint64_t nn_encoder_rows(const struct nn_encoder *encoder);

/* pixels [count,3,R,R], normalised -> out [count,E], as projected, not of unit length. */
enum mien_status nn_encode_images(struct nn_encoder *encoder, const float *pixels, uint32_t count, float *out);

/* So many images will be encoded soon: the kernels that this needs are begun, on other threads, with whatever is
 * compiled next. A failure of theirs to be planned is that compilation's. */
void nn_encoder_expect_images(struct nn_encoder *encoder, uint64_t count);

/* One text: ids from start to end token, at most the context. */
struct nn_text {
    const int32_t *ids;
    uint32_t length;
};
/* texts -> out [count,E], as projected. Ids outside the vocabulary are MIEN_ERR_ARG. */
enum mien_status nn_encode_texts(struct nn_encoder *encoder, const struct nn_text *texts, uint32_t count, float *out);

/* Frames' embeddings as nn_encode_images gives them [count,length,E] -> the clips' [count,E], not of unit length: by
 * the temporal transformer, or their mean where the model has none. MIEN_ERR_ARG when the model cannot take `length`.
 */
enum mien_status nn_encode_clips(struct nn_encoder *encoder, const float *frames, uint32_t count, uint32_t length,
                                 float *out);

/* Memory that inference takes from the device's allocator at most, in bytes, all rounded as the allocator does:
 * vk_memory_stats.peak[VK_MEMORY_DEVICE] and .host_peak of a device on which nothing else was made. */
struct nn_memory {
    uint64_t parameters;            /* of device: the weights */
    uint64_t images, texts;         /* of device: the programs of the two towers */
    uint64_t device, host;          /* host: host-visible memory for inputs, outputs and, where needed, uploads */
    double image_flops, text_flops; /* of one run */
};
/* Without a device: a model of these sizes and precision (nn_model) loaded, then embeddings of batches of up to
 * `images` images and `texts` texts of up to `length` tokens; 0 = none of the kind. MIEN_ERR_ARG as nn_model_create, or
 * for a length above the context. */
enum mien_status nn_encoder_plan(const struct io_clip_config *config, enum mien_dtype precision,
                                 const struct vk_caps *caps, uint32_t images, uint32_t texts, uint32_t length,
                                 struct nn_memory *out);

/* Rows of [count,width] to unit length, in place; a row of zeros stays. */
void nn_normalise_rows(float *rows, uint32_t count, uint32_t width);

#endif
