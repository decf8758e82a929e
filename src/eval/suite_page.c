/* suite_page.c: a suite in the opening of a page: a radar and a table of its evaluations beside what is published. */
#include "eval/suite.h"

#include <math.h>
#include <string.h>

enum { DRAWN_LEAST = 3 };

/* The evaluations in order: of this model first, then of those that something is published of. */
struct overview {
    const cJSON *results;
    size_t count, models;
    const char *published[EVAL_MODELS_MAX + 1];
    struct base_arena arena;
    const char **names;                /* [count] */
    const struct eval_metric **metric; /* [count] */
    struct eval_interval *interval;    /* [count] of this model's values */
    double *tops;                      /* [count] where an axis ends */
    double *values, *errors;           /* [1 + models, count] */
};

static const struct eval_task *task_of(const cJSON *result)
{
    const struct eval_task *task = NULL;
    const char *name = eval_word(cJSON_GetObjectItemCaseSensitive(result, "task"));
    return eval_find_task(name, "a suite", MIEN_ERR_DATA, &task) == MIEN_OK ? task : NULL;
}

/* Where the axis of an evaluation ends: axes of one metric need not have one scale. */
static double top_of(const struct overview *o, size_t i)
{
    double most = 0;
    for (size_t m = 0; m <= o->models; m++)
        most = fmax(most, o->values[m * o->count + i]); /* passes NaN over */
    return page_radar_top(most);
}

static enum mien_status read_one(struct overview *o, const cJSON *result, size_t i)
{
    enum mien_status status = MIEN_OK;
    const struct eval_task *task = task_of(result);
    char place[64];
    o->names[i] = eval_entry_name(result);
    TRY(eval_metric_of(task, result, "a suite", &o->metric[i]));
    snprintf(place, sizeof(place), "%s_interval", o->metric[i]->place);
    const cJSON *interval = eval_find(result, place);
    o->interval[i] = (struct eval_interval){eval_element(interval, 0), eval_element(interval, 1)};
    o->values[i] = eval_number(eval_find(result, o->metric[i]->place));
    for (size_t m = 0; m < o->models; m++) {
        const cJSON *figure = eval_published_of(result, o->published[m]);
        o->values[(m + 1) * o->count + i] = eval_member(figure, "value");
        o->errors[(m + 1) * o->count + i] = eval_member(figure, "error");
    }
    o->tops[i] = top_of(o, i);
fail:
    return status;
}

static enum mien_status read_all(const cJSON *result, struct overview *o)
{
    enum mien_status status = MIEN_OK;
    const cJSON *one = NULL;
    size_t i = 0;
    o->results = cJSON_GetObjectItemCaseSensitive(result, "results");
    o->count = (size_t)cJSON_GetArraySize(o->results);
    o->models = eval_published_models(o->results, o->published);
    o->names = base_arena_array(&o->arena, o->count, sizeof(*o->names));
    o->metric = base_arena_array(&o->arena, o->count, sizeof(*o->metric));
    o->interval = base_arena_array(&o->arena, o->count, sizeof(*o->interval));
    o->tops = base_arena_array(&o->arena, o->count, sizeof(*o->tops));
    o->values = base_arena_array(&o->arena, (1 + o->models) * o->count, sizeof(*o->values));
    o->errors = base_arena_array(&o->arena, (1 + o->models) * o->count, sizeof(*o->errors));
    FAIL_IF(!o->names || !o->metric || !o->interval || !o->tops || !o->values || !o->errors, MIEN_ERR_NOMEM,
            "out of host memory for a page");
    cJSON_ArrayForEach(one, o->results) TRY(read_one(o, one, i++));
fail:
    return status;
}

/* ---- the radar ---- */

/* Whether one of the published figures may be off. */
static bool is_read_off(const struct overview *o)
{
    for (size_t i = 0; i < (1 + o->models) * o->count; i++)
        if (o->errors[i] > 0)
            return true;
    return false;
}

static void draw(struct mien_page *page, const struct overview *o)
{
    struct page_ring rings[EVAL_MODELS_MAX + 1];
    for (size_t m = 0; m <= o->models; m++)
        rings[m] = (struct page_ring){m ? o->published[m - 1] : "this model", o->values + m * o->count,
                                      o->errors + m * o->count};
    page_radar(page,
               !o->models       ? "This model"
               : is_read_off(o) ? "This model beside published figures, read off a drawing where the table has \xc2\xb1"
                                : "This model beside published figures",
               o->names, o->tops, o->count, rings, 1 + o->models);
    page_print(page, "<p class=\"soft\">Each axis runs from 0 in the middle to the number that the table calls its "
                     "end.</p>\n");
}

/* ---- the table ---- */

static void write_head(struct mien_page *page, const struct overview *o)
{
    page_print(page,
               "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Evaluations\"><table class=\"suite\">"
               "<thead><tr><th scope=\"col\">#</th><th scope=\"col\" class=\"l\">data</th>"
               "<th scope=\"col\">this model</th>");
    for (size_t m = 0; m < o->models; m++) {
        page_print(page, "<th scope=\"col\">");
        page_words(page, o->published[m], PAGE_TIGHT);
        page_print(page, "</th>");
    }
    if (o->count >= DRAWN_LEAST)
        page_print(page, "<th scope=\"col\">axis ends at</th>");
    page_print(page, "</tr></thead><tbody>\n");
}

