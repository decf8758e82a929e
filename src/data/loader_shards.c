/* loader_shards.c: samples of shards: each batch has its rows and tokens for itself, so that nothing grows with the
 * number of samples. */
#include "data/loader_internal.h"

#include <string.h>

/* ---- items ---- */

enum mien_status loader_items_create(const struct data_loader *l, struct slot *slot)
{
    enum mien_status status = MIEN_OK;
    if (!l->p.shards)
        return MIEN_OK;
    slot->items = base_alloc(l->p.batch, sizeof(*slot->items));
    FAIL_IF_NULL(slot->items, "a batch");
fail:
    return status;
}

static void item_clear(struct loader_item *item)
{
    base_arena_clear(&item->made.arena);
    base_free(item->read);
    item->read = NULL;
    item->row = (struct data_row){0};
    item->texts.ids.count = item->texts.count = 0;
}

void loader_items_free(const struct data_loader *l, struct slot *slot)
{
    for (uint32_t i = 0; slot->items && i < l->p.batch; i++) {
        struct loader_item *item = &slot->items[i];
        item_clear(item);
        base_free(item->sample.bytes);
        base_free(item->texts.ids.ids);
        base_free(item->texts.sentences);
    }
    base_free(slot->items);
    slot->items = NULL;
}

enum mien_status loader_items_open(struct data_loader *l, struct slot *slot, uint32_t epoch, uint64_t place)
{
    enum mien_status status = MIEN_OK;
    TRY(stream_seek(&l->stream, epoch, place));
    for (uint32_t i = 0; i < l->p.batch; i++) {
        struct loader_item *item = &slot->items[i];
        item_clear(item);
        base_free(item->sample.bytes);
        item->sample.bytes = NULL;
        TRY(stream_next(&l->stream, &item->sample));
        slot->samples[i] = i;
    }
fail:
    return status;
}

static enum mien_status load_texts(const struct data_loader *l, struct loader_item *item)
{
    enum mien_status status = MIEN_OK;
    struct item_texts *t = &item->texts;
    const struct data_caption *caption = &item->row.caption;
    char buffer[256];
    uint32_t cuts = 0;
    for (uint32_t g = 0; g < l->texts.global_levels; g++)
        TRY(loader_add_text(l, &t->ids,
                            loader_level_text(&item->made.arena, &item->row, l->texts.kinds[g], buffer, sizeof(buffer)),
                            &t->fixed[g], &cuts));
    for (uint32_t i = 0; l->p.sentences && i < caption->local_count; i++) {
        TRY(base_grow(&t->sentences, &t->capacity, t->count + 1, sizeof(*t->sentences)));
        TRY(loader_add_text(l, &t->ids, caption->local[i], &t->sentences[t->count++], &cuts));
    }
fail:
    return status;
}

enum mien_status loader_item_load(struct data_loader *l, struct slot *slot, uint32_t index, uint32_t from)
{
    enum mien_status status = MIEN_OK;
    struct loader_item *item = &slot->items[index];
    const struct stream_sample *sample = &slot->items[from].sample;
    item_clear(item);
    if (!sample->bytes)
        TRY(shard_read(l->p.shards, &sample->place, &item->read));
    TRY(shard_row(l->p.shards, &sample->place, sample->bytes ? sample->bytes : item->read, &item->made, &item->row));
    FAIL_IF(!l->p.clips.count && !item->row.image, MIEN_ERR_DATA, "%s: has frames, no image", item->row.where);
    TRY(load_texts(l, item));
fail:
    return status;
}

/* ---- all of them ---- */

struct survey {
    struct data_loader *l;
    const enum data_text *wanted;
    uint32_t count;       /* of wanted */
    bool has[2];          /* a row has that level */
    bool local;           /* or a local sentence */
    struct data_ids ids;  /* of one row */
    struct data_ids seen; /* the first text of each level, and the first local sentence */
    struct text_ref first[3];
    uint32_t *cuts, most;
    struct base_arena arena;
};

