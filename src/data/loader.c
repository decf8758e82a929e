/* loader.c: a ring of batches. Batch s lies in slot s % depth; samples of a slot are claimed one by one by the workers
 * and by the caller while it waits, so that a batch is ready as soon as it can be. */
#include "data/loader_internal.h"
#include "data/row_files.h"

#include <stdlib.h>
#include <string.h>

static enum mien_status slot_create(struct data_loader *l, struct slot *slot)
{
    enum mien_status status = MIEN_OK;
    size_t b = l->p.batch, texts = b * l->texts.levels;
    slot->samples = base_alloc(b, sizeof(uint32_t));
    slot->rows = base_alloc(b, sizeof(uint32_t));
    slot->kinds = base_alloc(b, sizeof(int32_t));
    slot->places = base_alloc(b * loader_frames(l), sizeof(uint32_t));
    slot->images = base_alloc(l->p.share_count * loader_sample_size(l), sizeof(float));
    slot->tokens = base_alloc(texts * l->p.context + 1, sizeof(int32_t));
    slot->eot = base_alloc(texts + 1, sizeof(int32_t));
    slot->weights = base_alloc(texts + 1, sizeof(float));
    TRY(loader_items_create(l, slot));
    FAIL_IF(!slot->samples || !slot->rows || !slot->kinds || !slot->places || !slot->images || !slot->tokens ||
                !slot->eot || !slot->weights,
            MIEN_ERR_NOMEM, "out of host memory for batches of %u times %u pictures of %ux%u", l->p.batch,
            loader_frames(l), l->p.preprocess.crop, l->p.preprocess.crop);
fail:
    return status;
}

static void slot_free(const struct data_loader *l, struct slot *slot)
{
    loader_items_free(l, slot);
    base_free(slot->samples);
    base_free(slot->rows);
    base_free(slot->kinds);
    base_free(slot->places);
    base_free(slot->images);
    base_free(slot->tokens);
    base_free(slot->eot);
    base_free(slot->weights);
}

/* Locked: the slot of the next step is to be filled from now on. */
static void begin_slot(struct data_loader *l, struct slot *slot)
{
    slot->state = SLOT_FILLING;
    slot->claimed = slot->done = 0;
    slot->place = l->next_fill % l->batches * l->p.batch;
    slot->batch.epoch = (uint32_t)(l->next_fill / l->batches);
    slot->batch.step = l->next_fill++;
}

/* Locked: the same, with its samples. */
static void open_slot(struct data_loader *l, struct slot *slot)
{
    begin_slot(l, slot);
    sampler_prepare(&l->sampler, slot->batch.epoch);
    memcpy(slot->samples, l->sampler.order + slot->place, l->p.batch * sizeof(uint32_t));
}

/* Locked on entry and exit: a slot of shards, whose samples are read by one thread while others do theirs. */
static void read_slot(struct data_loader *l, struct slot *slot)
{
    uint64_t epoch = l->next_fill / l->batches, place = l->next_fill % l->batches * l->p.batch;
    base_mutex_unlock(l->mutex);
    enum mien_status status = loader_items_open(l, slot, (uint32_t)epoch, place);
    base_mutex_lock(l->mutex);
    l->opening = false;
    l->in_flight--;
    if (status == MIEN_OK)
        begin_slot(l, slot);
    else if (l->status == MIEN_OK)
        l->status = status;
    base_cond_broadcast(l->ready);
    base_cond_broadcast(l->wanted);
}

#define WHOLE_SLOT UINT32_MAX /* in place of a sample: read_slot */

/* Locked: something to do, or NULL. `only` = no further than the batch that is waited for. */
static struct slot *claim(struct data_loader *l, bool only, uint32_t *index)
{
    uint64_t end = l->next_take + (only ? 1 : l->p.depth);
    for (uint64_t step = l->next_take; step < end && !l->paused; step++) {
        struct slot *slot = &l->slots[step % l->p.depth];
        if (step == l->next_fill && slot->state == SLOT_FREE && !l->opening) {
            if (l->p.shards) {
                *index = WHOLE_SLOT;
                l->opening = true;
                l->in_flight++;
                return slot;
            }
            open_slot(l, slot);
        }
        if (slot->state != SLOT_FILLING || slot->batch.step != step || slot->claimed == l->p.batch)
            continue;
        *index = slot->claimed++;
        l->in_flight++;
        return slot;
    }
    return NULL;
}

