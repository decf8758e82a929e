/* stream.h: inside use: the one way from pictures and clips to embeddings. */
#ifndef USE_STREAM_H
#define USE_STREAM_H

#include "use/input.h"

/* Takes the embedding [E] of input `index`; NULL = it is bad, which params->ok lets pass. Inputs come in their order.
 */
typedef enum mien_status (*use_sink_fn)(void *user, size_t index, const float *embed);

/* Pictures and chosen frames of all inputs pass the image tower together, in blocks of 32: worker threads decode the
 * next block while the device works on this one. Memory: two blocks, and the embeddings of one clip's frames. Fills
 * params->ok, tells params->progress. The inputs have been checked (use_check_inputs). */
enum mien_status use_embed(struct mien_model *model, const struct use_feed *feed,
                           const struct mien_embed_params *params, use_sink_fn sink, void *user);
/* Takes the raw embeddings [count,E] of the frames of input `index`, of a picture its own; NULL as above. */
typedef enum mien_status (*use_frames_fn)(void *user, size_t index, const float *rows, uint32_t count);

/* The same, but clips stay the frames that they are: raw embeddings, whatever params->flags says of length. */
enum mien_status use_embed_frames(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_frames_fn sink, void *user);
/* The same as use_embed with params->store, which is given: what is in it is not embedded again. use_embed calls it. */
enum mien_status use_embed_stored(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_sink_fn sink, void *user);
/* The same as use_embed with model->ranks, each of which embeds its part: all get all. use_embed calls it. */
enum mien_status use_embed_shared(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_sink_fn sink, void *user);
/* use_embed by this rank alone. */
enum mien_status use_embed_alone(struct mien_model *model, const struct use_feed *feed,
                                 const struct mien_embed_params *params, use_sink_fn sink, void *user);
/* The same as use_embed into out [count,E]; the row of a bad input is 0. */
enum mien_status use_embed_into(struct mien_model *model, const struct use_feed *feed,
                                const struct mien_embed_params *params, float *out);

#endif
