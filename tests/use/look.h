/* look.h: one picture file to its embedding. */
#ifndef TESTS_USE_LOOK_H
#define TESTS_USE_LOOK_H

#include "mien/model.h"

static inline enum mien_status embed_file(struct mien_model *on, const char *path, uint32_t flags, float *out)
{
    const struct mien_embed_params params = {.size = sizeof params, .flags = flags};
    return mien_model_embed(on, &(struct mien_input){.path = path}, 1, &params, out);
}

#endif
