/* stored.c: a collection embedded once, and used again. */
#include "use/rows.h"
#include "use/store.h"

#include <string.h>

/* ---- making a store ---- */

static const char *path_of(const struct mien_input *in)
{
    if (in->frames)
        return in->frame_count ? in->frames[0].path : NULL;
    return in->path ? in->path : in->directory ? in->directory : in->video;
}

/* Embeds a feed into the entries from `first` on. Keys are made before that: a file that changes meanwhile is of no
 * key then that it will ever have. */
static enum mien_status embed_feed(struct mien_model *model, struct mien_store *s, const struct use_feed *feed,
                                   const struct mien_embed_params *given, bool skip_bad, size_t first)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params params = *given;
    struct use_key *keys = base_alloc(feed->count + 1, sizeof(*keys));
    bool *ok = base_alloc(feed->count + 1, sizeof(*ok));
    FAIL_IF(!keys || !ok, MIEN_ERR_NOMEM, "out of host memory for a collection");
    TRY(use_keys_of(feed->inputs, feed->count, &params, use_frames(model, params.frames), keys));
    params.ok = skip_bad ? ok : NULL;
    if (feed->count)
        TRY(use_embed_into(model, feed, &params, s->data + first * s->width));
    for (size_t i = 0; i < feed->count; i++) {
        const struct mien_input *in = &feed->inputs[i];
        struct use_stored *e = &s->entries[first + i];
        *e = (struct use_stored){.key = keys[i], .is_clip = in->frames || in->directory || in->video};
        e->row = !skip_bad || ok[i] ? s->data + (first + i) * s->width : NULL;
        if (path_of(in)) {
            e->path = base_arena_strdup(&s->arena, path_of(in));
            FAIL_IF_NULL(e->path, "a path");
        }
    }
fail:
    base_free(ok);
    base_free(keys);
    return status;
}

static enum mien_status fill(struct mien_model *model, struct mien_store *s, const struct mien_store_params *p,
                             const struct use_rows *rows)
{
    enum mien_status status = MIEN_OK;
    const struct use_feed given = {.inputs = p->inputs, .count = p->count};
    struct use_feed listed = {0};
    struct base_arena arena = {0};
    if (rows->manifest)
        TRY(use_rows_feed(rows, p->embed->flags, &arena, &listed));
    s->count = given.count + listed.count;
    FAIL_IF(s->count > UINT32_MAX, MIEN_ERR_ARG, "mien_store_create: %zu inputs are too many", s->count);
    s->entries = base_arena_array(&s->arena, s->count + 1, sizeof(*s->entries));
    s->data = base_alloc(s->count * s->width + 1, sizeof(*s->data));
    FAIL_IF(!s->entries || !s->data, MIEN_ERR_NOMEM, "out of host memory for %zu embeddings", s->count);
    TRY(embed_feed(model, s, &given, p->embed, p->skip_bad, 0));
    TRY(embed_feed(model, s, &listed, p->embed, p->skip_bad, given.count));
    TRY(use_store_sort(s));
fail:
    base_arena_clear(&arena);
    return status;
}

enum mien_status mien_store_create(struct mien_model *model, const struct mien_store_params *given,
                                   struct mien_store **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_store_params params;
    struct mien_embed_params embed;
    struct use_rows rows = {0};
    struct mien_store *s = NULL;
    NEED(out);
    *out = NULL;
    NEED(model && given);
    TRY(SIZED_READ(&params, given));
    TRY(SIZED_READ(&embed, params.embed));
    params.embed = &embed;
    embed.clips = NULL;
    FAIL_IF(!params.manifest && !(params.inputs && params.count), MIEN_ERR_ARG,
            "mien_store_create: inputs or a manifest are needed");
    NEED(params.inputs || !params.count);
    TRY(use_check_flags(embed.flags, __func__));
    TRY(use_check_inputs(params.inputs, params.count));
    rows.columns = params.columns;
    if (params.manifest)
        TRY(use_rows_read(params.manifest, "all", NULL, "row", &rows));
    s = base_alloc(1, sizeof(*s));
    FAIL_IF_NULL(s, "stored embeddings");
    s->width = model->nn->config.embed;
    s->raw = embed.flags & MIEN_RAW;
    TRY(use_model_key(model, s->model));
    TRY(fill(model, s, &params, &rows));
    *out = s;
    s = NULL;
fail:
    mien_store_destroy(&s);
    use_rows_clear(&rows);
    return use_ended(model, status);
}

/* ---- using one ---- */

/* Inputs under way: stored ones are given out between those that are embedded, so that all come in their order. */
struct mixed {
    const struct mien_store *store;
    const struct use_feed *feed;
    const struct mien_embed_params *params;
    use_sink_fn sink;
    void *user;
    const struct use_stored **hits; /* [feed->count] NULL: to be embedded */
    size_t *origin;                 /* [misses] */
    size_t misses, next;            /* the input that comes next */
    float *row;                     /* [width] */
};

