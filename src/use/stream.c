/* stream.c: blocks of pictures: read by one thread and its helpers, encoded by the caller's. */
#include "use/stream.h"

#include "io/safetensors.h"

#include <stdio.h>
#include <string.h>

/* Pictures of a block: the encoder's largest batch. Two blocks bound the memory for pixels. */
enum { BLOCK = 32, MOST_ENTRIES = 2 * BLOCK, SAID = 1024 };

/* What a block says of its inputs, in order: a picture, a frame of a clip, or the end of a clip. Threads that read keep
 * their messages, which the caller's then logs: in order, as its own failures. */
struct entry {
    enum use_kind kind;
    size_t input;
    uint32_t slot;           /* of a picture or frame */
    enum mien_status status; /* of a clip's end */
    char said[SAID];
};

/* A picture on its way to pixels. */
struct slot {
    struct use_item item;
    bool ready; /* a video's frame, prepared as it came */
    enum mien_status status;
    char said[SAID];
};

struct stream;

struct block {
    struct stream *stream;
    struct entry entries[MOST_ENTRIES];
    struct slot slots[BLOCK];
    uint32_t entry_count, slot_count;
    bool last;
    float *pixels; /* [BLOCK,3,R,R] */
    struct base_arena arena;
};

/* One call's work. The cursor belongs to the reading thread, what follows it to the caller's. */
struct stream {
    struct mien_model *model;
    const struct use_feed *feed;
    const struct mien_embed_params *params;
    struct use_cursor cursor;
    struct block blocks[2];
    float *rows; /* [BLOCK,E] of a block */
    struct {
        float *rows; /* [count,E] of the frames so far */
        size_t count, capacity;
        enum mien_status status;
    } clip;
    float *embed; /* [E] of a clip */
    use_sink_fn sink;
    use_frames_fn frames; /* or NULL */
    void *user;
    size_t done;
};

/* ---- reading ---- */

static size_t image_size(const struct stream *s)
{
    return (size_t)3 * s->model->preprocess.crop * s->model->preprocess.crop;
}

/* The picture from the pack, or read. */
static enum mien_status load(const struct stream *s, const struct use_item *item, struct data_image *image)
{
    struct data_image_params p = {
        .max_pixels = s->params->max_pixels,
        .ignore_exif = s->params->flags & MIEN_NO_EXIF,
        .keep_alpha = !s->model->preprocess.rgb_first,
        .draft = s->params->flags & MIEN_JPEG_DRAFT ? data_preprocess_draft(&s->model->preprocess) : 0,
        .has_box = item->has_box};
    struct data_source source = item->source;
    char name[32];
    if (item->kind == USE_PICTURE && s->feed->pack && data_pack_image(s->feed->pack, s->feed->rows[item->input], image))
        return MIEN_OK;
    memcpy(p.box, item->box, sizeof(p.box));
    snprintf(name, sizeof(name), "input %zu", item->input);
    source.name = name;
    return data_image_load(&source, &p, image);
}

/* Frames of a video are called as the video is. */
static enum mien_status prepare(const struct stream *s, const struct use_item *item, const struct data_image *image,
                                float *to)
{
    char buffer[32];
    const char *path = item->source.path;
    enum mien_status status = data_preprocess_check(
        path ? path : use_input_name(&s->feed->inputs[item->input], item->input, buffer, sizeof(buffer)), image,
        &s->model->preprocess);
    return status == MIEN_OK ? data_preprocess_image(image, &s->model->preprocess, to) : status;
}

static void read_slot(void *user, uint32_t i)
{
    struct block *b = user;
    struct slot *slot = &b->slots[i];
    const struct stream *s = b->stream;
    float *to = b->pixels + i * image_size(s);
    struct data_image image = {0};
    if (slot->ready)
        return;
    base_log_divert(slot->said, SAID);
    slot->status = load(s, &slot->item, &image);
    if (slot->status == MIEN_OK)
        slot->status = prepare(s, &slot->item, &image, to);
    if (slot->status != MIEN_OK)
        memset(to, 0, image_size(s) * sizeof(*to));
    data_image_free(&image);
    base_log_divert(NULL, 0);
}

/* A place for a picture or frame. A video's frame is prepared at once: only one is in memory. */
static void add_slot(struct block *b, struct entry *e, struct use_item *item)
{
    struct stream *s = b->stream;
    struct slot *slot = &b->slots[b->slot_count];
    *slot = (struct slot){.item = *item};
    if (item->image.pixels) {
        float *to = b->pixels + b->slot_count * image_size(s);
        slot->ready = true;
        slot->status = prepare(s, item, &item->image, to);
        data_image_free(&item->image);
    } else if (item->kind == USE_FRAME && item->source.path) {
        slot->item.source.path = base_arena_strdup(&b->arena, item->source.path);
        slot->ready = !slot->item.source.path;
        slot->status = slot->ready ? MIEN_ERR_NOMEM : MIEN_OK;
    }
    e->slot = b->slot_count++;
}