/* Locked: a claimed sample is finished. */
static void finish(struct data_loader *l, struct slot *slot, enum mien_status status)
{
    if (status != MIEN_OK && l->status == MIEN_OK)
        l->status = status;
    l->in_flight--;
    if (++slot->done == l->p.batch)
        slot->state = SLOT_READY;
    if (slot->state == SLOT_READY || l->status != MIEN_OK || l->in_flight == 0)
        base_cond_broadcast(l->ready);
}

/* Locked on entry and exit: does what has been claimed. */
static void work_once(struct data_loader *l, struct slot *slot, uint32_t index, struct data_augment_work *work)
{
    if (index == WHOLE_SLOT) {
        read_slot(l, slot);
        return;
    }
    base_mutex_unlock(l->mutex);
    enum mien_status status = loader_sample(l, slot, index, work);
    base_mutex_lock(l->mutex);
    finish(l, slot, status);
}

static void worker_main(void *user)
{
    struct worker *w = user;
    struct data_loader *l = w->loader;
    base_mutex_lock(l->mutex);
    while (!l->stop) {
        uint32_t index = 0;
        struct slot *slot = l->status == MIEN_OK ? claim(l, false, &index) : NULL;
        if (slot)
            work_once(l, slot, index, &w->work);
        else
            base_cond_wait(l->wanted, l->mutex);
    }
    base_mutex_unlock(l->mutex);
}

static enum mien_status check(const struct data_loader_params *p)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(p->batch == 0 || p->preprocess.crop == 0 || p->context < 2, MIEN_ERR_ARG,
            "batch, image side and context must not be 0");
    FAIL_IF(p->row_count < p->batch, MIEN_ERR_ARG,
            "%s: %zu samples are fewer than one batch of %u; make the batch smaller", p->manifest->path, p->row_count,
            p->batch);
    FAIL_IF(p->share_count > p->batch || p->share_first > p->batch - p->share_count, MIEN_ERR_ARG,
            "a share of %u places from %u on is not within a batch of %u", p->share_count, p->share_first, p->batch);
    FAIL_IF(p->depth == 1 || p->depth > 1024 || p->workers > 1024, MIEN_ERR_ARG,
            "%u batches ahead and %u workers are not possible (2 to 1024, 0 to 1024)", p->depth, p->workers);
    FAIL_IF(p->sentences > 16, MIEN_ERR_ARG, "%u local sentences per picture are too many (16 at most)", p->sentences);
    FAIL_IF(p->clips.count && p->clips.stride == 0, MIEN_ERR_ARG, "a stride of 0 frames is not possible");
    FAIL_IF(p->shards && (p->features || p->balance), MIEN_ERR_ARG, "%s: shards have neither features nor balance",
            p->manifest->path);
    for (size_t i = 0; i < p->row_count && !p->clips.count && !p->shards; i++)
        FAIL_IF(!p->manifest->rows[p->rows[i]].image, MIEN_ERR_DATA, "%s:%u: has frames or a video, no image",
                p->manifest->path, p->manifest->rows[p->rows[i]].line);
fail:
    return status;
}

/* Sorted by label, for numbering. */
struct labelled {
    const char *label;
    uint32_t sample;
};

static int by_label(const void *a, const void *b)
{
    return strcmp(((const struct labelled *)a)->label, ((const struct labelled *)b)->label);
}

/* Each sample's class: its label's place among all labels, sorted. */
static enum mien_status make_sampler(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = (uint32_t)l->p.row_count, count = 0, *classes = NULL;
    struct labelled *sorted = NULL;
    struct base_arena arena = {0};
    if (l->p.balance) {
        classes = base_alloc(n, sizeof(*classes));
        sorted = base_alloc(n, sizeof(*sorted));
        FAIL_IF(!classes || !sorted, MIEN_ERR_NOMEM, "out of host memory for labels");
        for (uint32_t i = 0; i < n; i++) {
            sorted[i].label = data_row_class(&arena, &l->p.manifest->rows[l->rows[i]]);
            FAIL_IF_NULL(sorted[i].label, "labels");
            sorted[i].sample = i;
        }
        qsort(sorted, n, sizeof(*sorted), by_label);
        for (uint32_t i = 0; i < n; i++) {
            count += i == 0 || by_label(&sorted[i - 1], &sorted[i]) != 0;
            classes[sorted[i].sample] = count - 1;
        }
    }
    TRY(sampler_create(n, classes, count, l->p.shuffle, l->p.seed, &l->sampler));
fail:
    base_free(classes);
    base_free(sorted);
    base_arena_clear(&arena);
    return status;
}

