/* clips.c: embeddings of clips from some of their frames. */
#include "data/frames.h"
#include "data/video.h"
#include "use/use.h"

#include <string.h>

enum { USUAL_FRAMES = 32, BLOCK = 32 /* frames of a video that are encoded at a time: the encoder's largest batch */ };

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

/* Raw embeddings of the chosen frames of files or pixels, *rows [*count,E] in the arena. */
static enum mien_status embed_frames(struct mien_model *model, const struct mien_clip *clip, uint32_t most,
                                     const struct mien_embed_params *params, struct base_arena *arena, float **rows,
                                     size_t *count)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params each = {.size = sizeof(each),
                                     .flags = params->flags | MIEN_RAW,
                                     .threads = params->threads,
                                     .max_pixels = params->max_pixels};
    struct mien_image *frames = NULL;
    TRY(choose(arena, clip, most, &frames, count));
    FAIL_IF(*count > UINT32_MAX, MIEN_ERR_ARG, "%zu frames in a clip are beyond reason", *count);
    *rows = base_arena_array(arena, *count, model->nn->config.embed * sizeof(**rows));
    FAIL_IF_NULL(*rows, "a clip's frames");
    TRY(mien_model_embed_pictures(model, frames, *count, &each, *rows));
fail:
    return status;
}

/* ---- videos ---- */

/* The next frames of a video, at most BLOCK: pixels [*n,3,R,R]. */
static enum mien_status read_block(struct mien_model *model, struct data_video *video, float *pixels, uint32_t *n)
{
    enum mien_status status = MIEN_OK;
    struct base_trace *trace = vk_device_trace(model->device);
    uint64_t began = base_trace_now(trace);
    size_t side = model->preprocess.crop;
    struct data_image frame = {0};
    for (*n = 0; *n < BLOCK; ++*n) {
        TRY(data_video_next(video, &frame));
        if (!frame.pixels)
            break;
        TRY(data_preprocess_image(&frame, &model->preprocess, pixels + *n * 3 * side * side));
        data_image_free(&frame);
    }
fail:
    base_trace_span(trace, BASE_TRACK_IMAGES, "read frames", NULL, began);
    data_image_free(&frame);
    return status;
}

/* As embed_frames for a video; its frames are encoded as they come. *rows is for base_free, also after a failure. */
static enum mien_status embed_video(struct mien_model *model, const struct mien_clip *clip, uint32_t most,
                                    const struct mien_embed_params *params, float **rows, size_t *count)
{
    enum mien_status status = MIEN_OK;
    size_t embed = model->nn->config.embed, side = model->preprocess.crop, capacity = 0;
    struct data_image_params p = {.max_pixels = params->max_pixels, .has_box = clip->has_box};
    struct data_video *video = NULL;
    uint32_t n = BLOCK;
    float *pixels = base_alloc(BLOCK * 3 * side * side, sizeof(*pixels));
    FAIL_IF_NULL(pixels, "a video's frames");
    memcpy(p.box, clip->box, sizeof(p.box));
    TRY(data_video_open(clip->video, most == MIEN_ALL_FRAMES ? SIZE_MAX : most, &p, &video));
    while (n == BLOCK) {
        TRY(read_block(model, video, pixels, &n));
        FAIL_IF(*count + n > UINT32_MAX, MIEN_ERR_ARG, "%s: its frames are beyond reason", clip->video);
        TRY(base_grow(rows, &capacity, (*count + n) * embed, sizeof(**rows)));
        TRY(nn_encode_images(model->encoder, pixels, n, *rows + *count * embed));
        *count += n;
    }
fail:
    data_video_close(&video);
    base_free(pixels);
    return status;
}

/* out [E] */
static enum mien_status embed_clip(struct mien_model *model, const struct mien_clip *clip,
                                   const struct mien_embed_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t embed = model->nn->config.embed;
    uint32_t most = params->frames ? params->frames : USUAL_FRAMES;
    struct base_arena arena = {0};
    float *rows = NULL, *of_video = NULL; /* [count,E] */
    size_t count = 0;
    if (clip->video)
        TRY(embed_video(model, clip, most, params, &of_video, &count));
    else
        TRY(embed_frames(model, clip, most, params, &arena, &rows, &count));
    TRY(nn_encode_clips(model->encoder, of_video ? of_video : rows, 1, (uint32_t)count, out));
    if (!(params->flags & MIEN_RAW))
        nn_normalise_rows(out, 1, embed);
fail:
    base_free(of_video);
    base_arena_clear(&arena);
    return status;
}

enum mien_status mien_model_embed_clips(struct mien_model *model, const struct mien_clip *clips, size_t count,
                                        const struct mien_embed_params *given, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params params;
    NEED(model && (!count || (clips && out)));
    TRY(SIZED_READ(&params, given));
    for (size_t i = 0; i < count; i++) {
        size_t embed = model->nn->config.embed;
        enum mien_status one = embed_clip(model, &clips[i], &params, out + i * embed);
        bool bad = one == MIEN_ERR_DATA || one == MIEN_ERR_IO;
        if (one != MIEN_OK && (!bad || !params.ok))
            TRY(one);
        if (bad)
            memset(out + i * embed, 0, embed * sizeof(*out));
        if (params.ok)
            params.ok[i] = !bad;
        if (params.progress)
            params.progress(params.user, i + 1, count);
    }
fail:
    return use_ended(model, status);
}

/* ---- rows of a manifest ---- */

enum mien_status use_embed_row_clip(struct mien_model *model, const struct data_row *row,
                                    const struct mien_embed_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_clip clip = {
        .video = row->video, .directory = row->frames_dir, .frame_count = row->frame_count, .has_box = row->has_box};
    struct mien_image *frames = base_alloc((size_t)row->frame_count + 1, sizeof(*frames));
    FAIL_IF_NULL(frames, "a clip's frames");
    for (uint32_t i = 0; i < row->frame_count; i++) {
        frames[i] = (struct mien_image){.path = row->frames[i], .has_box = row->has_box};
        memcpy(frames[i].box, row->box, sizeof(frames[i].box));
    }
    memcpy(clip.box, row->box, sizeof(clip.box));
    clip.frames = frames;
    TRY(mien_model_embed_clips(model, &clip, 1, params, out));
fail:
    base_free(frames);
    return status;
}

const char *use_row_path(const struct data_row *row)
{
    return row->image ? row->image : row->video ? row->video : row->frames_dir ? row->frames_dir : row->frames[0];
}
