/* retrieval.c: images and captions that look for each other. */
#include "eval/bootstrap.h"
#include "use/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 1000, EXAMPLES = 8, TEXTS = 3 };
static const uint32_t cuts[3] = {1, 5, 10};

struct task {
    struct mien_model *model;
    const struct mien_retrieval_params *params;
    struct use_rows rows;
    struct base_arena arena;
    bool *ok;           /* [count] */
    float *images;      /* [count, E], then those of unreadable images are taken out */
    float *texts;       /* [count, E], of unit length */
    const char **whole; /* [count] a pair's text in words */
    uint32_t *group;    /* [count] pairs with the same text have the same number */
    double *scores;     /* [count] of one query */
    double *ranks;      /* [count] */
    uint64_t bad;
};

/* ---- texts ---- */

static bool has_caption(const struct data_row *row)
{
    return row->caption.whole || row->caption.global || row->caption.summary || row->caption.local_count;
}

static bool has_global(const struct data_row *row)
{
    return row->caption.global;
}

static bool has_summary(const struct data_row *row)
{
    return row->caption.summary;
}

/* The sentences that stand for a row, into out; how many. */
static size_t sentences_of(const struct task *t, const struct data_row *row, const char **out)
{
    const struct data_caption *c = &row->caption;
    size_t n = 0;
    if (c->global && t->params->text != MIEN_RETRIEVAL_SUMMARY)
        out[n++] = c->global;
    for (uint32_t k = 0; t->params->text == MIEN_RETRIEVAL_CAPTION && k < c->local_count; k++)
        out[n++] = c->local[k];
    if (c->summary && t->params->text != MIEN_RETRIEVAL_GLOBAL)
        out[n++] = c->summary;
    if (n == 0 && c->whole)
        out[n++] = c->whole;
    return n;
}

/* With blanks between. */
static const char *join(struct base_arena *arena, const char *const *parts, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(parts[i]) + 1;
    char *text = base_arena_alloc(arena, size), *at = text;
    for (size_t i = 0; text && i < count; i++) {
        size_t length = strlen(parts[i]);
        if (i > 0)
            *at++ = ' ';
        memcpy(at, parts[i], length);
        at += length;
    }
    return text;
}

/* All sentences of all rows in one list; first[i] is where those of row i begin. */
static enum mien_status list_sentences(struct task *t, const char ***list, size_t **first)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count, total = 0;
    for (size_t i = 0; i < count; i++)
        total += t->rows.manifest->rows[t->rows.rows[i]].caption.local_count + 3;
    *list = base_arena_array(&t->arena, total, sizeof(**list));
    *first = base_arena_array(&t->arena, count + 1, sizeof(**first));
    t->whole = base_arena_array(&t->arena, count, sizeof(*t->whole));
    FAIL_IF(!*list || !*first || !t->whole, MIEN_ERR_NOMEM, "out of host memory for captions");
    for (size_t i = 0; i < count; i++) {
        const struct data_row *row = &t->rows.manifest->rows[t->rows.rows[i]];
        size_t n = sentences_of(t, row, *list + (*first)[i]);
        (*first)[i + 1] = (*first)[i] + n;
        t->whole[i] = join(&t->arena, *list + (*first)[i], n);
        FAIL_IF_NULL(t->whole[i], "captions");
    }
fail:
    return status;
}

static enum mien_status embed_texts(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count, *first = NULL;
    uint32_t width = t->model->nn->config.embed;
    const char **list = NULL;
    float *each = NULL;
    TRY(list_sentences(t, &list, &first));
    t->texts = base_arena_array(&t->arena, count * width, sizeof(*t->texts));
    each = base_alloc(first[count] * width, sizeof(*each));
    FAIL_IF(!t->texts || !each, MIEN_ERR_NOMEM, "out of host memory for the captions' embeddings");
    TRY(mien_model_embed_texts(t->model, list, first[count], 0, each));
    for (size_t i = 0; i < count; i++)
        use_mean(each + first[i] * width, first[i + 1] - first[i], width, t->texts + i * width);
    nn_normalise_rows(t->texts, (uint32_t)count, width);
fail:
    base_free(each);
    return status;
}

/* ---- pairs ---- */

