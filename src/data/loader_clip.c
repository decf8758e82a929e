/* loader_clip.c: samples that are clips: their frames, decoded or as features. */
#include "data/frames.h"
#include "data/loader_internal.h"
#include "data/row_image.h"
#include "data/video.h"

#include <string.h>

uint32_t loader_frames(const struct data_loader *l)
{
    return BASE_MAX(l->p.clips.count, 1u);
}

/* Floats of a frame. */
static size_t frame_size(const struct data_loader *l)
{
    size_t side = l->p.preprocess.crop;
    return l->p.features ? l->p.features->width : 3 * side * side;
}

size_t loader_sample_size(const struct data_loader *l)
{
    return loader_frames(l) * frame_size(l);
}

/* The frames that a row has. One that has none is bad: that was named. */
static enum mien_status list_frames(struct data_loader *l, const struct data_row *row, struct loader_clip *clip)
{
    enum mien_status status = MIEN_OK;
    const char **paths = NULL;
    size_t total = row->frame_count;
    if (row->image) {
        *clip = (struct loader_clip){&row->image, 1};
        return MIEN_OK;
    }
    if (row->frames_dir)
        status = data_frames_list(&l->paths, row->frames_dir, &paths, &total);
    if (status == MIEN_ERR_DATA || status == MIEN_ERR_IO)
        return MIEN_OK;
    FAIL_IF(total > UINT32_MAX, MIEN_ERR_DATA, "%s:%u: %zu frames in a clip are beyond reason", l->p.manifest->path,
            row->line, total);
    clip->paths = row->frames_dir ? paths : row->frames;
    clip->total = (uint32_t)total;
    FAIL_IF(row->video && l->p.clips.sampling != DATA_SAMPLING_UNIFORM, MIEN_ERR_ARG,
            "%s:%u: frames of a video can be taken at equal spacing only while the image tower is trained: set "
            "data.frames.sampling to uniform, freeze the tower, or extract the frames (ffmpeg -i %s DIR/%%06d.png)",
            l->p.manifest->path, row->line, row->video);
fail:
    return status;
}

enum mien_status loader_clips_create(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    if (!l->p.clips.count || l->p.features)
        return MIEN_OK;
    l->clips = base_alloc(l->p.row_count, sizeof(*l->clips));
    FAIL_IF_NULL(l->clips, "clips");
    for (size_t i = 0; i < l->p.row_count; i++)
        TRY(list_frames(l, &l->p.manifest->rows[l->rows[i]], &l->clips[i]));
fail:
    return status;
}

/* ---- one sample ---- */

static struct base_rng draw(const struct data_loader *l, const char *what, const struct slot *slot, uint32_t index)
{
    return base_rng_make(l->p.seed, what, slot->batch.epoch, slot->place + index);
}

/* Which frames of `total`. */
static const uint32_t *choose(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t total)
{
    uint32_t *places = slot->places + (size_t)index * loader_frames(l);
    struct base_rng rng = draw(l, "frames", slot, index);
    data_clips_sample(&l->p.clips, total, &rng, places);
    return places;
}

/* One frame; every frame of a clip meets the same draws. */
static enum mien_status put_frame(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                  const struct data_image *image, uint32_t frame, struct data_augment_work *work)
{
    struct base_rng rng = draw(l, "augment", slot, index);
    return data_augment_image(image, &l->p.preprocess, &l->p.augment, loader_may_flip(l, slot, index, sample), &rng,
                              work, loader_place(l, slot, index) + frame * frame_size(l));
}

/* A frame is shown once more. */
static void repeat_frame(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t from, uint32_t to)
{
    size_t size = frame_size(l);
    float *sample = loader_place(l, slot, index);
    memcpy(sample + to * size, sample + from * size, size * sizeof(*sample));
}

/* At most T frames come, at equal spacing; fewer are stretched, from the last on so that none is overwritten before it
 * is read. */
static enum mien_status fill_video(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                   struct data_augment_work *work)
{
    enum mien_status status = MIEN_OK;
    const struct data_row *row = &l->p.manifest->rows[l->rows[sample]];
    struct data_image_params params = {.has_box = row->has_box};
    struct data_image image = {0};
    struct data_video *video = NULL;
    uint32_t got = 0, want = loader_frames(l);
    memcpy(params.box, row->box, sizeof(params.box));
    TRY(data_video_open(row->video, want, &params, &video));
    for (;; got++) {
        TRY(data_video_next(video, &image));
        if (!image.pixels)
            break;
        TRY(data_preprocess_check(row->video, &image, &l->p.preprocess));
        TRY(put_frame(l, slot, index, sample, &image, got, work));
        data_image_free(&image);
    }
    const uint32_t *places = choose(l, slot, index, got);
    for (uint32_t i = want; got < want && i-- > 0;)
        repeat_frame(l, slot, index, places[i], i);
fail:
    data_image_free(&image);
    data_video_close(&video);
    return status;
}

/* The frames of a shard's row. */
static struct loader_clip clip_of(const struct data_row *row)
{
    return row->image ? (struct loader_clip){&row->image, 1} : (struct loader_clip){row->frames, row->frame_count};
}

enum mien_status loader_clip_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                  struct data_augment_work *work)
{
    enum mien_status status = MIEN_OK;
    const struct data_row *own = loader_row(l, slot, index, sample);
    const struct loader_clip clip = slot->items ? clip_of(own) : l->clips[sample];
    struct data_row row = *own;
    struct data_image image = {0};
    if (row.video)
        return fill_video(l, slot, index, sample, work);
    if (clip.total == 0)
        return MIEN_ERR_DATA;
    const uint32_t *places = choose(l, slot, index, clip.total);
    for (uint32_t i = 0; i < loader_frames(l); i++) {
        if (i > 0 && places[i] == places[i - 1]) {
            repeat_frame(l, slot, index, i - 1, i);
            continue;
        }
        row.image = clip.paths[places[i]];
        row.bytes = own->bytes ? own->bytes + places[i] : NULL;
        TRY(data_row_image(&row, &l->decoding, &image));
        TRY(data_preprocess_check(row.image, &image, &l->p.preprocess));
        TRY(put_frame(l, slot, index, sample, &image, i, work));
        data_image_free(&image);
    }
fail:
    data_image_free(&image);
    return status;
}

enum mien_status loader_features_fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample)
{
    const struct data_features *f = l->p.features;
    uint64_t first = f->first[sample], total = f->first[sample + 1] - first;
    if (total == 0)
        return MIEN_ERR_DATA;
    if (!l->p.clips.count) { /* pictures */
        memcpy(loader_place(l, slot, index), f->values + first * f->width, f->width * sizeof(float));
        return MIEN_OK;
    }
    const uint32_t *places = choose(l, slot, index, (uint32_t)total);
    for (uint32_t i = 0; i < loader_frames(l); i++)
        memcpy(loader_place(l, slot, index) + (size_t)i * f->width, f->values + (first + places[i]) * f->width,
               f->width * sizeof(float));
    return MIEN_OK;
}
