/* input.c: what inputs are made of: checks, frames of clips, videos. */
#include "use/input.h"

#include "data/frames.h"
#include "data/video.h"

#include <stdio.h>
#include <string.h>

enum { MOST_SIDE = 65536 };

/* ---- checks ---- */

static bool is_clip(const struct mien_input *in)
{
    return in->frames || in->directory || in->video;
}

static enum mien_status check_pixels(const struct mien_input *in, const char *name)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF((unsigned)in->format > MIEN_PIXELS_BGRX, MIEN_ERR_ARG, "%s: an unknown format of pixels", name);
    FAIL_IF(in->width == 0 || in->height == 0 || in->width > MOST_SIDE || in->height > MOST_SIDE, MIEN_ERR_ARG,
            "%s: %ux%u pixels; sides from 1 to %d are possible", name, in->width, in->height, MOST_SIDE);
    uint32_t size = data_pixel_size(in->format);
    FAIL_IF(in->stride && in->stride < (size_t)in->width * size, MIEN_ERR_ARG,
            "%s: a stride of %zu bytes does not hold a row of %u pixels of %u bytes", name, in->stride, in->width,
            size);
    FAIL_IF(in->stride > PTRDIFF_MAX / in->height, MIEN_ERR_ARG,
            "%s: a stride of %zu bytes; %u rows of it are more than memory has (strides are never negative: give rows "
            "from top to bottom)",
            name, in->stride, in->height);
fail:
    return status;
}

static enum mien_status check_input(const struct mien_input *in, size_t index, bool is_frame)
{
    enum mien_status status = MIEN_OK;
    char name[64];
    int kinds = (in->path != NULL) + (in->bytes != NULL) + (in->pixels != NULL) + (in->frames != NULL) +
                (in->directory != NULL) + (in->video != NULL);
    snprintf(name, sizeof(name), is_frame ? "frame %zu" : "input %zu", index);
    FAIL_IF(kinds == 0, MIEN_ERR_ARG, "%s has neither a path nor pixels, nor is it a clip", name);
    FAIL_IF(kinds > 1, MIEN_ERR_ARG,
            "%s is %d things at once; give a path, bytes, pixels, frames, a directory or a video", name, kinds);
    FAIL_IF(is_frame && is_clip(in), MIEN_ERR_ARG, "%s of a clip is a clip itself", name);
    for (size_t i = 0; i < BASE_COUNT(in->reserved); i++)
        FAIL_IF(in->reserved[i], MIEN_ERR_ARG, "%s: reserved members must be 0; this library is older than its user",
                name);
    FAIL_IF((in->byte_count && !in->bytes) || (in->frame_count && !in->frames), MIEN_ERR_ARG,
            "%s has a count of %s that are not there (NULL)", name, in->byte_count ? "bytes" : "frames");
    if (in->pixels)
        TRY(check_pixels(in, name));
fail:
    return status;
}

enum mien_status use_check_flags(uint32_t flags, const char *function)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(flags & ~(uint32_t)(MIEN_RAW | MIEN_NO_EXIF | MIEN_JPEG_DRAFT), MIEN_ERR_ARG,
            "%s: flags are 0x%x; those of version %s are MIEN_RAW, MIEN_NO_EXIF and MIEN_JPEG_DRAFT", function, flags,
            mien_version());
fail:
    return status;
}

enum mien_status use_check_inputs(const struct mien_input *inputs, size_t count)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < count; i++) {
        TRY(check_input(&inputs[i], i, false));
        for (size_t k = 0; inputs[i].frames && k < inputs[i].frame_count; k++)
            TRY(check_input(&inputs[i].frames[k], k, true));
    }
fail:
    return status;
}

const char *use_input_name(const struct mien_input *in, size_t index, char *buffer, size_t size)
{
    const char *path = in->path ? in->path : in->directory ? in->directory : in->video;
    snprintf(buffer, size, "input %zu", index);
    return path ? path : buffer;
}

