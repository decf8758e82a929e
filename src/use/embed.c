/* embed.c: the public way in: pictures and clips of all kinds to embeddings. */
#include "use/stream.h"

#include <string.h>

uint32_t use_frames(const struct mien_model *model, uint32_t asked)
{
    enum { USUAL = 32 };
    return asked ? asked : model->frames ? model->frames : USUAL;
}

struct rows {
    float *out; /* [count,width] */
    size_t width;
};

static enum mien_status put_row(void *user, size_t index, const float *embed)
{
    const struct rows *rows = user;
    float *to = rows->out + index * rows->width;
    if (embed)
        memcpy(to, embed, rows->width * sizeof(*to));
    else
        memset(to, 0, rows->width * sizeof(*to));
    return MIEN_OK;
}

enum mien_status use_embed_into(struct mien_model *model, const struct use_feed *feed,
                                const struct mien_embed_params *params, float *out)
{
    return use_embed(model, feed, params, put_row, &(struct rows){out, model->nn->config.embed});
}

enum mien_status mien_model_embed(struct mien_model *model, const struct mien_input *inputs, size_t count,
                                  const struct mien_embed_params *given, float *out)
{
    enum mien_status status = MIEN_OK;
    const struct use_feed feed = {.inputs = inputs, .count = count};
    struct mien_embed_params params;
    NEED(model && (!count || (inputs && out)));
    TRY(SIZED_READ(&params, given));
    TRY(use_check_flags(params.flags, __func__));
    TRY(use_check_inputs(inputs, count));
    if (count)
        TRY(use_embed_into(model, &feed, &params, out));
fail:
    return use_ended(model, status);
}

enum mien_status mien_model_expect(struct mien_model *model, size_t pictures)
{
    enum mien_status status = MIEN_OK;
    NEED(model);
    nn_encoder_expect_images(model->encoder, pictures);
fail:
    return use_ended(model, status);
}