static enum mien_status make_buffers(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    size_t n = l->p.shards ? 0 : l->p.row_count;
    l->cached = base_alloc(n, sizeof(*l->cached));
    l->bad = base_alloc(n, sizeof(*l->bad));
    l->may_flip = base_alloc(n, sizeof(*l->may_flip));
    l->slots = base_alloc(l->p.depth, sizeof(*l->slots));
    l->workers = base_alloc((size_t)l->p.workers + 1, sizeof(*l->workers));
    FAIL_IF(!l->cached || !l->bad || !l->may_flip || !l->slots || !l->workers, MIEN_ERR_NOMEM,
            "out of host memory for %zu samples", n);
    for (size_t i = 0; i < n; i++)
        l->may_flip[i] = !data_caption_has_side(&l->p.manifest->rows[l->rows[i]].caption);
    for (uint32_t i = 0; i < l->p.depth; i++)
        TRY(slot_create(l, &l->slots[i]));
fail:
    return status;
}

static enum mien_status start(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    TRY(base_mutex_create(&l->mutex));
    TRY(base_cond_create(&l->ready));
    TRY(base_cond_create(&l->wanted));
    for (uint32_t i = 0; i < l->p.workers; i++) {
        l->workers[i].loader = l;
        TRY(base_thread_start(&l->workers[i].thread, worker_main, &l->workers[i]));
    }
fail:
    return status;
}

static enum mien_status open_rows(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    TRY(make_sampler(l));
    TRY(make_buffers(l));
    TRY(loader_clips_create(l));
    if (!l->p.ignore_exif && !l->p.jpeg_draft && !l->p.features) /* packed pictures are turned, and whole */
        TRY(data_pack_open(l->p.manifest, &l->pack));
    TRY(data_rows_find(l->p.manifest, l->pack, l->rows, l->p.row_count, l->p.max_bad, "data.train", l->bad));
    for (size_t i = 0; i < l->p.row_count; i++)
        l->bad_count += l->bad[i];
fail:
    return status;
}

static enum mien_status open_stream(struct data_loader *l)
{
    uint32_t buffer = l->p.shuffle ? BASE_MAX(l->p.shuffle_buffer, 1u) : 0;
    enum mien_status status = stream_create(l->p.shards, buffer, l->p.seed, &l->stream);
    return status == MIEN_OK ? make_buffers(l) : status;
}

enum mien_status data_loader_create(const struct data_loader_params *params, struct data_loader **out)
{
    enum mien_status status = MIEN_OK;
    struct data_loader *l = NULL;
    *out = NULL;
    TRY(check(params));
    l = base_alloc(1, sizeof(*l));
    FAIL_IF_NULL(l, "a loader");
    l->p = *params;
    l->p.depth = params->depth ? params->depth : 3;
    l->p.share_count = params->share_count ? params->share_count : params->batch;
    l->p.cache_bytes = params->cache_bytes ? params->cache_bytes : 512u << 20;
    l->decoding =
        (struct data_image_params){.ignore_exif = l->p.ignore_exif,
                                   .keep_alpha = !l->p.preprocess.rgb_first,
                                   .draft = l->p.jpeg_draft ? data_augment_draft(&l->p.augment, &l->p.preprocess) : 0};
    l->batches = params->row_count / params->batch;
    if (!params->shards) {
        l->rows = base_alloc(params->row_count, sizeof(*l->rows));
        FAIL_IF_NULL(l->rows, "a loader");
        memcpy(l->rows, params->rows, params->row_count * sizeof(*l->rows));
    }
    TRY(loader_texts_create(l));
    TRY(l->p.shards ? open_stream(l) : open_rows(l));
    TRY(start(l));
    *out = l;
    return MIEN_OK;
fail:
    data_loader_destroy(&l);
    return status;
}

static void stop(struct data_loader *l)
{
    if (!l->mutex)
        return;
    base_mutex_lock(l->mutex);
    l->stop = true;
    if (l->wanted)
        base_cond_broadcast(l->wanted);
    base_mutex_unlock(l->mutex);
    for (uint32_t i = 0; l->workers && i < l->p.workers; i++)
        base_thread_join(&l->workers[i].thread);
}