/* ---- pictures ---- */

static void set_box(struct use_item *item, const struct mien_input *from)
{
    item->has_box = from->has_box;
    memcpy(item->box, from->box, sizeof(item->box));
}

static void set_picture(struct use_item *item, const struct mien_input *from)
{
    item->source = (struct data_source){.path = from->path,
                                        .bytes = from->bytes,
                                        .size = from->byte_count,
                                        .pixels = from->pixels,
                                        .format = from->format,
                                        .width = from->width,
                                        .height = from->height,
                                        .stride = from->stride};
    set_box(item, from);
}

/* ---- clips ---- */

static enum mien_status open_video(struct use_cursor *c, const struct mien_input *in)
{
    struct data_image_params p = {.max_pixels = c->params->max_pixels, .has_box = in->has_box};
    memcpy(p.box, in->box, sizeof(p.box));
    return data_video_open(in->video, c->frames == MIEN_ALL_FRAMES ? SIZE_MAX : c->frames, &p, &c->video);
}

/* Which frames of a directory or a list are used. */
static enum mien_status choose_frames(struct use_cursor *c, const struct mien_input *in)
{
    enum mien_status status = MIEN_OK;
    char name[32];
    c->total = in->frame_count;
    if (in->directory)
        TRY(data_frames_list(&c->arena, in->directory, &c->paths, &c->total));
    FAIL_IF(c->total == 0, MIEN_ERR_DATA, "%s: a clip without frames",
            use_input_name(in, c->next - 1, name, sizeof(name)));
    FAIL_IF(c->total > UINT32_MAX, MIEN_ERR_ARG, "%zu frames in a clip are beyond reason", c->total);
    c->count = c->frames == MIEN_ALL_FRAMES ? c->total : BASE_MIN(c->total, (size_t)c->frames);
    if (c->params->clips)
        c->params->clips[c->next - 1] = (struct mien_clip_frames){c->count, c->total};
fail:
    return status;
}

static void open_clip(struct use_cursor *c, const struct mien_input *in)
{
    base_arena_clear(&c->arena);
    c->paths = NULL;
    c->total = c->count = c->at = 0;
    c->in_clip = true;
    c->status = in->video ? open_video(c, in) : choose_frames(c, in);
    c->ended = c->status != MIEN_OK;
}

/* The next frame of the clip into *item, or nothing when it has ended. */
static void next_frame(struct use_cursor *c, const struct mien_input *in, struct use_item *item)
{
    if (c->video) {
        c->status = data_video_next(c->video, &item->image);
        c->ended = !item->image.pixels;
        return;
    }
    size_t at = data_frames_pick(c->total, c->count, c->at++);
    c->ended = c->at > c->count;
    if (c->ended)
        return;
    if (in->frames)
        set_picture(item, &in->frames[at]);
    else
        item->source = (struct data_source){.path = c->paths[at]};
    if (!item->has_box)
        set_box(item, in);
}

void use_cursor_next(struct use_cursor *c, struct use_item *out)
{
    *out = (struct use_item){.input = c->next};
    if (!c->in_clip) {
        if (c->next == c->feed->count)
            return;
        const struct mien_input *in = &c->feed->inputs[c->next++];
        if (!is_clip(in)) {
            out->kind = USE_PICTURE;
            set_picture(out, in);
            return;
        }
        open_clip(c, in);
    }
    out->input = c->next - 1;
    if (!c->ended)
        next_frame(c, &c->feed->inputs[c->next - 1], out);
    out->kind = c->ended ? USE_CLIP_END : USE_FRAME;
    if (!c->ended)
        return;
    out->status = c->status;
    data_video_close(&c->video);
    c->in_clip = false;
}

void use_cursor_skip(struct use_cursor *c)
{
    c->ended = true;
}

void use_cursor_clear(struct use_cursor *c)
{
    data_video_close(&c->video);
    base_arena_clear(&c->arena);
}
