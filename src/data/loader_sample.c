/* loader_sample.c: one sample: read or cached, changed, normalised; bad ones replaced. */
#include "data/loader_internal.h"
#include "data/row_image.h"

enum { REPLACEMENTS = 100 };

const struct data_row *loader_row(const struct data_loader *l, const struct slot *slot, uint32_t index, uint32_t sample)
{
    return slot->items ? &slot->items[index].row : &l->p.manifest->rows[l->rows[sample]];
}

bool loader_may_flip(const struct data_loader *l, const struct slot *slot, uint32_t index, uint32_t sample)
{
    return slot->items ? !data_caption_has_side(&slot->items[index].row.caption) : l->may_flip[sample];
}

bool loader_is_own(const struct data_loader *l, uint32_t index)
{
    return index >= l->p.share_first && index - l->p.share_first < l->p.share_count;
}

float *loader_place(const struct data_loader *l, const struct slot *slot, uint32_t index)
{
    return slot->images + (size_t)(index - l->p.share_first) * loader_sample_size(l);
}

/* Whose a picture is: the cache's; the caller's, to be freed; or his too, and worth keeping. */
enum hold { HOLD_CACHED, HOLD_OWN, HOLD_FRESH };

/* The picture from the cache or the pack, or read; of a shard, decoded. MIEN_ERR_DATA when it is bad. */
static enum mien_status get_image(struct data_loader *l, const struct data_row *row, uint32_t sample,
                                  struct data_image *image, enum hold *hold)
{
    *hold = HOLD_CACHED;
    if (l->p.shards) {
        *hold = HOLD_OWN;
        return data_row_image(row, &l->decoding, image);
    }
    base_mutex_lock(l->mutex);
    *image = l->cached[sample];
    base_mutex_unlock(l->mutex);
    if (image->pixels)
        return MIEN_OK;
    if (data_pack_image(l->pack, l->rows[sample], image)) {
        *hold = HOLD_OWN; /* the system keeps the pack's pages */
        return MIEN_OK;
    }
    enum mien_status status = data_row_image(row, &l->decoding, image);
    *hold = status == MIEN_OK ? HOLD_FRESH : HOLD_CACHED;
    return status;
}

/* Gives a picture that was read to the cache when there is room; then it is not the caller's any more. */
static void keep_image(struct data_loader *l, uint32_t sample, const struct data_image *image, enum hold *hold)
{
    uint64_t bytes = data_image_size(image);
    base_mutex_lock(l->mutex);
    if (!l->cached[sample].pixels && l->cached_bytes + bytes <= l->p.cache_bytes) {
        l->cached[sample] = *image;
        l->cached_bytes += bytes;
        *hold = HOLD_CACHED;
    }
    base_mutex_unlock(l->mutex);
}

/* Locked: whether the sample is known to be bad. Of shards their places are kept, at most max_bad of all. */
static bool known_bad(const struct data_loader *l, const struct slot *slot, uint32_t sample)
{
    if (!slot->items)
        return l->bad[sample];
    const struct shard_place *place = &slot->items[sample].sample.place;
    for (uint32_t i = 0; i < l->bad_count; i++)
        if (l->bad_places[i].shard == place->shard && l->bad_places[i].offset == place->offset)
            return true;
    return false;
}

/* Locked. */
static enum mien_status add_bad(struct data_loader *l, const struct slot *slot, uint32_t sample)
{
    enum mien_status status = MIEN_OK;
    if (slot->items) {
        TRY(base_grow(&l->bad_places, &l->bad_capacity, (size_t)l->bad_count + 1, sizeof(*l->bad_places)));
        l->bad_places[l->bad_count] = slot->items[sample].sample.place;
    } else {
        l->bad[sample] = true;
    }
    l->bad_count++;
fail:
    return status;
}

static void name_bad(const struct data_loader *l, const struct slot *slot, uint32_t sample, uint32_t count)
{
    if (slot->items)
        LOG_WARN("%s: the sample at byte %llu is left out (%u bad so far)",
                 l->p.shards->paths[slot->items[sample].sample.place.shard],
                 (unsigned long long)slot->items[sample].sample.place.offset, count);
    else
        LOG_WARN("%s:%u: sample left out (%u bad so far)", l->p.manifest->path,
                 l->p.manifest->rows[l->rows[sample]].line, count);
}

