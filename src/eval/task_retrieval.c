/* task_retrieval.c: images and captions that look for each other. */
#include "eval/gallery.h"
#include "use/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 1000, EXAMPLES = 8, TEXTS = 3 };
static const uint32_t cuts[3] = {1, 5, 10};

struct task {
    struct mien_model *model;
    const struct mien_eval_params *params;
    struct use_rows rows;
    struct base_arena arena;
    bool *ok;           /* [count] */
    float *images;      /* [count, E], then those of unreadable images are taken out */
    float *texts;       /* [count, E], of unit length */
    const char **whole; /* [count] a pair's text in words */
    uint32_t *group;    /* [count] pairs whose texts are one to the model have the same number */
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
    if (c->global && t->params->level != MIEN_TEXT_SUMMARY)
        out[n++] = c->global;
    for (uint32_t k = 0; t->params->level == MIEN_TEXT_CAPTION && k < c->local_count; k++)
        out[n++] = c->local[k];
    if (c->summary && t->params->level != MIEN_TEXT_GLOBAL)
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
    TRY(use_tokenizer_needed(t->model->tokenizer, t->model->name));
    t->group = base_arena_array(&t->arena, count, sizeof(*t->group));
    FAIL_IF_NULL(t->group, "captions");
    TRY(use_same_texts(t->model->tokenizer, t->model->nn->config.text.context, list, first, count, t->group));
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
        t->group[kept] = t->group[i];
        memmove(t->images + kept * width, t->images + i * width, width * sizeof(float));
        memmove(t->texts + kept * width, t->texts + i * width, width * sizeof(float));
        kept++;
    }
    t->bad = t->rows.count - kept;
    t->rows.count = kept;
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

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The share of queries with rank <= cut, with its interval. hits [count] is scratch. */
static enum mien_status put_recall(const struct task *t, uint32_t cut, double *hits, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    struct eval_interval interval;
    double share = 0;
    char key[32];
    for (size_t i = 0; i < count; i++) {
        hits[i] = t->ranks[i] <= cut;
        share += hits[i] / (double)count;
    }
    TRY(eval_mean_interval(hits, count, t->params->seed, &interval));
    snprintf(key, sizeof(key), "r%u", cut);
    base_put_number(out, key, share);
    snprintf(key, sizeof(key), "r%u_interval", cut);
    base_put_numbers(out, key, (const double[]){interval.low, interval.high}, 2);
fail:
    return status;
}