void data_loader_destroy(struct data_loader **loader)
{
    if (!loader || !*loader)
        return;
    struct data_loader *l = *loader;
    stop(l);
    base_cond_destroy(&l->ready);
    base_cond_destroy(&l->wanted);
    base_mutex_destroy(&l->mutex);
    for (uint32_t i = 0; l->slots && i < l->p.depth; i++)
        slot_free(l, &l->slots[i]);
    for (uint32_t i = 0; l->workers && i <= l->p.workers; i++)
        data_augment_work_free(&l->workers[i].work);
    for (size_t i = 0; l->cached && !l->p.shards && i < l->p.row_count; i++)
        data_image_free(&l->cached[i]);
    data_pack_close(&l->pack);
    sampler_clear(&l->sampler);
    stream_clear(&l->stream);
    base_free(l->bad_places);
    loader_texts_clear(l);
    base_free(l->cached);
    base_free(l->bad);
    base_free(l->may_flip);
    base_free(l->clips);
    base_arena_clear(&l->paths);
    base_free(l->slots);
    base_free(l->workers);
    base_free(l->rows);
    base_free(l);
    *loader = NULL;
}

/* Locked: waits until the batch of next_take is whole, doing samples of it meanwhile. */
static struct slot *wait_for_batch(struct data_loader *l)
{
    struct slot *slot = &l->slots[l->next_take % l->p.depth];
    while (l->status == MIEN_OK && slot->state != SLOT_READY) {
        uint32_t index = 0;
        if (claim(l, true, &index))
            work_once(l, slot, index, &l->workers[l->p.workers].work); /* the caller's own */
        else
            base_cond_wait(l->ready, l->mutex);
    }
    return slot;
}

enum mien_status data_loader_next(struct data_loader *loader, const struct data_batch **out)
{
    enum mien_status status = MIEN_OK;
    struct data_loader *l = loader;
    *out = NULL;
    base_mutex_lock(l->mutex);
    FAIL_IF(l->slots[l->next_take % l->p.depth].state == SLOT_BORROWED, MIEN_ERR_ARG,
            "all %u batches are borrowed; release one first", l->p.depth);
    struct slot *slot = wait_for_batch(l);
    TRY(l->status);
    slot->state = SLOT_BORROWED;
    l->next_take++;
    base_cond_broadcast(l->wanted);
    base_mutex_unlock(l->mutex);
    status = loader_others(l, slot);
    if (status != MIEN_OK)
        return status;
    loader_texts_fill(l, slot);
    slot->batch.images = l->p.features ? NULL : slot->images;
    slot->batch.features = l->p.features ? slot->images : NULL;
    slot->batch.kinds = slot->kinds;
    slot->batch.rows = l->p.shards ? NULL : slot->rows;
    slot->batch.count = l->p.batch;
    slot->batch.first = l->p.share_first;
    *out = &slot->batch;
    return MIEN_OK;
fail:
    base_mutex_unlock(l->mutex);
    return status;
}

void data_batch_release(struct data_loader *loader, const struct data_batch **batch)
{
    if (!batch || !*batch)
        return;
    base_mutex_lock(loader->mutex);
    loader->slots[(*batch)->step % loader->p.depth].state = SLOT_FREE;
    base_cond_broadcast(loader->wanted);
    base_mutex_unlock(loader->mutex);
    *batch = NULL;
}

enum mien_status data_loader_seek(struct data_loader *loader, uint64_t step)
{
    enum mien_status status = MIEN_OK;
    struct data_loader *l = loader;
    base_mutex_lock(l->mutex);
    for (uint32_t i = 0; i < l->p.depth; i++)
        FAIL_IF(l->slots[i].state == SLOT_BORROWED, MIEN_ERR_ARG, "a batch is borrowed; release it before seeking");
    l->paused = true;
    while (l->in_flight > 0)
        base_cond_wait(l->ready, l->mutex);
    l->paused = false;
    for (uint32_t i = 0; i < l->p.depth; i++)
        l->slots[i].state = SLOT_FREE;
    l->next_fill = l->next_take = step;
    base_cond_broadcast(l->wanted);
fail:
    base_mutex_unlock(l->mutex);
    return status;
}

uint64_t data_loader_batches_per_epoch(const struct data_loader *loader)
{
    return loader->batches;
}

uint32_t data_loader_bad(const struct data_loader *loader)
{
    base_mutex_lock(loader->mutex);
    uint32_t count = loader->bad_count;
    base_mutex_unlock(loader->mutex);
    return count;
}
