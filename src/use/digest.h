/* digest.h: inside use: what an embedding depends on: the model, and what is looked at. */
#ifndef USE_DIGEST_H
#define USE_DIGEST_H

#include "use/use.h"

enum { USE_KEY = 16 }; /* bytes of a SHA-256 */

/* One picture or clip as it is now: its bytes, its box, its frames, whether EXIF is heeded. Two inputs of one key have
 * one embedding. */
struct use_key {
    unsigned char bytes[USE_KEY];
    uint64_t size; /* bytes of the files */
    bool known;    /* else a file cannot be read, or these are pixels: it is embedded always */
    bool no_memory;
    struct mien_clip_frames frames; /* of a folder or list */
};

/* frames: of a clip, at most, or MIEN_ALL_FRAMES. Nothing is logged. */
struct use_key use_key_of(const struct mien_input *input, uint32_t frames, uint32_t flags);

/* Of all inputs, on threads (0 = one per processor), into keys [count]. MIEN_ERR_NOMEM: that
 * one could not be made is no absence. */
enum mien_status use_keys_of(const struct mien_input *inputs, size_t count, const struct mien_embed_params *params,
                             uint32_t frames, struct use_key *keys);

/* Sizes, weights as the device has them, and preprocessing, into out [USE_KEY]; worked out once. */
enum mien_status use_model_key(struct mien_model *model, unsigned char *out);

#endif