/* At most `limit` rows, evenly spaced. */
static void thin_out(struct use_rows *rows, size_t limit)
{
    size_t kept = BASE_MIN(rows->count, limit);
    for (size_t i = 0; i < kept; i++)
        rows->rows[i] = rows->rows[i * rows->count / kept];
    rows->count = kept;
}

/* Pairs whose image could not be read go. */
static void drop_bad(struct task *t)
{
    size_t kept = 0;
    uint32_t width = t->model->nn->config.embed;
    for (size_t i = 0; i < t->rows.count; i++) {
        if (!t->ok[i])
            continue;
        t->rows.rows[kept] = t->rows.rows[i];
        t->whole[kept] = t->whole[i];
        memmove(t->images + kept * width, t->images + i * width, width * sizeof(float));
        memmove(t->texts + kept * width, t->texts + i * width, width * sizeof(float));
        kept++;
    }
    t->bad = t->rows.count - kept;
    t->rows.count = kept;
}

struct named {
    const char *text;
    uint32_t index;
};

static int by_text(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static enum mien_status group_texts(struct task *t)
{
    size_t count = t->rows.count;
    struct named *sorted = base_arena_array(&t->arena, count, sizeof(*sorted));
    t->group = base_arena_array(&t->arena, count, sizeof(*t->group));
    if (!sorted || !t->group)
        return base_fail(MIEN_ERR_NOMEM, "out of host memory for captions");
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct named){t->whole[i], (uint32_t)i};
    qsort(sorted, count, sizeof(*sorted), by_text);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && strcmp(sorted[i - 1].text, sorted[i].text) == 0;
        t->group[sorted[i].index] = same ? t->group[sorted[i - 1].index] : sorted[i].index;
    }
    return MIEN_OK;
}

static double chance_of(const struct task *t)
{
    double sum = 0;
    size_t count = t->rows.count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            sum += t->group[i] == t->group[j];
    }
    return sum / (double)count / (double)count;
}

/* ---- ranks ---- */

static void score_query(struct task *t, const float *query, const float *answers)
{
    uint32_t width = t->model->nn->config.embed;
    for (size_t j = 0; j < t->rows.count; j++)
        t->scores[j] = use_dot(query, answers + j * width, width);
}

static double rank_of(const struct task *t, size_t i)
{
    double best = -INFINITY, rank = 1;
    for (size_t j = 0; j < t->rows.count; j++) {
        if (t->group[j] == t->group[i])
            best = fmax(best, t->scores[j]);
    }
    for (size_t j = 0; j < t->rows.count; j++) {
        if (t->group[j] != t->group[i])
            rank += t->scores[j] > best ? 1 : t->scores[j] == best ? 0.5 : 0;
    }
    return rank;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum mien_status rank_all(struct task *t, const float *queries, const float *answers, struct mien_ranks *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    uint32_t width = t->model->nn->config.embed;
    double *hits = base_alloc(count, sizeof(*hits));
    FAIL_IF_NULL(hits, "ranks");
    for (size_t i = 0; i < count; i++) {
        score_query(t, queries + i * width, answers);
        t->ranks[i] = rank_of(t, i);
        out->mean += t->ranks[i] / (double)count;
    }
    for (size_t k = 0; k < BASE_COUNT(cuts); k++) {
        for (size_t i = 0; i < count; i++) {
            hits[i] = t->ranks[i] <= cuts[k];
            out->recall_at[k] += hits[i] / (double)count;
        }
        TRY(eval_mean_interval(hits, count, t->params->seed, &out->interval[k]));
    }
    qsort(t->ranks, count, sizeof(*t->ranks), by_value);
    out->median = (t->ranks[(count - 1) / 2] + t->ranks[count / 2]) / 2;
fail:
    base_free(hits);
    return status;
}

/* ---- examples ---- */

/* The best answer whose text is not taken yet, or SIZE_MAX. */
static size_t next_best(const struct task *t, const uint32_t *taken, size_t count)
{
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < t->rows.count; j++) {
        bool used = false;
        for (size_t k = 0; k < count; k++)
            used |= taken[k] == t->group[j];
        if (!used && (best == SIZE_MAX || t->scores[j] > t->scores[best]))
            best = j;
    }
    return best;
}

