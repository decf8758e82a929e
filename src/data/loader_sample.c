/* loader_sample.c: one sample: read or cached, changed, normalised; bad ones replaced. */
#include "data/loader_internal.h"
#include "data/row_image.h"

enum { REPLACEMENTS = 100 };

/* Whose a picture is: the cache's; the caller's, to be freed; or his too, and worth keeping. */
enum hold { HOLD_CACHED, HOLD_OWN, HOLD_FRESH };

/* The picture from the cache or the pack, or read. MIEN_ERR_DATA when it is bad. */
static enum mien_status get_image(struct data_loader *l, uint32_t sample, struct data_image *image, enum hold *hold)
{
    const struct data_row *row = &l->p.manifest->rows[l->rows[sample]];
    *hold = HOLD_CACHED;
    base_mutex_lock(l->mutex);
    *image = l->cached[sample];
    base_mutex_unlock(l->mutex);
    if (image->pixels)
        return MIEN_OK;
    if (data_pack_image(l->pack, l->rows[sample], image)) {
        *hold = HOLD_OWN; /* the system keeps the pack's pages */
        return MIEN_OK;
    }
    enum mien_status status = data_row_image(row, l->p.ignore_exif, !l->p.preprocess.rgb_first, image);
    *hold = status == MIEN_OK ? HOLD_FRESH : HOLD_CACHED;
    return status;
}

/* Gives a picture that was read to the cache when there is room; then it is not the caller's any more. */
static void keep_image(struct data_loader *l, uint32_t sample, const struct data_image *image, enum hold *hold)
{
    uint64_t bytes = (uint64_t)image->width * image->height * image->channels;
    base_mutex_lock(l->mutex);
    if (!l->cached[sample].pixels && l->cached_bytes + bytes <= l->p.cache_bytes) {
        l->cached[sample] = *image;
        l->cached_bytes += bytes;
        *hold = HOLD_CACHED;
    }
    base_mutex_unlock(l->mutex);
}

/* Counts a bad sample once; fails when there are too many. */
static enum mien_status note_bad(struct data_loader *l, uint32_t sample)
{
    enum mien_status status = MIEN_OK;
    const struct data_row *row = &l->p.manifest->rows[l->rows[sample]];
    base_mutex_lock(l->mutex);
    bool is_new = !l->bad[sample];
    l->bad[sample] = true;
    l->bad_count += is_new;
    uint32_t count = l->bad_count;
    base_mutex_unlock(l->mutex);
    double most = l->p.max_bad * (double)l->p.row_count;
    if (is_new)
        LOG_WARN("%s:%u: sample left out (%u bad so far)", l->p.manifest->path, row->line, count);
    FAIL_IF(count > most, MIEN_ERR_DATA,
            "%s: %u of %zu samples are bad, more than data.max_bad (%g of all) allows; repair or remove them",
            l->p.manifest->path, count, l->p.row_count, l->p.max_bad);
fail:
    return status;
}

static bool is_bad(struct data_loader *l, uint32_t sample)
{
    base_mutex_lock(l->mutex);
    bool bad = l->bad[sample];
    base_mutex_unlock(l->mutex);
    return bad;
}

static enum mien_status fill_picture(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                                     struct data_augment_work *work)
{
    enum mien_status status = MIEN_OK;
    struct base_rng rng = base_rng_make(l->p.seed, "augment", slot->batch.epoch, slot->place + index);
    struct data_image image = {0};
    enum hold hold = HOLD_CACHED;
    TRY(get_image(l, sample, &image, &hold));
    TRY(data_preprocess_check(l->p.manifest->rows[l->rows[sample]].image, &image, &l->p.preprocess));
    TRY(data_augment_image(&image, &l->p.preprocess, &l->p.augment, l->may_flip[sample], &rng, work,
                           slot->images + index * loader_sample_size(l)));
    if (hold == HOLD_FRESH)
        keep_image(l, sample, &image, &hold);
fail:
    if (hold != HOLD_CACHED)
        data_image_free(&image);
    return status;
}

/* MIEN_ERR_DATA: the sample is bad. */
static enum mien_status fill(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample,
                             struct data_augment_work *work)
{
    if (is_bad(l, sample))
        return MIEN_ERR_DATA;
    if (l->p.features)
        return loader_features_fill(l, slot, index, sample);
    return l->clips ? loader_clip_fill(l, slot, index, sample, work) : fill_picture(l, slot, index, sample, work);
}

/* The sample meant for a place of an epoch or, when it is bad, the first good one of a sequence that depends on seed,
 * epoch and place only. */
enum mien_status loader_sample(struct data_loader *l, struct slot *slot, uint32_t index, struct data_augment_work *work)
{
    enum mien_status status = MIEN_OK;
    uint32_t sample = slot->samples[index];
    struct base_rng rng = base_rng_make(l->p.seed, "replacement", slot->batch.epoch, slot->place + index);
    for (int i = 0; i < REPLACEMENTS; i++) {
        status = fill(l, slot, index, sample, work);
        if (status != MIEN_ERR_DATA)
            break;
        TRY(note_bad(l, sample));
        sample = base_rng_below(&rng, (uint32_t)l->p.row_count);
    }
    FAIL_IF(status == MIEN_ERR_DATA, MIEN_ERR_DATA, "%s: nearly all samples are bad", l->p.manifest->path);
    slot->samples[index] = sample;
    slot->rows[index] = l->rows[sample];
    slot->kinds[index] = l->p.manifest->rows[l->rows[sample]].image != NULL;
fail:
    return status;
}
