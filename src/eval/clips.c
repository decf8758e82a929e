/* clips.c: embeddings of clips from some of their frames. */
#include "data/frames.h"
#include "eval/model_use.h"

#include <string.h>

enum { USUAL_FRAMES = 32 };

/* The frames of a clip that are used, in *out (in the arena), *count of them. */
static enum mien_status choose(struct base_arena *arena, const struct mien_clip *clip, uint32_t most,
                               struct mien_image **out, size_t *count)
{
    enum mien_status status = MIEN_OK;
    const char **paths = NULL;
    size_t total = clip->frame_count;
    if (clip->directory)
        TRY(data_frames_list(arena, clip->directory, &paths, &total));
    FAIL_IF(total == 0 || (!clip->directory && !clip->frames), MIEN_ERR_DATA, "a clip without frames");
    *count = most == MIEN_ALL_FRAMES ? total : BASE_MIN(total, (size_t)most);
    *out = base_arena_array(arena, *count, sizeof(**out));
    FAIL_IF_NULL(*out, "a clip's frames");
    for (size_t i = 0; i < *count; i++) {
        size_t at = data_frames_pick(total, *count, i);
        if (!clip->directory) {
            (*out)[i] = clip->frames[at];
            continue;
        }
        (*out)[i] = (struct mien_image){.path = paths[at], .has_box = clip->has_box};
        memcpy((*out)[i].box, clip->box, sizeof(clip->box));
    }
fail:
    return status;
}

/* out [E] */
static enum mien_status embed_clip(struct mien_model *model, const struct mien_clip *clip,
                                   const struct mien_embed_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t embed = model->nn->config.embed;
    struct mien_embed_params each = {
        .flags = params->flags | MIEN_RAW, .threads = params->threads, .max_pixels = params->max_pixels};
    struct base_arena arena = {0};
    struct mien_image *frames = NULL;
    float *rows = NULL; /* [count,E] */
    size_t count = 0;
    TRY(choose(&arena, clip, params->frames ? params->frames : USUAL_FRAMES, &frames, &count));
    FAIL_IF(count > UINT32_MAX, MIEN_ERR_ARG, "%zu frames in a clip are beyond reason", count);
    rows = base_arena_array(&arena, count, embed * sizeof(*rows));
    FAIL_IF_NULL(rows, "a clip's frames");
    TRY(mien_model_embed_pictures(model, frames, count, &each, rows));
    TRY(nn_encode_clips(model->encoder, rows, 1, (uint32_t)count, out));
    if (!(params->flags & MIEN_RAW))
        nn_normalise_rows(out, 1, embed);
fail:
    base_arena_clear(&arena);
    return status;
}

enum mien_status mien_model_embed_clips(struct mien_model *model, const struct mien_clip *clips, size_t count,
                                        const struct mien_embed_params *params, float *out)
{
    static const struct mien_embed_params defaults;
    enum mien_status status = MIEN_OK;
    FAIL_IF(!model || (count && (!clips || !out)), MIEN_ERR_ARG,
            "mien_model_embed_clips: no model, no clips, or no place for the result");
    params = params ? params : &defaults;
    for (size_t i = 0; i < count; i++) {
        size_t embed = model->nn->config.embed;
        enum mien_status one = embed_clip(model, &clips[i], params, out + i * embed);
        bool bad = one == MIEN_ERR_DATA || one == MIEN_ERR_IO;
        if (one != MIEN_OK && (!bad || !params->ok))
            return one;
        if (bad)
            memset(out + i * embed, 0, embed * sizeof(*out));
        if (params->ok)
            params->ok[i] = !bad;
        if (params->progress)
            params->progress(params->user, i + 1, count);
    }
fail:
    return status;
}