/* The next thing of the feed; false when there is none. */
static bool add_entry(struct block *b)
{
    struct entry *e = &b->entries[b->entry_count];
    struct use_item item;
    base_log_divert(e->said, SAID);
    use_cursor_next(&b->stream->cursor, &item);
    e->kind = item.kind;
    e->input = item.input;
    e->status = item.status;
    e->slot = 0;
    if (item.kind == USE_PICTURE || item.kind == USE_FRAME)
        add_slot(b, e, &item);
    base_log_divert(NULL, 0);
    b->entry_count += item.kind != USE_NOTHING;
    return item.kind != USE_NOTHING;
}

/* A clip that goes on behind this block need not when one of its frames is bad. */
static void skip_bad(struct block *b)
{
    struct use_cursor *c = &b->stream->cursor;
    for (uint32_t i = 0; i < b->slot_count; i++)
        if (c->in_clip && b->slots[i].item.input == c->next - 1 && b->slots[i].status != MIEN_OK)
            use_cursor_skip(c);
}

static void fill(void *user)
{
    struct block *b = user;
    struct stream *s = b->stream;
    struct base_trace *trace = vk_device_trace(s->model->device);
    uint64_t began = base_trace_now(trace);
    b->entry_count = b->slot_count = 0;
    base_arena_clear(&b->arena);
    while (b->slot_count < BLOCK && b->entry_count < MOST_ENTRIES && !b->last)
        b->last = !add_entry(b);
    base_parallel_for(s->params->threads, b->slot_count, read_slot, b);
    skip_bad(b);
    base_trace_span(trace, BASE_TRACK_IMAGES, "read pictures", NULL, began);
}

/* ---- encoding ---- */

static bool is_bad(enum mien_status status)
{
    return status == MIEN_ERR_DATA || status == MIEN_ERR_IO;
}

/* Says what an entry's threads have kept; its status. */
static enum mien_status speak(const struct block *b, const struct entry *e)
{
    const struct slot *slot = e->kind == USE_CLIP_END ? NULL : &b->slots[e->slot];
    enum mien_status status = slot ? slot->status : e->status;
    const char *said = e->said[0] || !slot ? e->said : slot->said;
    if (status != MIEN_OK)
        return base_fail(status, "%s", said[0] ? said : mien_status_text(status));
    if (said[0])
        LOG_WARN("%s", said);
    return MIEN_OK;
}

/* The first failure of a block that ends the call: a bad picture does only when nobody takes note of it. */
static enum mien_status check_block(const struct stream *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->entry_count; i++) {
        enum mien_status status = speak(b, &b->entries[i]);
        if (status != MIEN_OK && !(is_bad(status) && s->params->ok))
            return status;
    }
    return MIEN_OK;
}

static enum mien_status check_finite(const struct stream *s, size_t input, const float *embed, uint32_t count)
{
    char buffer[32];
    uint64_t values = (uint64_t)count * s->model->nn->config.embed;
    if (io_first_not_finite(embed, values) == values)
        return MIEN_OK;
    return use_not_finite(s->model, use_input_name(&s->feed->inputs[input], input, buffer, sizeof(buffer)));
}

/* An input is done; raw [count,E], which is changed: its embedding, or its frames'. */
static enum mien_status give(struct stream *s, size_t input, enum mien_status status, float *raw, uint32_t count)
{
    bool ok = status == MIEN_OK;
    if (ok)
        status = check_finite(s, input, raw, count);
    if (ok && status != MIEN_OK)
        return status;
    if (ok && !s->frames && !(s->params->flags & MIEN_RAW))
        nn_normalise_rows(raw, 1, s->model->nn->config.embed);
    if (s->params->ok)
        s->params->ok[input] = ok;
    s->done = input + 1;
    raw = ok ? raw : NULL;
    return s->frames ? s->frames(s->user, input, raw, count) : s->sink(s->user, input, raw);
}

static enum mien_status add_frame(struct stream *s, enum mien_status status, const float *raw)
{
    size_t embed = s->model->nn->config.embed;
    if (status != MIEN_OK) {
        s->clip.status = status;
        return MIEN_OK;
    }
    status = base_grow(&s->clip.rows, &s->clip.capacity, (s->clip.count + 1) * embed, sizeof(*s->clip.rows));
    if (status == MIEN_OK)
        memcpy(s->clip.rows + s->clip.count++ * embed, raw, embed * sizeof(*raw));
    return status;
}

