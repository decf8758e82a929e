/* loader_texts.c: the texts of a data set as tokens, once, and of a batch as padded rows. */
#include "data/loader_internal.h"

#include <string.h>

const char *loader_level_text(struct base_arena *arena, const struct data_row *row, enum data_text text, char *buffer,
                              size_t size)
{
    switch (text) {
    case DATA_TEXT_SUMMARY:
        return row->caption.summary;
    case DATA_TEXT_CAPTION:
        return data_caption_text(arena, &row->caption);
    case DATA_TEXT_LABEL:
        if (row->label_text)
            return row->label_text;
        return row->label_count > 0 ? data_row_label(row, buffer, size) : NULL;
    default:
        return row->caption.global;
    }
}

enum mien_status loader_add_text(const struct data_loader *l, struct data_ids *ids, const char *text,
                                 struct text_ref *ref, uint32_t *cuts)
{
    enum mien_status status = MIEN_OK;
    bool cut = false;
    *ref = (struct text_ref){0};
    if (!text)
        return MIEN_OK;
    ref->start = ids->count;
    TRY(data_tokenizer_encode_row(l->p.tokenizer, text, l->p.context, ids, &cut));
    ref->count = (uint32_t)(ids->count - ref->start);
    *cuts += cut;
fail:
    return status;
}

static enum mien_status add_text(struct data_loader *l, const char *text, struct text_ref *ref, uint32_t *cuts)
{
    enum mien_status status = loader_add_text(l, &l->texts.ids, text, ref, cuts);
    l->texts.longest = BASE_MAX(l->texts.longest, ref->count);
    return status;
}

enum mien_status loader_refuse_texts(const struct data_loader *l)
{
    if (l->texts.global_levels)
        return base_fail(MIEN_ERR_DATA, "%s: no row has local sentences; set loss.local.kind to none",
                         l->p.manifest->path);
    return base_fail(MIEN_ERR_DATA, "%s: no row has the text to learn from (%s)", l->p.manifest->path,
                     l->p.text == DATA_TEXT_LABEL     ? "\"label\""
                     : l->p.text == DATA_TEXT_SUMMARY ? "a \"caption\" with a summary"
                                                      : "\"caption\"");
}

/* Which levels there are: both only when the rows have both. */
static enum mien_status choose_levels(const struct data_loader *l, enum data_text levels[2], uint32_t *count)
{
    size_t with[2] = {0, 0};
    enum data_text wanted[2] = {l->p.text, DATA_TEXT_SUMMARY};
    struct base_arena arena = {0};
    char buffer[256];
    if (l->p.text == DATA_TEXT_BOTH)
        wanted[0] = DATA_TEXT_GLOBAL;
    *count = 0;
    if (l->p.text == DATA_TEXT_NONE)
        return MIEN_OK;
    for (int level = 0; level < (l->p.text == DATA_TEXT_BOTH ? 2 : 1); level++) {
        for (size_t i = 0; i < l->p.row_count && with[level] == 0; i++)
            with[level] += loader_level_text(&arena, &l->p.manifest->rows[l->rows[i]], wanted[level], buffer,
                                             sizeof(buffer)) != NULL;
        base_arena_clear(&arena);
        if (with[level] > 0)
            levels[(*count)++] = wanted[level];
    }
    return *count ? MIEN_OK : loader_refuse_texts(l);
}

static enum mien_status add_sentences(struct data_loader *l, const struct data_caption *caption, size_t *count,
                                      uint32_t *cuts)
{
    enum mien_status status = MIEN_OK;
    struct loader_texts *t = &l->texts;
    for (uint32_t i = 0; i < caption->local_count; i++) {
        TRY(base_grow(&t->sentences, &t->sentence_capacity, *count + 1, sizeof(*t->sentences)));
        TRY(add_text(l, caption->local[i], &t->sentences[*count], cuts));
        ++*count;
    }
fail:
    return status;
}

