/* search.c: a collection ranked by sentences. */
#include "data/manifest.h"
#include "use/use.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1024 }; /* rows embedded at a time: what is kept of each is its scores */

struct search {
    struct mien_model *model;
    const struct mien_search_params *p;
    struct mien_embed_params embed; /* the caller's */
    struct data_manifest *manifest;
    size_t count;   /* of the manifest's rows: the collection */
    float *texts;   /* [T,E] of unit length */
    double *scores; /* [T,count] */
    bool *ok;       /* [count] */
    size_t done;    /* rows embedded */
};

static void on_progress(void *user, size_t done, size_t total)
{
    struct search *s = user;
    (void)total;
    if (s->embed.progress)
        s->embed.progress(s->embed.user, s->done + done, s->count);
}

static struct mien_image image_of(const struct data_row *row, const char *path)
{
    struct mien_image image = {.path = path, .has_box = row->has_box};
    memcpy(image.box, row->box, sizeof(image.box));
    return image;
}

/* Rows [s->done, ...) as long as they are pictures, at most CHUNK, or one clip: embeds [n,E]; *n says how many. */
static enum mien_status embed_some(struct search *s, struct mien_image *images, float *embeds, size_t *n)
{
    struct mien_embed_params params = s->embed;
    const struct data_row *row = &s->manifest->rows[s->done];
    params.flags &= ~(uint32_t)MIEN_RAW;
    params.ok = s->ok + s->done;
    params.progress = on_progress;
    params.user = s;
    *n = 1;
    if (!row->image)
        return use_embed_row_clip(s->model, row, &params, embeds);
    for (*n = 0; *n < CHUNK && s->done + *n < s->count; ++*n) {
        row = &s->manifest->rows[s->done + *n];
        if (!row->image)
            break;
        images[*n] = image_of(row, row->image);
    }
    return mien_model_embed_pictures(s->model, images, *n, &params, embeds);
}

static void score(struct search *s, const float *embeds, size_t n)
{
    size_t width = s->model->nn->config.embed;
    for (size_t t = 0; t < s->p->text_count; t++) {
        for (size_t i = 0; i < n; i++) {
            double dot = 0;
            for (size_t k = 0; k < width; k++)
                dot += (double)s->texts[t * width + k] * (double)embeds[i * width + k];
            s->scores[t * s->count + s->done + i] = dot;
        }
    }
}

static enum mien_status score_all(struct search *s)
{
    enum mien_status status = MIEN_OK;
    size_t width = s->model->nn->config.embed, n = 0;
    struct mien_image *images = base_alloc(CHUNK, sizeof(*images));
    float *embeds = base_alloc(CHUNK * width, sizeof(*embeds));
    s->texts = base_alloc(s->p->text_count * width, sizeof(*s->texts));
    s->scores = base_alloc(s->p->text_count * s->count, sizeof(*s->scores));
    s->ok = base_alloc(s->count, sizeof(*s->ok));
    FAIL_IF(!images || !embeds || !s->texts || !s->scores || !s->ok, MIEN_ERR_NOMEM, "out of host memory for a search");
    TRY(mien_model_embed_texts(s->model, s->p->texts, s->p->text_count, 0, s->texts));
    for (; s->done < s->count; s->done += n) {
        TRY(embed_some(s, images, embeds, &n));
        score(s, embeds, n);
    }
fail:
    base_free(images);
    base_free(embeds);
    return status;
}

static int better_first(const void *a, const void *b)
{
    const struct mien_match *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* The matches of sentence t into to [result->count]; `all` [s->count] is room to sort in. */
static enum mien_status rank(const struct search *s, size_t t, struct base_arena *arena, struct mien_match *all,
                             const struct mien_search *result, struct mien_match *to)
{
    enum mien_status status = MIEN_OK;
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct data_row *row = &s->manifest->rows[i];
        if (s->ok[i])
            all[n++] = (struct mien_match){s->scores[t * s->count + i], row->line, use_row_path(row)};
    }
    qsort(all, n, sizeof(*all), better_first);
    for (size_t i = 0; i < result->count; i++) {
        to[i] = all[i];
        to[i].path = base_arena_strdup(arena, all[i].path);
        FAIL_IF_NULL(to[i].path, "a search's result");
    }
fail:
    return status;
}

static enum mien_status make_result(const struct search *s, struct mien_search *r)
{
    enum mien_status status = MIEN_OK;
    struct mien_match *all = base_alloc(s->count, sizeof(*all));
    struct base_arena *keep = r->memory = base_alloc(1, sizeof(*keep));
    FAIL_IF(!all || !keep, MIEN_ERR_NOMEM, "out of host memory for a search's result");
    r->rows = s->count;
    for (size_t i = 0; i < s->count; i++)
        r->bad += !s->ok[i];
    FAIL_IF(r->bad == r->rows, MIEN_ERR_DATA, "%s: none of its %zu pictures could be read", s->manifest->path, r->rows);
    r->text_count = s->p->text_count;
    r->count = s->p->top ? BASE_MIN(s->p->top, r->rows - r->bad) : r->rows - r->bad;
    r->matches = base_arena_array(keep, r->text_count * r->count, sizeof(*r->matches));
    FAIL_IF_NULL(r->matches, "a search's result");
    for (size_t t = 0; t < r->text_count; t++)
        TRY(rank(s, t, keep, all, r, r->matches + t * r->count));
fail:
    base_free(all);
    return status;
}

enum mien_status mien_search(struct mien_model *model, const struct mien_search_params *given, struct mien_search **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_search_params params;
    struct search s = {.model = model, .p = &params};
    struct mien_search *result = NULL;
    NEED(out);
    *out = NULL;
    NEED(model && given);
    TRY(SIZED_READ(&params, given));
    TRY(SIZED_READ(&s.embed, params.embed));
    FAIL_IF(!params.manifest || !params.texts || params.text_count == 0, MIEN_ERR_ARG,
            "mien_search: a manifest and a sentence are needed");
    result = base_alloc(1, sizeof(*result));
    FAIL_IF_NULL(result, "a search's result");
    TRY(data_manifest_read(params.manifest, &s.manifest));
    s.count = s.manifest->count;
    FAIL_IF(s.count == 0, MIEN_ERR_DATA, "%s: no row", s.manifest->path);
    TRY(score_all(&s));
    TRY(make_result(&s, result));
    *out = result;
    result = NULL;
fail:
    mien_search_destroy(&result);
    base_free(s.ok);
    base_free(s.scores);
    base_free(s.texts);
    data_manifest_destroy(&s.manifest);
    return use_ended(model, status);
}

void mien_search_destroy(struct mien_search **result)
{
    if (!result || !*result)
        return;
    struct base_arena *keep = (*result)->memory;
    if (keep)
        base_arena_clear(keep);
    base_free(keep);
    base_free(*result);
    *result = NULL;
}
