/* shared.c: the inputs of a feed, embedded by several ranks: each takes a part of them, one behind another, and all get
 * all. */
#include "base/sha256.h"
#include "dist/dist.h"
#include "use/digest.h"
#include "use/stream.h"

#include <stdio.h>
#include <string.h>

/* Of each input: its embedding, whether it could be read, the frames of a clip. */
struct shared {
    size_t width, row; /* words: of an embedding, of all */
    float *own;        /* [part,row] */
};

enum { OK_WORD, FRAMES_WORD, MORE_WORDS = 2 + sizeof(struct mien_clip_frames) / sizeof(float) };

static enum mien_status put(void *user, size_t index, const float *embed)
{
    struct shared *s = user;
    float *row = s->own + index * s->row;
    row[s->width + OK_WORD] = embed ? 1 : 0;
    if (embed)
        memcpy(row, embed, s->width * sizeof(*row));
    return MIEN_OK;
}

/* This rank's part: inputs [first, first + count). */
static enum mien_status embed_part(struct mien_model *model, const struct use_feed *feed,
                                   const struct mien_embed_params *params, size_t first, size_t count, struct shared *s)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    struct use_feed part = *feed;
    struct mien_embed_params own = *params;
    part.inputs += first;
    part.count = count;
    part.rows = feed->rows ? feed->rows + first : NULL;
    own.ok = params->ok ? base_arena_array(&arena, count + 1, sizeof(*own.ok)) : NULL;
    own.clips = params->clips ? params->clips + first : NULL;
    FAIL_IF(params->ok && !own.ok, MIEN_ERR_NOMEM, "out of host memory for embeddings");
    if (count)
        TRY(use_embed_alone(model, &part, &own, put, s));
    for (size_t i = 0; own.clips && i < count; i++)
        memcpy(s->own + i * s->row + s->width + FRAMES_WORD, &own.clips[i], sizeof(*own.clips));
fail:
    base_arena_clear(&arena);
    return status;
}

/* What all have, in the order of the inputs. */
static enum mien_status give_all(const struct shared *s, const float *all, const struct use_feed *feed,
                                 const struct mien_embed_params *params, use_sink_fn sink, void *user)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < feed->count; i++) {
        const float *row = all + i * s->row;
        bool ok = row[s->width + OK_WORD] != 0;
        if (params->ok)
            params->ok[i] = ok;
        if (params->clips)
            memcpy(&params->clips[i], row + s->width + FRAMES_WORD, sizeof(*params->clips));
        TRY(sink(user, i, ok ? row : NULL));
    }
fail:
    return status;
}

/* Other inputs than rank 0's, or another model, would give rows that are nobody's. Of a file counts its name, not where
 * it lies: that may differ from machine to machine. */
static enum mien_status agree(struct mien_model *model, const struct use_feed *feed)
{
    enum mien_status status = MIEN_OK;
    struct base_sha256 hash = base_sha256_begin();
    unsigned char key[USE_KEY], all[BASE_SHA256_SIZE];
    char buffer[32];
    uint32_t other;
    TRY(use_model_key(model, key));
    base_sha256_add(&hash, key, sizeof(key));
    for (size_t i = 0; i < feed->count; i++) {
        const char *name = use_input_name(&feed->inputs[i], i, buffer, sizeof(buffer)), *last = strrchr(name, '/');
        name = last && last[1] ? last + 1 : name;
        base_sha256_add(&hash, name, strlen(name) + 1);
        if (feed->inputs[i].has_box)
            base_sha256_add(&hash, feed->inputs[i].box, sizeof(feed->inputs[i].box));
    }
    base_sha256_end(&hash, all);
    TRY(dist_same(model->ranks, all, sizeof(all), &other));
    FAIL_IF(other, MIEN_ERR_ARG,
            "rank %u has another model or other inputs to embed than rank 0; give all ranks the same files and options",
            other);
fail:
    return status;
}

enum mien_status use_embed_shared(struct mien_model *model, const struct use_feed *feed,
                                  const struct mien_embed_params *params, use_sink_fn sink, void *user)
{
    enum mien_status status = MIEN_OK;
    uint32_t ranks = dist_count(model->ranks);
    size_t part = (size_t)base_div_up(feed->count, ranks);
    size_t first = BASE_MIN(dist_rank(model->ranks) * part, feed->count);
    struct shared s = {.width = model->nn->config.embed, .row = model->nn->config.embed + MORE_WORDS};
    float *all = NULL;
    TRY(agree(model, feed));
    all = base_alloc(part * ranks * s.row + 1, sizeof(*all));
    s.own = base_alloc(part * s.row + 1, sizeof(*s.own));
    FAIL_IF(!all || !s.own, MIEN_ERR_NOMEM, "out of host memory for embeddings");
    TRY(embed_part(model, feed, params, first, BASE_MIN(part, feed->count - first), &s));
    TRY(dist_gather(model->ranks, s.own, part * s.row * sizeof(*all), all));
    TRY(give_all(&s, all, feed, params, sink, user));
fail:
    base_free(all);
    base_free(s.own);
    return status;
}
