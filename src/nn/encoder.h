/* encoder.h: embeddings of any number of images, texts and clips: batches of a few sizes, programs kept by shape. */
#ifndef NN_ENCODER_H
#define NN_ENCODER_H

#include "nn/nn.h"

struct nn_encoder;

/* The model is borrowed and must outlive the encoder; its weights may change between calls. */
enum mien_status nn_encoder_create(struct nn_model *model, struct nn_encoder **out);
void nn_encoder_destroy(struct nn_encoder **encoder);

/* pixels [count,3,R,R], normalised -> out [count,E], as projected, not of unit length. */
enum mien_status nn_encode_images(struct nn_encoder *encoder, const float *pixels, uint32_t count, float *out);

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

/* Rows of [count,width] to unit length, in place; a row of zeros stays. */
void nn_normalise_rows(float *rows, uint32_t count, uint32_t width);

#endif