static enum mien_status add_rows(struct data_loader *l, const enum data_text *levels, uint32_t *cuts)
{
    enum mien_status status = MIEN_OK;
    struct loader_texts *t = &l->texts;
    struct base_arena arena = {0};
    size_t sentences = 0;
    uint32_t most = 0;
    char buffer[256];
    for (size_t i = 0; i < l->p.row_count; i++) {
        const struct data_row *row = &l->p.manifest->rows[l->rows[i]];
        for (uint32_t g = 0; g < t->global_levels; g++)
            TRY(add_text(l, loader_level_text(&arena, row, levels[g], buffer, sizeof(buffer)),
                         &t->fixed[i * t->global_levels + g], cuts));
        base_arena_clear(&arena);
        if (l->p.sentences > 0)
            TRY(add_sentences(l, &row->caption, &sentences, cuts));
        t->first_sentence[i + 1] = sentences;
        most = BASE_MAX(most, row->caption.local_count);
    }
    t->pick = base_alloc((size_t)most + 1, sizeof(*t->pick));
    FAIL_IF_NULL(t->pick, "texts");
    if (l->p.sentences > 0 && sentences == 0)
        TRY(loader_refuse_texts(l));
fail:
    base_arena_clear(&arena);
    return status;
}

/* The texts of a manifest's rows, all of which are kept. */
static enum mien_status keep_all(struct data_loader *l, uint32_t *cuts)
{
    enum mien_status status = MIEN_OK;
    struct loader_texts *t = &l->texts;
    TRY(choose_levels(l, t->kinds, &t->global_levels));
    t->fixed = base_alloc(l->p.row_count * t->global_levels + 1, sizeof(*t->fixed));
    t->first_sentence = base_alloc(l->p.row_count + 1, sizeof(*t->first_sentence));
    FAIL_IF(!t->fixed || !t->first_sentence, MIEN_ERR_NOMEM, "out of host memory for texts");
    TRY(add_rows(l, t->kinds, cuts));
fail:
    return status;
}

enum mien_status loader_texts_create(struct data_loader *l)
{
    enum mien_status status = MIEN_OK;
    struct loader_texts *t = &l->texts;
    uint32_t cuts = 0;
    if (l->p.pick == DATA_PICK_NONE)
        l->p.sentences = 0;
    t->empty[0] = data_tokenizer_bos(l->p.tokenizer);
    t->empty[1] = data_tokenizer_eos(l->p.tokenizer);
    TRY(l->p.shards ? loader_shards_survey(l, &cuts) : keep_all(l, &cuts));
    t->levels = t->global_levels + l->p.sentences;
    if (cuts > 0)
        LOG_WARN("%s: %u texts are longer than the context of %u tokens and were cut", l->p.manifest->path, cuts,
                 l->p.context);
fail:
    return status;
}

void loader_texts_clear(struct data_loader *l)
{
    base_free(l->texts.ids.ids);
    base_free(l->texts.fixed);
    base_free(l->texts.sentences);
    base_free(l->texts.first_sentence);
    base_free(l->texts.pick);
    memset(&l->texts, 0, sizeof(l->texts));
}

/* Chooses local sentences of a sample: t->pick[0..] are their places among the sample's; how many. */
static uint32_t pick_sentences(struct data_loader *l, uint32_t epoch, uint64_t place, uint32_t have)
{
    uint32_t *pick = l->texts.pick, want = BASE_MIN(l->p.sentences, have);
    uint32_t shift = l->p.pick == DATA_PICK_ROTATE && have > 0 ? (uint32_t)((uint64_t)epoch * want % have) : 0;
    for (uint32_t i = 0; i < have; i++)
        pick[i] = (i + shift) % have;
    if (l->p.pick == DATA_PICK_RANDOM) {
        struct base_rng rng = base_rng_make(l->p.seed, "sentence", epoch, place);
        base_rng_shuffle(&rng, pick, have);
    }
    return want;
}