static void write_row(struct mien_page *page, const struct overview *o, const cJSON *result, size_t i)
{
    const struct eval_task *task = task_of(result);
    page_print(page, "<tr><td>%zu</td><th scope=\"row\" class=\"l\"><a href=\"#c%zu\">", i + 1, page->chapters + i + 1);
    page_words(page, o->names[i], PAGE_LABEL);
    page_print(page, "</a><br><span class=\"soft\">%s, %s</span></th><td><b>", o->metric[i]->name, task->info.name);
    page_number(page, o->values[i], 3);
    page_print(page, "</b>");
    if (isfinite(o->interval[i].low) && isfinite(o->interval[i].high))
        page_print(page, "<br><span class=\"soft\">%.3f\xe2\x80\x93%.3f</span>", o->interval[i].low,
                   o->interval[i].high);
    page_print(page, "</td>");
    for (size_t m = 1; m <= o->models; m++) {
        double error = o->errors[m * o->count + i];
        page_print(page, "<td>");
        page_number(page, o->values[m * o->count + i], 3);
        if (error > 0)
            page_print(page, "<br><span class=\"soft\">\xc2\xb1%.4g</span>", error);
        page_print(page, "</td>");
    }
    if (o->count >= DRAWN_LEAST)
        page_print(page, "<td class=\"soft\">%.2g</td>", o->tops[i]);
    page_print(page, "</tr>\n");
}

static bool is_same(const cJSON *a, const cJSON *b, const char *key)
{
    return strcmp(eval_word(cJSON_GetObjectItemCaseSensitive(a, key)),
                  eval_word(cJSON_GetObjectItemCaseSensitive(b, key))) == 0;
}

/* Whether no figure before this one has its model and its source. */
static bool is_new(const cJSON *results, const cJSON *figure)
{
    const cJSON *result = NULL, *other = NULL;
    cJSON_ArrayForEach(result, results)
    {
        cJSON_ArrayForEach(other, cJSON_GetObjectItemCaseSensitive(result, "published"))
        {
            if (other == figure)
                return true;
            if (is_same(other, figure, "model") && is_same(other, figure, "source"))
                return false;
        }
    }
    return true;
}

/* Where the figures come from: each model's sources, each once. */
static void write_sources(struct mien_page *page, const struct overview *o)
{
    const cJSON *result = NULL, *figure = NULL;
    cJSON_ArrayForEach(result, o->results)
    {
        cJSON_ArrayForEach(figure, cJSON_GetObjectItemCaseSensitive(result, "published"))
        {
            if (!is_new(o->results, figure))
                continue;
            page_print(page, "<li>");
            page_words(page, eval_word(cJSON_GetObjectItemCaseSensitive(figure, "model")), PAGE_LABEL);
            page_print(page, ": ");
            page_words(page, eval_word(cJSON_GetObjectItemCaseSensitive(figure, "source")), PAGE_CAPTION);
            page_print(page, "</li>\n");
        }
    }
}

static void write_table(struct mien_page *page, const struct overview *o)
{
    const cJSON *result = NULL;
    size_t i = 0;
    write_head(page, o);
    cJSON_ArrayForEach(result, o->results) write_row(page, o, result, i++);
    page_print(page, "</tbody></table></div>\n");
    if (!o->models)
        return;
    page_print(page,
               "<div class=\"soft\"><p>Published by others, not measured here; data, sentences and metric may differ. "
               "\xc2\xb1: how far a figure may be off that was read off a drawing.</p><ul>\n");
    write_sources(page, o);
    page_print(page, "</ul></div>\n");
}

static void write_skipped(struct mien_page *page, const cJSON *result)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result, "skipped"), *one = NULL;
    int count = cJSON_GetArraySize(list);
    if (count == 0)
        return;
    page_print(page, "<p class=\"soft\">%d %s skipped, without a manifest: ", count,
               count == 1 ? "evaluation was" : "evaluations were");
    cJSON_ArrayForEach(one, list)
    {
        page_print(page, "%s", one == list->child ? "" : ", ");
        page_words(page, eval_entry_name(one), PAGE_LABEL);
    }
    page_print(page, "</p>\n");
}

void eval_suite_front(struct mien_page *page, const cJSON *result)
{
    struct overview o = {0};
    const char *suite = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "suite"));
    const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "model"));
    char title[128], name[128];
    enum mien_status status = read_all(result, &o);
    snprintf(title, sizeof(title), "Suite %s%s", page_name_of(suite, name, sizeof(name) / 2),
             o.models ? " beside published figures" : "");
    page->chapters++; /* the heading leads to the first of its chapters */
    page_link(page, 'f', title, page_name_of(model, name, sizeof(name)));
    page_front_begin(page, PAGE_RESULTS, title, name);
    page->chapters--;
    if (status == MIEN_OK) {
        if (o.count >= DRAWN_LEAST)
            draw(page, &o);
        write_table(page, &o);
        write_skipped(page, result);
        page_print(page, "<dl class=\"facts\">\n");
        eval_model_facts(page, result);
        page_print(page, "</dl>\n");
    } else {
        page->text.status = status;
    }
    page_front_end(page, PAGE_RESULTS);
    base_arena_clear(&o.arena);
}