static enum mien_status note_levels(void *user, const struct data_row *row)
{
    struct survey *s = user;
    char buffer[256];
    bool all = true;
    for (uint32_t g = 0; g < s->count; g++) {
        s->has[g] = s->has[g] || loader_level_text(&s->arena, row, s->wanted[g], buffer, sizeof(buffer));
        all = all && s->has[g];
    }
    base_arena_clear(&s->arena);
    return all ? MIEN_ERR_CANCELLED : MIEN_OK; /* no more need be seen */
}

/* A text against the first of its level. */
static enum mien_status note_text(struct survey *s, const char *text, uint32_t level)
{
    enum mien_status status = MIEN_OK;
    struct data_loader *l = s->l;
    struct text_ref ref, *first = &s->first[level];
    s->ids.count = 0;
    TRY(loader_add_text(l, &s->ids, text, &ref, s->cuts));
    l->texts.longest = BASE_MAX(l->texts.longest, ref.count);
    if (ref.count && !first->count) {
        size_t start = s->seen.count;
        TRY(base_grow(&s->seen.ids, &s->seen.capacity, start + ref.count, sizeof(*s->seen.ids)));
        memcpy(s->seen.ids + start, s->ids.ids, ref.count * sizeof(*s->ids.ids));
        s->seen.count += ref.count;
        *first = (struct text_ref){start, ref.count};
    }
    l->differ = l->differ || (ref.count && (ref.count != first->count || memcmp(s->seen.ids + first->start, s->ids.ids,
                                                                                ref.count * sizeof(*s->ids.ids)) != 0));
fail:
    return status;
}

static enum mien_status note_row(void *user, const struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct survey *s = user;
    struct data_loader *l = s->l;
    char buffer[256];
    for (uint32_t g = 0; g < l->texts.global_levels; g++)
        TRY(note_text(s, loader_level_text(&s->arena, row, l->texts.kinds[g], buffer, sizeof(buffer)), g));
    for (uint32_t i = 0; l->p.sentences && i < row->caption.local_count; i++)
        TRY(note_text(s, row->caption.local[i], 2));
    s->local = s->local || row->caption.local_count;
    s->most = BASE_MAX(s->most, row->caption.local_count);
fail:
    base_arena_clear(&s->arena);
    return status;
}

static enum mien_status survey_levels(struct data_loader *l, struct survey *s)
{
    enum mien_status status = MIEN_OK;
    if (l->p.text == DATA_TEXT_NONE)
        return MIEN_OK;
    status = data_shards_each(l->p.shards, note_levels, s);
    if (status != MIEN_ERR_CANCELLED)
        TRY(status);
    status = MIEN_OK;
    for (uint32_t g = 0; g < s->count; g++)
        if (s->has[g])
            l->texts.kinds[l->texts.global_levels++] = s->wanted[g];
    if (l->texts.global_levels == 0)
        return loader_refuse_texts(l);
fail:
    return status;
}

enum mien_status loader_shards_survey(struct data_loader *l, uint32_t *cuts)
{
    enum mien_status status = MIEN_OK;
    const enum data_text both[2] = {DATA_TEXT_GLOBAL, DATA_TEXT_SUMMARY};
    struct survey s = {.l = l, .wanted = both, .count = 2, .cuts = cuts};
    if (l->p.text != DATA_TEXT_BOTH) {
        s.wanted = &l->p.text;
        s.count = 1;
    }
    TRY(survey_levels(l, &s));
    TRY(data_shards_each(l->p.shards, note_row, &s));
    if (l->p.sentences && !s.local)
        TRY(loader_refuse_texts(l));
    l->texts.pick = base_alloc((size_t)s.most + 1, sizeof(*l->texts.pick));
    FAIL_IF_NULL(l->texts.pick, "texts");
fail:
    base_free(s.ids.ids);
    base_free(s.seen.ids);
    base_arena_clear(&s.arena);
    return status;
}