/* One direction. */
static enum mien_status put_ranks(struct task *t, const char *key, const float *queries, const float *answers,
                                  struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct base_json ranks = base_json_object_begin();
    size_t count = t->rows.count;
    uint32_t width = t->model->nn->config.embed;
    double mean = 0, *scratch = base_alloc(count, sizeof(*scratch));
    FAIL_IF_NULL(scratch, "ranks");
    for (size_t i = 0; i < count; i++) {
        score_query(t, queries + i * width, answers);
        TRY(use_rank(t->scores, t->group, count, i, &t->ranks[i]));
        mean += t->ranks[i] / (double)count;
    }
    memcpy(scratch, t->ranks, count * sizeof(*scratch));
    qsort(scratch, count, sizeof(*scratch), by_value);
    base_put_number(&ranks, "median", (scratch[(count - 1) / 2] + scratch[count / 2]) / 2);
    base_put_number(&ranks, "mean", mean);
    for (size_t k = 0; k < BASE_COUNT(cuts); k++)
        TRY(put_recall(t, cuts[k], scratch, &ranks));
    base_put_tree(out, key, &ranks);
fail:
    cJSON_Delete(ranks.tree);
    base_free(scratch);
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

static void add_example(struct task *t, size_t i, struct base_json *list)
{
    const struct data_row *row = &t->rows.manifest->rows[t->rows.rows[i]];
    struct base_json example = base_json_object_begin(), scores = base_json_list_begin();
    uint32_t taken[TEXTS];
    const char *texts[TEXTS];
    size_t count = 0;
    score_query(t, t->images + i * t->model->nn->config.embed, t->texts);
    for (size_t j; count < TEXTS && (j = next_best(t, taken, count)) != SIZE_MAX; count++) {
        taken[count] = t->group[j];
        texts[count] = t->whole[j];
        base_add_number(&scores, round(t->scores[j] * 1e6) / 1e6);
    }
    eval_put_sample(&example, row);
    base_put_text(&example, "truth", t->whole[i]);
    base_put_texts(&example, "texts", texts, count);
    base_put_tree(&example, "scores", &scores);
    base_add_tree(list, &example);
}

/* ---- the task ---- */

static enum mien_status put_result(struct task *t, struct base_json *out)
{
    enum mien_status status = MIEN_OK;
    struct base_json examples = base_json_list_begin();
    size_t count = t->rows.count, shown = BASE_MIN(count, (size_t)EXAMPLES);
    eval_put_head(out, &t->rows, count, t->bad);
    base_put_number(out, "chance", chance_of(t));
    TRY(put_ranks(t, "image_text", t->images, t->texts, out));
    TRY(put_ranks(t, "text_image", t->texts, t->images, out));
    for (size_t k = 0; k < shown; k++)
        add_example(t, k * count / shown, &examples);
    base_put_tree(out, "examples", &examples);
    TRY(eval_put_gallery(
        out, &(struct eval_pairs){&t->rows, t->images, t->texts, t->whole, t->group, t->model->nn->config.embed}));
fail:
    cJSON_Delete(examples.tree);
    return status;
}

static enum mien_status embed_pairs(struct task *t)
{
    enum mien_status status = MIEN_OK;
    size_t count = t->rows.count;
    const struct mien_embed_params params = eval_embed_params(t->params);
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

static enum mien_status run(struct mien_model *model, const struct mien_eval_params *params, struct base_json *out)
{
    static bool (*const usable[])(const struct data_row *) = {has_caption, has_global, has_summary};
    static const char *const what[] = {"image or clip with a caption", "image or clip with a global caption",
                                       "image or clip with a summary"};
    enum mien_status status = MIEN_OK;
    struct task task = {.model = model, .params = params};
    FAIL_IF((size_t)params->level >= BASE_COUNT(what), MIEN_ERR_ARG, "there is no level %d of a caption",
            (int)params->level);
    task.rows.columns = params->columns;
    TRY(use_rows_read(params->manifest, params->split, usable[params->level], what[params->level], &task.rows));
    thin_out(&task.rows, params->limit ? params->limit : DEFAULT_LIMIT);
    TRY(embed_pairs(&task));
    TRY(put_result(&task, out));
fail:
    base_arena_clear(&task.arena);
    use_rows_clear(&task.rows);
    return status;
}

/* ---- a result as lines ---- */

static void print_ranks(struct base_text *out, const char *name, const cJSON *ranks)
{
    base_text_print(out, "%-14s %6.3f %6.3f %6.3f %12.1f %10.1f\n", name, eval_member(ranks, "r1"),
                    eval_member(ranks, "r5"), eval_member(ranks, "r10"), eval_member(ranks, "median"),
                    eval_member(ranks, "mean"));
}

static void print(struct base_text *out, const cJSON *result)
{
    const cJSON *image_text = cJSON_GetObjectItemCaseSensitive(result, "image_text");
    struct eval_interval r1 = eval_interval_of(image_text, "r1");
    base_text_print(out, "%-14s %6s %6s %6s %12s %10s\n", "query", "R@1", "R@5", "R@10", "median rank", "mean rank");
    print_ranks(out, "image", image_text);
    print_ranks(out, "text", cJSON_GetObjectItemCaseSensitive(result, "text_image"));
    eval_print_bad(out, result);
    base_text_print(out, "split %s, n %.0f, chance of R@1 %.4f, 95 %% interval of R@1 %.3f to %.3f\n",
                    eval_word(cJSON_GetObjectItemCaseSensitive(result, "split")), eval_member(result, "n"),
                    eval_member(result, "chance"), r1.low, r1.high);
    base_text_print(out, "retrieval R@1 %.3f\n", eval_member(image_text, "r1"));
}

/* ---- a result in a page ---- */

static void headline(struct mien_page *page, const cJSON *result)
{
    const cJSON *image_text = cJSON_GetObjectItemCaseSensitive(result, "image_text");
    const cJSON *text_image = cJSON_GetObjectItemCaseSensitive(result, "text_image");
    eval_card(page, "R@1, image to caption", eval_member(image_text, "r1"), eval_interval_of(image_text, "r1"));
    eval_card(page, "R@1, caption to image", eval_member(text_image, "r1"), eval_interval_of(text_image, "r1"));
    page_card(page, "Chance of R@1", eval_member(result, "chance"), 4, "");
}

static void chapter_ranks(struct mien_page *page, const char *name, const cJSON *ranks)
{
    static const char *const keys[] = {"r1", "r5", "r10"};
    page_print(page, "<tr><th scope=\"row\" class=\"l\">%s</th>", name);
    for (size_t k = 0; k < BASE_COUNT(keys); k++) {
        struct eval_interval interval = eval_interval_of(ranks, keys[k]);
        page_print(page, "<td>");
        page_number(page, eval_member(ranks, keys[k]), 3);
        if (isfinite(interval.low) && isfinite(interval.high))
            page_print(page, " <span class=\"soft\">(%.3f to %.3f)</span>", interval.low, interval.high);
        page_print(page, "</td>");
    }
    page_print(page, "<td>");
    page_number(page, eval_member(ranks, "median"), 1);
    page_print(page, "</td><td>");
    page_number(page, eval_member(ranks, "mean"), 1);
    page_print(page, "</td></tr>\n");
}

static void chapter_example(struct mien_page *page, const cJSON *example)
{
    const cJSON *truth = cJSON_GetObjectItemCaseSensitive(example, "truth");
    const cJSON *texts = cJSON_GetObjectItemCaseSensitive(example, "texts"), *text = NULL;
    const cJSON *scores = cJSON_GetObjectItemCaseSensitive(example, "scores");
    int i = 0;
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(example, "image")) || !cJSON_IsString(truth))
        return;
    page_print(page, "<li class=\"face\">");
    eval_picture(page, example);
    page_print(page, "<div><p class=\"soft\">its own caption: ");
    page_words(page, truth->valuestring, PAGE_CAPTION);
    page_print(page, "</p><ol>");
    cJSON_ArrayForEach(text, texts)
    {
        const char *words = cJSON_IsString(text) ? text->valuestring : "";
        bool right = strcmp(words, truth->valuestring) == 0;
        if (i >= TEXTS)
            break;
        page_print(page, "<li%s>", right ? " class=\"hit\"" : "");
        page_words(page, words, PAGE_CAPTION);
        page_print(page, "%s <span class=\"soft\">", right ? " (its own)" : "");
        page_number(page, eval_element(scores, i++), 3);
        page_print(page, "</span></li>");
    }
    page_print(page, "</ol></div></li>\n");
}