/* Those that are stored, up to input `end`. */
static enum mien_status give_stored(struct mixed *m, size_t end)
{
    enum mien_status status = MIEN_OK;
    for (; m->next < end; m->next++) {
        memcpy(m->row, m->hits[m->next]->row, m->store->width * sizeof(*m->row));
        if (m->store->raw && !(m->params->flags & MIEN_RAW))
            nn_normalise_rows(m->row, 1, m->store->width);
        if (m->params->ok)
            m->params->ok[m->next] = true;
        TRY(m->sink(m->user, m->next, m->row));
    }
fail:
    return status;
}

static enum mien_status give_embedded(void *user, size_t index, const float *embed)
{
    enum mien_status status = MIEN_OK;
    struct mixed *m = user;
    TRY(give_stored(m, m->origin[index]));
    if (m->params->ok)
        m->params->ok[m->next] = embed != NULL;
    TRY(m->sink(m->user, m->next++, embed));
fail:
    return status;
}

static bool tell(void *user, uint64_t done, uint64_t total)
{
    const struct mixed *m = user;
    (void)done, (void)total;
    return !m->params->progress || m->params->progress(m->params->user, m->next, m->feed->count);
}

static enum mien_status find_all(struct mixed *m, uint32_t frames, struct base_arena *arena)
{
    enum mien_status status = MIEN_OK;
    size_t count = m->feed->count;
    struct use_key *keys = base_arena_array(arena, count + 1, sizeof(*keys));
    m->hits = base_arena_array(arena, count + 1, sizeof(*m->hits));
    m->origin = base_arena_array(arena, count + 1, sizeof(*m->origin));
    m->row = base_arena_array(arena, m->store->width, sizeof(*m->row));
    FAIL_IF(!keys || !m->hits || !m->origin || !m->row, MIEN_ERR_NOMEM, "out of host memory for a collection");
    TRY(use_keys_of(m->feed->inputs, count, m->params, frames, keys));
    for (size_t i = 0; i < count; i++) {
        m->hits[i] = use_store_find(m->store, &keys[i]);
        if (m->params->clips && keys[i].frames.there)
            m->params->clips[i] = keys[i].frames;
        if (!m->hits[i])
            m->origin[m->misses++] = i;
    }
fail:
    return status;
}

/* The inputs that are not stored, as a feed of their own, embedded. */
static enum mien_status embed_rest(struct mien_model *model, struct mixed *m, struct base_arena *arena)
{
    enum mien_status status = MIEN_OK;
    char name[32];
    struct mien_embed_params params = *m->params;
    struct mien_input *inputs = base_arena_array(arena, m->misses, sizeof(*inputs));
    uint32_t *rows = base_arena_array(arena, m->misses, sizeof(*rows));
    bool *ok = base_arena_array(arena, m->misses, sizeof(*ok));
    const struct use_feed rest = {.inputs = inputs, .count = m->misses, .pack = m->feed->pack, .rows = rows};
    FAIL_IF(!inputs || !rows || !ok, MIEN_ERR_NOMEM, "out of host memory for a collection");
    for (size_t i = 0; i < m->misses; i++) {
        inputs[i] = m->feed->inputs[m->origin[i]];
        rows[i] = m->feed->rows ? m->feed->rows[m->origin[i]] : 0;
    }
    LOG_WARN("%zu of %zu inputs are not in %s as they are now, and are embedded (the first: %s)", m->misses,
             m->feed->count, m->store->name ? m->store->name : "the stored embeddings",
             use_input_name(&inputs[0], m->origin[0], name, sizeof(name)));
    params.store = NULL;
    params.clips = NULL; /* the keys have told */
    params.ok = m->params->ok ? ok : NULL;
    params.progress = tell;
    params.user = m;
    TRY(use_embed(model, &rest, &params, give_embedded, m));
fail:
    return status;
}

enum mien_status use_embed_stored(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_sink_fn sink, void *user)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    unsigned char key[USE_KEY];
    struct mixed m = {.store = params->store, .feed = feed, .params = params, .sink = sink, .user = user};
    TRY(use_model_key(model, key));
    FAIL_IF(memcmp(key, m.store->model, USE_KEY) != 0, MIEN_ERR_ARG, "the stored embeddings are of another model");
    FAIL_IF(params->flags & MIEN_RAW && !m.store->raw, MIEN_ERR_ARG,
            "the stored embeddings are of unit length, those that are asked for as projected; store such (mien embed "
            "--raw), or leave them out");
    TRY(find_all(&m, use_frames(model, params->frames), &arena));
    if (m.misses)
        TRY(embed_rest(model, &m, &arena));
    TRY(give_stored(&m, feed->count));
    TRY(base_progress(params->progress, params->user, feed->count, feed->count));
fail:
    base_arena_clear(&arena);
    return status;
}