static enum mien_status end_clip(struct stream *s, size_t input, enum mien_status status)
{
    uint32_t frames = (uint32_t)BASE_MIN(s->clip.count, (size_t)UINT32_MAX);
    status = s->clip.status != MIEN_OK ? s->clip.status : status;
    if (status == MIEN_OK && !s->frames) {
        status = nn_encode_clips(s->model->encoder, s->clip.rows, 1, frames, s->embed);
        if (status != MIEN_OK)
            return status;
    }
    s->clip.count = 0;
    s->clip.status = MIEN_OK;
    return s->frames ? give(s, input, status, s->clip.rows, frames) : give(s, input, status, s->embed, 1);
}

static enum mien_status encode(struct stream *s, const struct block *b)
{
    enum mien_status status = MIEN_OK;
    size_t before = s->done, embed = s->model->nn->config.embed;
    TRY(nn_encode_images(s->model->encoder, b->pixels, b->slot_count, s->rows));
    for (uint32_t i = 0; i < b->entry_count; i++) {
        const struct entry *e = &b->entries[i];
        float *raw = s->rows + e->slot * embed;
        if (e->kind == USE_PICTURE)
            TRY(give(s, e->input, b->slots[e->slot].status, raw, 1));
        else if (e->kind == USE_FRAME)
            TRY(add_frame(s, b->slots[e->slot].status, raw));
        else
            TRY(end_clip(s, e->input, e->status));
    }
    if (s->done > before)
        TRY(base_progress(s->params->progress, s->params->user, s->done, s->feed->count));
fail:
    return status;
}

/* Encodes `now` while another thread reads `next`, unless `now` is the last. */
static enum mien_status overlap(struct stream *s, const struct block *now, struct block *next)
{
    enum mien_status status = MIEN_OK;
    struct base_thread *reader = NULL;
    TRY(check_block(s, now));
    if (!now->last)
        TRY(base_thread_start(&reader, fill, next));
    TRY(encode(s, now));
fail:
    base_thread_join(&reader);
    return status;
}

static enum mien_status run(struct stream *s)
{
    enum mien_status status = MIEN_OK;
    uint32_t turn = 0;
    fill(&s->blocks[0]);
    for (;; turn = !turn) {
        TRY(overlap(s, &s->blocks[turn], &s->blocks[!turn]));
        if (s->blocks[turn].last)
            return MIEN_OK;
    }
fail:
    return status;
}

/* Clips may have any number of frames. */
static void expect(struct mien_model *model, const struct use_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++) {
        const struct mien_input *input = &feed->inputs[i];
        if (input->frames || input->directory || input->video)
            return;
    }
    nn_encoder_expect_images(model->encoder, feed->count);
}

/* One of the sinks is NULL. */
static enum mien_status embed_to(struct mien_model *model, const struct use_feed *feed,
                                 const struct mien_embed_params *params, use_sink_fn sink, use_frames_fn frames,
                                 void *user)
{
    enum mien_status status = MIEN_OK;
    size_t embed = model->nn->config.embed;
    struct stream *s = base_alloc(1, sizeof(*s));
    FAIL_IF_NULL(s, "pictures");
    *s = (struct stream){.model = model, .feed = feed, .params = params};
    s->sink = sink;
    s->frames = frames;
    s->user = user;
    s->cursor = (struct use_cursor){.feed = feed, .frames = use_frames(model, params->frames), .params = params};
    s->rows = base_alloc((BLOCK + 1) * embed, sizeof(*s->rows));
    FAIL_IF_NULL(s->rows, "embeddings");
    s->embed = s->rows + BLOCK * embed;
    for (size_t i = 0; i < 2; i++) {
        s->blocks[i].stream = s;
        s->blocks[i].pixels = base_alloc(BLOCK * image_size(s), sizeof(float));
        FAIL_IF_NULL(s->blocks[i].pixels, "pixels");
    }
    expect(model, feed);
    TRY(run(s));
fail:
    for (size_t i = 0; s && i < 2; i++) {
        base_free(s->blocks[i].pixels);
        base_arena_clear(&s->blocks[i].arena);
    }
    if (s) {
        use_cursor_clear(&s->cursor);
        base_free(s->clip.rows);
        base_free(s->rows);
    }
    base_free(s);
    return status;
}

enum mien_status use_embed(struct mien_model *model, const struct use_feed *feed,
                           const struct mien_embed_params *params, use_sink_fn sink, void *user)
{
    return params->store  ? use_embed_stored(model, feed, params, sink, user)
           : model->ranks ? use_embed_shared(model, feed, params, sink, user)
                          : use_embed_alone(model, feed, params, sink, user);
}

enum mien_status use_embed_alone(struct mien_model *model, const struct use_feed *feed,
                                 const struct mien_embed_params *params, use_sink_fn sink, void *user)
{
    return embed_to(model, feed, params, sink, NULL, user);
}

enum mien_status use_embed_frames(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_frames_fn sink, void *user)
{
    return embed_to(model, feed, params, NULL, sink, user);
}