static enum mien_status make_example(struct task *t, size_t i, struct mien_retrieval_example *e)
{
    enum mien_status status = MIEN_OK;
    uint32_t taken[TEXTS];
    score_query(t, t->images + i * t->model->nn->config.embed, t->texts);
    e->image = use_copy_text(use_row_path(&t->rows.manifest->rows[t->rows.rows[i]]));
    e->truth = use_copy_text(t->whole[i]);
    FAIL_IF(!e->image || !e->truth, MIEN_ERR_NOMEM, "out of host memory for an example");
    for (size_t j; e->count < TEXTS && (j = next_best(t, taken, e->count)) != SIZE_MAX; e->count++) {
        taken[e->count] = t->group[j];
        e->scores[e->count] = (float)t->scores[j];
        e->texts[e->count] = use_copy_text(t->whole[j]);
        FAIL_IF_NULL(e->texts[e->count], "an example");
    }
fail:
    return status;
}

/* ---- the whole ---- */

static enum mien_status make_result(struct task *t, struct mien_retrieval **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_retrieval *r = base_alloc(1, sizeof(*r));
    FAIL_IF_NULL(r, "a result");
    r->n = t->rows.count;
    r->bad = t->bad;
    r->chance = chance_of(t);
    strncpy(r->split, t->rows.split, sizeof(r->split) - 1);
    TRY(rank_all(t, t->images, t->texts, &r->image_text));
    TRY(rank_all(t, t->texts, t->images, &r->text_image));
    r->example_count = BASE_MIN(t->rows.count, (size_t)EXAMPLES);
    r->examples = base_alloc(r->example_count, sizeof(*r->examples));
    FAIL_IF_NULL(r->examples, "examples");
    for (size_t k = 0; k < r->example_count; k++)
        TRY(make_example(t, k * t->rows.count / r->example_count, &r->examples[k]));
    *out = r;
    return MIEN_OK;
fail:
    mien_retrieval_destroy(&r);
    return status;
}

static enum mien_status embed_pairs(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    const struct mien_embed_params params = {
        .frames = t->params->frames, .progress = t->params->progress, .user = t->params->user};
    t->images = base_arena_array(&t->arena, count * t->model->nn->config.embed, sizeof(*t->images));
    t->ok = base_arena_array(&t->arena, count, sizeof(*t->ok));
    t->scores = base_arena_array(&t->arena, count, sizeof(*t->scores));
    t->ranks = base_arena_array(&t->arena, count, sizeof(*t->ranks));
    FAIL_IF(!t->images || !t->ok || !t->scores || !t->ranks, MIEN_ERR_NOMEM, "out of host memory for embeddings");
    TRY(embed_texts(t));
    TRY(use_embed_rows(t->model, &t->rows, &params, t->images, t->ok));
    drop_bad(t);
    FAIL_IF(t->rows.count == 0, MIEN_ERR_DATA, "%s: none of the images and clips can be read", t->params->manifest);
fail:
    return status;
}

enum mien_status mien_eval_retrieval(struct mien_model *model, const struct mien_retrieval_params *params,
                                     struct mien_retrieval **out)
{
    static bool (*const usable[])(const struct data_row *) = {has_caption, has_global, has_summary};
    static const char *const what[] = {"image or clip with a caption", "image or clip with a global caption",
                                       "image or clip with a summary"};
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    FAIL_IF(!model || !params || !params->manifest || !out || (size_t)params->text >= BASE_COUNT(what), MIEN_ERR_ARG,
            "mien_eval_retrieval: a model, a manifest, a kind of text and a place for the result are needed");
    *out = NULL;
    TRY(use_rows_read(params->manifest, params->split, usable[params->text], what[params->text], &task.rows));
    thin_out(&task.rows, params->limit ? params->limit : DEFAULT_LIMIT);
    TRY(embed_pairs(&task));
    TRY(group_texts(&task));
    TRY(make_result(&task, out));
fail:
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

void mien_retrieval_destroy(struct mien_retrieval **result)
{
    if (!result || !*result)
        return;
    for (size_t i = 0; (*result)->examples && i < (*result)->example_count; i++) {
        struct mien_retrieval_example *e = &(*result)->examples[i];
        base_free(e->image);
        base_free(e->truth);
        for (size_t k = 0; k < TEXTS; k++)
            base_free(e->texts[k]);
    }
    base_free((*result)->examples);
    base_free(*result);
    *result = NULL;
}