/* Counts a bad sample once; fails when there are too many. */
static enum mien_status note_bad(struct data_loader *l, const struct slot *slot, uint32_t sample)
{
    enum mien_status status = MIEN_OK;
    base_mutex_lock(l->mutex);
    bool is_new = !known_bad(l, slot, sample);
    if (is_new)
        status = add_bad(l, slot, sample);
    uint32_t count = l->bad_count;
    base_mutex_unlock(l->mutex);
    double most = l->p.max_bad * (double)l->p.row_count;
    TRY(status);
    if (is_new)
        name_bad(l, slot, sample, count);
    FAIL_IF(count > most, MIEN_ERR_DATA,
            "%s: %u of %zu samples are bad, more than data.max_bad (%g of all) allows; repair or remove them",
            l->p.manifest->path, count, l->p.row_count, l->p.max_bad);
fail:
    return status;
}

static bool is_bad(struct data_loader *l, const struct slot *slot, uint32_t sample)
{
    base_mutex_lock(l->mutex);
    bool bad = known_bad(l, slot, sample);
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
    const struct data_row *row = loader_row(l, slot, index, sample);
    TRY(get_image(l, row, sample, &image, &hold));
    TRY(data_preprocess_check(row->image, &image, &l->p.preprocess));
    TRY(data_augment_image(&image, &l->p.preprocess, &l->p.augment, loader_may_flip(l, slot, index, sample), &rng, work,
                           loader_place(l, slot, index)));
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
    enum mien_status status = is_bad(l, slot, sample) ? MIEN_ERR_DATA : MIEN_OK;
    if (status == MIEN_OK && slot->items)
        status = loader_item_load(l, slot, index, sample);
    if (status != MIEN_OK)
        return status;
    if (l->p.features)
        return loader_features_fill(l, slot, index, sample);
    return l->p.clips.count ? loader_clip_fill(l, slot, index, sample, work)
                            : fill_picture(l, slot, index, sample, work);
}

/* What a place of a batch has in the end. */
static void loader_settle(const struct data_loader *l, struct slot *slot, uint32_t index, uint32_t sample)
{
    slot->samples[index] = sample;
    slot->rows[index] = slot->items ? 0 : l->rows[sample];
    slot->kinds[index] = loader_row(l, slot, index, sample)->image != NULL;
}

enum mien_status loader_others(struct data_loader *l, struct slot *slot)
{
    enum mien_status status = MIEN_OK;
    if (l->p.share_count == l->p.batch)
        return MIEN_OK;
    if (l->p.agree)
        TRY(l->p.agree(l->p.user, slot->samples));
    for (uint32_t i = 0; i < l->p.batch; i++) {
        if (loader_is_own(l, i))
            continue;
        if (slot->items)
            TRY(loader_item_load(l, slot, i, slot->samples[i]));
        loader_settle(l, slot, i, slot->samples[i]);
    }
fail:
    return status;
}

/* The sample meant for a place of an epoch or, when it is bad, the first good one of a sequence that depends on seed,
 * epoch and place only: of all samples or, of shards, of the batch's. */
enum mien_status loader_sample(struct data_loader *l, struct slot *slot, uint32_t index, struct data_augment_work *work)
{
    enum mien_status status = MIEN_OK;
    uint32_t sample = slot->samples[index];
    if (!loader_is_own(l, index))
        return MIEN_OK;
    struct base_rng rng = base_rng_make(l->p.seed, "replacement", slot->batch.epoch, slot->place + index);
    for (int i = 0; i < REPLACEMENTS; i++) {
        status = fill(l, slot, index, sample, work);
        if (status != MIEN_ERR_DATA)
            break;
        TRY(note_bad(l, slot, sample));
        sample = base_rng_below(&rng, slot->items ? l->p.batch : (uint32_t)l->p.row_count);
    }
    FAIL_IF(status == MIEN_ERR_DATA, MIEN_ERR_DATA, "%s: nearly all samples are bad", l->p.manifest->path);
    loader_settle(l, slot, index, sample);
fail:
    return status;
}
