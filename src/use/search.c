/* search.c: a collection ranked by sentences. */
#include "use/input.h"
#include "use/rows.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct mien_model *model;
    const struct mien_search_params *p;
    struct mien_embed_params embed; /* the caller's */
    struct use_rows rows;           /* the collection: all of the manifest */
    float *texts;                   /* [T,E] of unit length */
    double *scores;                 /* [T,count]: what is kept of each row */
    bool *ok;                       /* [count] */
};

static enum mien_status score(void *user, size_t index, const float *embed)
{
    struct search *s = user;
    uint32_t width = s->model->nn->config.embed;
    for (size_t t = 0; embed && t < s->p->text_count; t++)
        s->scores[t * s->rows.count + index] = use_dot(s->texts + t * width, embed, width);
    return MIEN_OK;
}

static enum mien_status score_all(struct search *s)
{
    enum mien_status status = MIEN_OK;
    struct mien_embed_params params = s->embed;
    struct base_arena arena = {0};
    struct use_feed feed;
    s->texts = base_alloc(s->p->text_count * s->model->nn->config.embed, sizeof(*s->texts));
    s->scores = base_alloc(s->p->text_count * s->rows.count, sizeof(*s->scores));
    params.ok = s->ok = base_alloc(s->rows.count, sizeof(*s->ok));
    params.flags &= ~(uint32_t)MIEN_RAW;
    FAIL_IF(!s->texts || !s->scores || !s->ok, MIEN_ERR_NOMEM, "out of host memory for a search");
    if (!params.store)
        nn_encoder_expect_images(s->model->encoder, s->rows.count);
    TRY(mien_model_embed_texts(s->model, s->p->texts, s->p->text_count, 0, s->texts));
    TRY(use_rows_feed(&s->rows, params.flags, &arena, &feed));
    TRY(use_embed(s->model, &feed, &params, score, s));
fail:
    base_arena_clear(&arena);
    return status;
}

static int better_first(const void *a, const void *b)
{
    const struct mien_match *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* The matches of sentence t into to [result->count]; `all` [s->rows.count] is room to sort in. */
static enum mien_status rank(const struct search *s, size_t t, struct base_arena *arena, struct mien_match *all,
                             const struct mien_search *result, struct mien_match *to)
{
    enum mien_status status = MIEN_OK;
    size_t n = 0;
    for (size_t i = 0; i < s->rows.count; i++) {
        const struct data_row *row = &s->rows.manifest->rows[s->rows.rows[i]];
        if (s->ok[i])
            all[n++] = (struct mien_match){s->scores[t * s->rows.count + i], row->line, use_row_path(row)};
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
    struct mien_match *all = base_alloc(s->rows.count, sizeof(*all));
    struct base_arena *keep = r->memory = base_alloc(1, sizeof(*keep));
    FAIL_IF(!all || !keep, MIEN_ERR_NOMEM, "out of host memory for a search's result");
    r->rows = s->rows.count;
    for (size_t i = 0; i < r->rows; i++)
        r->bad += !s->ok[i];
    FAIL_IF(r->bad == r->rows, MIEN_ERR_DATA, "%s: none of its %zu pictures could be read", s->p->manifest, r->rows);
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
    TRY(use_check_flags(s.embed.flags, __func__));
    FAIL_IF(!params.manifest || !params.texts || params.text_count == 0, MIEN_ERR_ARG,
            "mien_search: a manifest and a sentence are needed");
    result = base_alloc(1, sizeof(*result));
    FAIL_IF_NULL(result, "a search's result");
    s.rows.columns = params.columns;
    TRY(use_rows_read(params.manifest, "all", NULL, "row", &s.rows));
    TRY(score_all(&s));
    TRY(make_result(&s, result));
    *out = result;
    result = NULL;
fail:
    mien_search_destroy(&result);
    base_free(s.ok);
    base_free(s.scores);
    base_free(s.texts);
    use_rows_clear(&s.rows);
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