static void chapter(struct mien_page *page, const cJSON *result)
{
    const cJSON *example = NULL;
    int n = 0;
    page_print(
        page,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Ranks\"><table class=\"ranks\"><thead><tr>"
        "<th scope=\"col\" class=\"l\">query</th><th scope=\"col\">R@1</th><th scope=\"col\">R@5</th>"
        "<th scope=\"col\">R@10</th><th scope=\"col\">median rank</th><th scope=\"col\">mean rank</th>"
        "</tr></thead><tbody>\n");
    chapter_ranks(page, "image, captions answer", cJSON_GetObjectItemCaseSensitive(result, "image_text"));
    chapter_ranks(page, "caption, images answer", cJSON_GetObjectItemCaseSensitive(result, "text_image"));
    page_print(page, "</tbody></table></div>\n");
    eval_chapter_gallery(page, result);
    page_element(page, "h3", "Faces and the captions nearest to them");
    page_print(page, "<ul class=\"faces texts\">\n");
    cJSON_ArrayForEach(example, cJSON_GetObjectItemCaseSensitive(result, "examples"))
    {
        if (n++ < EXAMPLES)
            chapter_example(page, example);
    }
    page_print(page, "</ul>\n");
}

/* ---- the row ---- */

static enum mien_status check(const char *where, const cJSON *result)
{
    enum mien_status status = MIEN_OK;
    const cJSON *image_text = NULL, *text_image = NULL, *examples = NULL;
    TRY(base_json_object(result, "image_text", where, &image_text));
    TRY(base_json_object(result, "text_image", where, &text_image));
    TRY(base_json_array(result, "examples", where, &examples));
    FAIL_IF(!image_text || !text_image, MIEN_ERR_DATA, "%s: \"image_text\" or \"text_image\" is missing", where);
fail:
    return status;
}

static const char *const options[] = {"level", "limit", NULL};

static const struct eval_metric metrics[] = {
    {"image_text.r1", "R@1, image to text", 0},
    {"image_text.r5", "R@5, image to text", 0},
    {"image_text.r10", "R@10, image to text", 0},
    {"text_image.r1", "R@1, text to image", 0},
    {"text_image.r5", "R@5, text to image", 0},
    {"text_image.r10", "R@10, text to image", 0},
    {0},
};

const struct eval_task eval_task_retrieval = {
    .info = {.name = "retrieval",
             .summary = "images and captions look for each other: R@1, R@5, R@10, median and mean rank both ways",
             .options = options},
    .title = "Retrieval",
    .metrics = metrics,
    .run = run,
    .check = check,
    .print = print,
    .headline = headline,
    .chapter = chapter,
};