/* The text of every level of the sample at `index`: refs [levels], and the ids that they are in. */
static const int32_t *refs_of(struct data_loader *l, const struct slot *slot, uint32_t index, struct text_ref *refs)
{
    const struct loader_texts *t = &l->texts;
    const struct item_texts *own = slot->items ? &slot->items[index].texts : NULL;
    uint32_t sample = slot->samples[index], locals = t->levels - t->global_levels, picked = 0;
    const struct text_ref *fixed = own ? own->fixed : t->fixed + (size_t)sample * t->global_levels;
    const struct text_ref *sentences = own ? own->sentences : t->sentences + t->first_sentence[sample];
    size_t have = own ? own->count : t->first_sentence[sample + 1] - t->first_sentence[sample];
    memcpy(refs, fixed, t->global_levels * sizeof(*refs));
    if (locals > 0)
        picked = pick_sentences(l, slot->batch.epoch, slot->place + index, (uint32_t)have);
    for (uint32_t i = 0; i < locals; i++)
        refs[t->global_levels + i] = i < picked ? sentences[t->pick[i]] : (struct text_ref){0};
    return own ? own->ids.ids : t->ids.ids;
}

void loader_texts_fill(struct data_loader *l, struct slot *slot)
{
    enum { MOST_LEVELS = 2 + 16 };
    const struct loader_texts *t = &l->texts;
    struct text_ref refs[MOST_LEVELS];
    uint32_t b = l->p.batch, longest = 2;
    for (int pass = 0; pass < 2; pass++) { /* the length first, then the rows */
        uint32_t length = data_texts_length(longest, l->p.context);
        for (uint32_t i = 0; i < b; i++) {
            const int32_t *from = refs_of(l, slot, i, refs);
            for (uint32_t k = 0; k < t->levels; k++) {
                size_t row = (size_t)k * b + i;
                const int32_t *ids = refs[k].count ? from + refs[k].start : t->empty;
                uint32_t count = refs[k].count ? refs[k].count : 2;
                longest = BASE_MAX(longest, count);
                if (pass == 0)
                    continue;
                slot->weights[row] = refs[k].count ? 1.0f : 0.0f;
                slot->eot[row] =
                    data_texts_pad(ids, count, data_tokenizer_pad(l->p.tokenizer), length, slot->tokens + row * length);
            }
        }
        slot->batch.length = length;
    }
    slot->batch.levels = t->levels;
    slot->batch.tokens = slot->tokens;
    slot->batch.eot = slot->eot;
    slot->batch.weights = slot->weights;
}

/* Whether two of the texts `step` apart differ; those that are not there do not count. */
static bool differ(const struct loader_texts *t, const struct text_ref *refs, size_t count, size_t step)
{
    const struct text_ref *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct text_ref *ref = &refs[i * step];
        if (!first && ref->count)
            first = ref;
        else if (ref->count && (ref->count != first->count || memcmp(t->ids.ids + ref->start, t->ids.ids + first->start,
                                                                     ref->count * sizeof(*t->ids.ids)) != 0))
            return true;
    }
    return false;
}

bool data_loader_texts_differ(const struct data_loader *loader)
{
    const struct loader_texts *t = &loader->texts;
    if (loader->p.shards)
        return loader->differ;
    for (uint32_t g = 0; g < t->global_levels; g++) {
        if (differ(t, t->fixed + g, loader->p.row_count, t->global_levels))
            return true;
    }
    return loader->p.sentences > 0 && differ(t, t->sentences, t->first_sentence[loader->p.row_count], 1);
}

uint32_t data_loader_levels(const struct data_loader *loader)
{
    return loader->texts.levels;
}

uint32_t data_loader_global_levels(const struct data_loader *loader)
{
    return loader->texts.global_levels;
}

uint32_t data_loader_longest(const struct data_loader *loader)
{
    return loader->texts.longest;
}
